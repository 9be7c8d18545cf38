import { clone, equal } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { checkMutated, type Original, originalOf } from './mutated-object.ts'
import type { AdmissionAttributes } from './plugin.ts'

/** What is remembered of one request while policies and webhooks of clients may change its object, in two rounds at most. */
export class Reinvocation {
  readonly #rounds = new Map<string, PluginRounds>()
  readonly #original: Original
  #wanted = false
  #round: 0 | 1 = 0

  /** @param object as it is before the first of them is asked */
  constructor(object: KubeObject | undefined) {
    this.#original = originalOf(object)
  }

  /** Looks over what clients made of the object, once all are done. @throws StatusError 400 */
  checkResult(attributes: AdmissionAttributes): void {
    if (this.#wanted) checkMutated(attributes, this.#original)
  }

  get round(): 0 | 1 {
    return this.#round
  }

  /** Asks for a second round. */
  want(): void {
    this.#wanted = true
  }

  /** Begins the second round if anybody asked for it, and it hasn't been yet. */
  startAgain(): boolean {
    if (!this.#wanted || this.#round === 1) return false
    this.#round = 1
    return true
  }

  of(plugin: string): PluginRounds {
    let rounds = this.#rounds.get(plugin)
    if (!rounds) this.#rounds.set(plugin, (rounds = new PluginRounds(this)))
    return rounds
  }
}

/**
 * Which policies (or webhooks) of one plugin are asked again: those that want to be, and were asked before something else changed the
 * object. Keys stand for them.
 */
export class PluginRounds {
  readonly #request: Reinvocation
  /** Asked already, and to be asked again once something changes. */
  readonly #asked = new Set<string>()
  readonly #again = new Set<string>()
  #output: KubeObject | undefined

  constructor(request: Reinvocation) {
    this.#request = request
  }

  get round(): 0 | 1 {
    return this.#request.round
  }

  /** @param object as it is before the plugin asks anybody */
  begin(object: KubeObject | undefined): void {
    if (this.round === 1 && this.#asked.size && !equal(object, this.#output)) this.#requireAgain()
  }

  /** @param object as it is after the plugin asked all */
  end(object: KubeObject | undefined): void {
    if (this.round === 0 && this.#asked.size) this.#output = clone(object)
  }

  /** Nobody is asked for the first time in the second round. */
  mayAsk(key: string): boolean {
    return this.round === 0 || this.#again.has(key)
  }

  /** One of the plugin's changed the object: those before it, and all plugins, are to see it. */
  changed(): void {
    this.#requireAgain()
    this.#request.want()
  }

  asked(key: string): void {
    this.#asked.add(key)
  }

  #requireAgain(): void {
    for (const key of this.#asked) this.#again.add(key)
    this.#asked.clear()
  }
}

/** The rounds of a plugin in a request. */
export function roundsOf(attributes: AdmissionAttributes, plugin: string): PluginRounds {
  attributes.reinvocation ??= new Reinvocation(attributes.object)
  return attributes.reinvocation.of(plugin)
}

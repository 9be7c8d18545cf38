import { parseJson, stringifyJson } from '../../machinery/go-json.ts'
import { equal, type JsonObject } from '../../machinery/json.ts'
import { decodeJsonPatch, runJsonPatch } from '../../machinery/json-patch.ts'
import { internalError, StatusError } from '../../machinery/status.ts'
import { replaceObject } from '../forms.ts'
import { patchable } from '../patchable.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts'
import { RequestVariables } from '../policies/request.ts'
import type { Match } from '../policies/rules.ts'
import { type PluginRounds, roundsOf } from '../reinvocation.ts'
import { type CallDeps, callHook } from './call.ts'
import type { Hook } from './hooks.ts'
import { withOutcome } from './outcome.ts'
import { CallError } from './refusals.ts'
import type { ReviewAnswer } from './review.ts'
import { HookMatching, type PlacedHook, storedHooks, type WebhookDeps } from './stored-hooks.ts'

const NAME = 'MutatingAdmissionWebhook'

/**
 * Asks the webhooks of MutatingWebhookConfigurations, one after the other, each about what those before it made of the object.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
export function mutatingAdmissionWebhook(deps: WebhookDeps): AdmissionPlugin {
  const matching = new HookMatching(deps)
  return {
    name: NAME,
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    admit: storedHooks(deps, 'mutatingwebhookconfigurations', (attributes, hooks) =>
      new Dispatch(deps, matching, attributes).run(hooks),
    ),
  }
}

/** One request's webhooks. */
class Dispatch {
  readonly #deps: WebhookDeps
  readonly #calls: CallDeps
  readonly #matching: HookMatching
  readonly #attributes: AdmissionAttributes
  readonly #request: RequestVariables

  constructor(deps: WebhookDeps, matching: HookMatching, attributes: AdmissionAttributes) {
    this.#deps = deps
    this.#calls = { transport: deps.transport, show: deps.forms.show, uuid: deps.uuid }
    this.#matching = matching
    this.#attributes = attributes
    this.#request = new RequestVariables(attributes, deps.forms.show, deps.authorize)
  }

  /** @throws StatusError */
  async run(hooks: readonly PlacedHook[]): Promise<void> {
    const rounds = roundsOf(this.#attributes, NAME)
    rounds.begin(this.#attributes.object)
    try {
      for (const { hook, index } of hooks) await this.#invoke(hook, index, rounds)
    } finally {
      rounds.end(this.#attributes.object)
    }
  }

  async #invoke(hook: Hook, index: number, rounds: PluginRounds): Promise<void> {
    const attributes = this.#attributes
    const match = await this.#matching.match(hook, attributes, this.#request)
    if (!match || !rounds.mayAsk(hook.key)) return
    const place = `round_${rounds.round}_index_${index}`
    let changed = false
    try {
      await withOutcome(this.#deps, { hook, type: 'admit', attributes, place }, async () => {
        const answer = await callHook(this.#calls, hook, attributes, match, true)
        changed = await this.#patch(hook, answer, match, place)
      })
    } finally {
      if (attributes.audited) {
        const mutated = { configuration: hook.configuration, webhook: hook.name, mutated: changed }
        attributes.annotate(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify(mutated))
      }
    }
    if (changed) rounds.changed()
    if (hook.reinvocable) rounds.asked(hook.key)
  }

  /**
   * @returns whether the object is another now
   * @throws StatusError 500 for a patch that doesn't apply, CallError for one of an unknown type
   */
  async #patch(hook: Hook, { patch, patchType }: ReviewAnswer, match: Match, place: string): Promise<boolean> {
    if (!patch) return false
    const attributes = this.#attributes
    const operations = await internally(() => decodeJsonPatch(parseJson(patch), 'Ignore').operations)
    if (operations.length === 0) return false
    const { object } = attributes
    if (!object) {
      const name = JSON.stringify(hook.name)
      throw internalError(`admission webhook ${name} attempted to modify the object, which is not supported for this operation`)
    }
    if (patchType !== 'JSONPatch') throw new CallError(`unsupported patch type ${JSON.stringify(patchType)}`)
    const { show, read } = this.#deps.forms
    const before = await show(object, attributes, match.kind)
    const next = await internally(() =>
      read(runJsonPatch(patchable(before, operations), operations) as JsonObject, attributes, match.kind, false),
    )
    const changed = !equal(before, await show(next, attributes, match.kind))
    replaceObject(attributes, next)
    if (attributes.audited) {
      const told = { configuration: hook.configuration, webhook: hook.name, patch: operations, patchType }
      attributes.annotate(`patch.webhook.admission.k8s.io/${place}`, stringifyJson(told), 'Request')
    }
    this.#request.changed()
    return changed
  }
}

/** What goes wrong with a patch is the server's fault to the client, who can't do anything about it. */
async function internally<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StatusError && error.code === 500 ? error : internalError((error as Error).message)
  }
}

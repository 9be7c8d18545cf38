import { type Definition, isTrue } from '../kinds/apiextensions/conditions.ts'
import { equal } from '../machinery/json.ts'
import type { KindEnvironment } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import { type CustomKindDeps, customKinds } from './custom-kind.ts'

export interface CustomResourcesDeps extends CustomKindDeps {
  registry: Pick<Registry, 'define' | 'undefine'>
  env: KindEnvironment
  /** Told of definitions that can't be served. */
  onError(error: unknown, name: string): void
}

/**
 * Serves what definitions say, as soon as it is told of them. A definition is served once its names are accepted; what is served changes
 * with it, while what is stored stays.
 */
export class CustomResources {
  readonly #deps: CustomResourcesDeps
  /** What is served, by the definition's name. */
  readonly #served = new Map<string, Definition>()
  #made = 0

  constructor(deps: CustomResourcesDeps) {
    this.#deps = deps
  }

  put(definition: Definition): void {
    const name = definition.metadata?.name ?? ''
    if (!isTrue(definition, 'NamesAccepted') && !isTrue(definition, 'Established')) {
      this.remove(name)
      return
    }
    const before = this.#served.get(name)
    const sameObjects = before !== undefined && showsTheSame(before, definition)
    if (sameObjects && isTrue(before, 'Terminating') === isTrue(definition, 'Terminating')) return
    // Another object of the same name has nothing to do with what is stored for it, which is gone.
    if (before && before.metadata?.uid !== definition.metadata?.uid) this.remove(name)
    try {
      this.#deps.registry.define(customKinds(definition, `#${++this.#made}`, this.#deps), this.#deps.env, { sameObjects })
      this.#served.set(name, definition)
    } catch (error) {
      this.#deps.onError(error, name)
    }
  }

  remove(name: string): void {
    const before = this.#served.get(name)
    if (!before) return
    this.#served.delete(name)
    this.#deps.registry.undefine({ group: before.spec?.group ?? '', resource: before.spec?.names?.plural ?? '' })
  }
}

/** Whether objects are read and shown alike by both: then watches go on, and are told how the objects go with their definition. */
const showsTheSame = (a: Definition, b: Definition): boolean =>
  a.metadata?.uid === b.metadata?.uid && equal(a.spec, b.spec) && equal(a.status?.acceptedNames, b.status?.acceptedNames)

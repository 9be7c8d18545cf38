import type { AdmissionregistrationV1MatchResources } from '../../generated/types.ts'
import { EVERYTHING, type LabelSelector, labelSelectorFromObject } from '../../machinery/label-selector.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { notFound } from '../../machinery/status.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import type { Namespaces } from './namespaces.ts'
import { type Equivalents, type Match, matchRules, type NamedRule, namespaceOf } from './rules.ts'

/** What requests are matched with. */
export interface MatchDeps {
  readonly namespaces: Namespaces
  readonly equivalents: Equivalents
}

/** Which requests a policy, a binding or a webhook is for: rules and selectors, ready to be asked. */
export class MatchCriteria {
  readonly rules: readonly NamedRule[]
  readonly #excluded: readonly NamedRule[]
  readonly #exact: boolean
  readonly #namespaces: LabelSelector
  readonly #objects: LabelSelector

  constructor(spec: AdmissionregistrationV1MatchResources = {}) {
    this.rules = spec.resourceRules ?? []
    this.#excluded = spec.excludeResourceRules ?? []
    this.#exact = spec.matchPolicy === 'Exact'
    this.#namespaces = spec.namespaceSelector ? labelSelectorFromObject(spec.namespaceSelector as never) : EVERYTHING
    this.#objects = spec.objectSelector ? labelSelectorFromObject(spec.objectSelector as never) : EVERYTHING
  }

  /** Whether the names of the request's own resource are all that count. */
  get exact(): boolean {
    return this.#exact
  }

  /**
   * The names under which the request fits; undefined when it doesn't. Without rules every request fits under its own.
   *
   * @throws StatusError 404 when it would fit but for its namespace, which doesn't exist
   */
  async match(attributes: AdmissionAttributes, deps: MatchDeps): Promise<Match | undefined> {
    if (!this.#fitsObjects(attributes)) return undefined
    const equivalents = this.#exact ? undefined : deps.equivalents
    if (matchRules(this.#excluded, attributes, equivalents)) return undefined
    const match = this.rules.length ? matchRules(this.rules, attributes, equivalents) : attributes
    return match && (await this.#fitsNamespace(attributes, deps.namespaces)) ? match : undefined
  }

  #fitsObjects({ object, oldObject }: AdmissionAttributes): boolean {
    if (this.#objects.empty) return true
    const fits = (one: KubeObject | undefined): boolean => one !== undefined && this.#objects.matches(one.metadata?.labels)
    return fits(object) || fits(oldObject)
  }

  /** Cluster-scoped objects are in no namespace that could be told by its labels. */
  async #fitsNamespace(attributes: AdmissionAttributes, namespaces: Namespaces): Promise<boolean> {
    if (this.#namespaces.empty) return true
    const name = namespaceOf(attributes)
    const { resource, subresource, operation, object } = attributes
    if (name === '' && resource.resource !== 'namespaces') return true
    const isWritten = operation === 'CREATE' || operation === 'UPDATE'
    if (resource.resource === 'namespaces' && subresource === '' && isWritten)
      return this.#namespaces.matches(object?.metadata?.labels)
    const found = await namespaces.find(name)
    if (!found) throw notFound({ group: '', resource: 'namespaces' }, name)
    return this.#namespaces.matches(found.labels)
  }
}

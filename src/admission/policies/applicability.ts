import { fromJson } from '../../cel/json-values.ts'
import type { Value } from '../../cel/values.ts'
import type { AdmissionregistrationV1ParamKind } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { ObjectReader } from '../objects.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import type { MatchCriteria, MatchDeps } from './matching.ts'
import { Namespaces } from './namespaces.ts'
import { type ParamSource, type ParamSources, Params } from './params.ts'
import { type Equivalents, type Match, namespaceOf } from './rules.ts'
import type { StoredBinding } from './stored.ts'

/** One set of parameters; a policy is asked once for each. */
export interface Param {
  readonly value: Value
  /** The object's namespace and name; empty without an object. */
  readonly key: string
}

const WITHOUT_PARAMS: readonly Param[] = [{ value: null, key: '' }]

/** A policy that is for a request. */
export interface Fitting {
  readonly match: Match
  /** Where its parameters come from; undefined when it has none. */
  readonly source: ParamSource | undefined
}

/** Finds out what of a policy applies to a request. */
export class Applicability {
  readonly #matching: MatchDeps
  readonly #params: Params

  constructor(deps: { objects: ObjectReader; equivalents: Equivalents; params: ParamSources }) {
    this.#matching = { namespaces: new Namespaces(deps.objects), equivalents: deps.equivalents }
    this.#params = new Params(deps.objects, deps.params)
  }

  /**
   * @returns undefined when the policy isn't for the request
   * @throws ConfigurationError, StatusError
   */
  async fitting(
    { criteria, paramKind }: { criteria: MatchCriteria; paramKind: AdmissionregistrationV1ParamKind | undefined },
    attributes: AdmissionAttributes,
  ): Promise<Fitting | undefined> {
    const match = await criteria.match(attributes, this.#matching)
    return match && { match, source: paramKind && this.#params.source(paramKind) }
  }

  /**
   * @returns undefined when the binding isn't for the request
   * @throws ConfigurationError, StatusError
   */
  async params(
    { criteria, paramRef }: StoredBinding,
    attributes: AdmissionAttributes,
    source: ParamSource | undefined,
  ): Promise<readonly Param[] | undefined> {
    if (criteria && !(await criteria.match(attributes, this.#matching))) return undefined
    if (!source || !paramRef) return WITHOUT_PARAMS
    const found = await this.#params.collect(source, paramRef, namespaceOf(attributes))
    return found.map((param) => {
      const { namespace = '', name = '' } = (param as KubeObject).metadata ?? {}
      return { value: fromJson(param), key: `${namespace}/${name}` }
    })
  }

  /** The variable `namespaceObject`. */
  async namespaceObject({ namespace, kind }: AdmissionAttributes): Promise<Value> {
    if (!namespace || (kind.kind === 'Namespace' && kind.group === '')) return null
    return (await this.#matching.namespaces.find(namespace))?.value ?? null
  }
}

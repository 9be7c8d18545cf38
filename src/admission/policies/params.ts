import type { AdmissionregistrationV1ParamKind, AdmissionregistrationV1ParamRef } from '../../generated/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { labelSelectorFromObject } from '../../machinery/label-selector.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Facts, find, type ObjectReader } from '../objects.ts'
import { ConfigurationError } from './configuration-error.ts'
import type { VersionedKind } from './rules.ts'

/** A kind of objects that policies can take parameters from. */
export interface ParamSource {
  /** Where its objects are stored. */
  readonly group: string
  readonly resource: string
  readonly namespaced: boolean
  /** An object as the wanted version shows it. */
  show(object: KubeObject): JsonObject
}

/** Finds a kind; undefined when nobody serves it (now). The same result for the same kind while nothing changes. */
export type ParamSources = (kind: VersionedKind) => ParamSource | undefined

/** The parameters that bindings name. */
export class Params {
  readonly #objects: ObjectReader
  readonly #sources: ParamSources
  readonly #facts = new WeakMap<ParamSource, Facts<JsonObject>>()

  constructor(objects: ObjectReader, sources: ParamSources) {
    this.#objects = objects
    this.#sources = sources
  }

  /** @throws ConfigurationError */
  source(kind: AdmissionregistrationV1ParamKind): ParamSource {
    const { apiVersion = '', kind: name = '' } = kind
    const slash = apiVersion.indexOf('/')
    const group = slash < 0 ? '' : apiVersion.slice(0, slash)
    const source = this.#sources({ group, version: apiVersion.slice(slash + 1), kind: name })
    if (source) return source
    throw new ConfigurationError(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${name}'`)
  }

  /**
   * What a binding's policy is to be evaluated with, once for each.
   *
   * @param namespace the request's
   * @throws ConfigurationError
   */
  async collect(source: ParamSource, ref: AdmissionregistrationV1ParamRef, namespace: string): Promise<readonly JsonObject[]> {
    const within = source.namespaced ? ref.namespace || namespace : ''
    if (source.namespaced && !within) {
      throw new ConfigurationError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
    }
    if (!source.namespaced && ref.namespace) {
      throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
    }
    const found = await this.#find(this.#factsOf(source), ref, within)
    if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') {
      throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction')
    }
    return found
  }

  async #find(facts: Facts<JsonObject>, ref: AdmissionregistrationV1ParamRef, namespace: string): Promise<readonly JsonObject[]> {
    if (ref.name) {
      const one = await find(facts, namespace, ref.name)
      return one ? [one] : []
    }
    const selector = labelSelectorFromObject(ref.selector as never)
    return (await facts.inNamespace(namespace)).filter(({ metadata }: KubeObject) => selector.matches(metadata?.labels))
  }

  #factsOf(source: ParamSource): Facts<JsonObject> {
    let facts = this.#facts.get(source)
    if (!facts) {
      facts = this.#objects.facts(source, (object) => source.show(object))
      this.#facts.set(source, facts)
    }
    return facts
  }
}

/** One requirement of a selector that narrows what is listed or watched. */
export interface SelectorRequirement {
  readonly key: string
  /** `In`, `NotIn`, `Exists` or `DoesNotExist`. */
  readonly operator: string
  readonly values: readonly string[]
}

/** What somebody wants to do, as authorizers judge it: a request's own RequestInfo, or what a review asks about. */
export interface Attributes {
  /** False for paths that name no resource; only `path` and `verb` say something then. */
  readonly isResource: boolean
  readonly path: string
  readonly verb: string
  readonly apiGroup: string
  /** `*` when the asker named none. */
  readonly apiVersion: string
  readonly resource: string
  readonly subresource: string
  /** Empty for all names. */
  readonly name: string
  /** Empty for cluster-scoped resources and for all namespaces. */
  readonly namespace: string
  /** What narrows a list, a watch or a deletecollection: as it was sent, or as requirements. */
  readonly fieldSelector?: string | readonly SelectorRequirement[]
  readonly labelSelector?: string | readonly SelectorRequirement[]
}

/** A question about a resource, with everything that isn't given left empty. */
export function resourceAttributes(given: Partial<Attributes> & { verb: string; resource: string }): Attributes {
  return {
    isResource: true,
    path: '',
    apiGroup: '',
    apiVersion: '*',
    subresource: '',
    name: '',
    namespace: '',
    ...given,
  }
}

import { isObject, type Json, type JsonObject } from '../machinery/json.ts'

/** A resource as aggregated discovery shows it; optional fields are absent rather than empty. */
export interface DiscoveredResource {
  resource: string
  responseKind: { group: string; version: string; kind: string }
  scope: string
  singularResource: string
  verbs: string[]
  shortNames?: string[]
  categories?: string[]
  subresources?: DiscoveredSubresource[]
}

export interface DiscoveredSubresource {
  subresource: string
  responseKind: { group: string; version: string; kind: string }
  verbs: string[]
}

/**
 * The resources of a group version in another server's aggregated discovery (`APIGroupDiscoveryList`, v2 or v2beta1). What isn't of its
 * form is left out, since clients would choke on it.
 *
 * @returns undefined when the document isn't one
 */
export function fromAggregated(document: Json, group: string, version: string): DiscoveredResource[] | undefined {
  if (!isObject(document) || document.kind !== 'APIGroupDiscoveryList') return undefined
  const found = objects(document.items).find(({ metadata }) => isObject(metadata) && text(metadata.name) === group)
  const served = objects(found?.versions).find((one) => text(one.version) === version)
  return objects(served?.resources).map((one) => {
    const subresources = objects(one.subresources).map((sub) => ({
      subresource: text(sub.subresource),
      responseKind: kindOf(sub.responseKind),
      verbs: texts(sub.verbs),
    }))
    return {
      resource: text(one.resource),
      responseKind: kindOf(one.responseKind),
      scope: text(one.scope),
      singularResource: text(one.singularResource),
      verbs: texts(one.verbs),
      ...names(one),
      ...(subresources.length ? { subresources } : {}),
    }
  })
}

/** The same of an `APIResourceList`, which all servers have. @returns undefined when the document isn't one */
export function fromResourceList(document: Json): DiscoveredResource[] | undefined {
  if (!isObject(document) || document.kind !== 'APIResourceList') return undefined
  const byName = new Map<string, DiscoveredResource>()
  const all = objects(document.resources)
  for (const one of all) {
    const name = text(one.name)
    if (name === '' || name.includes('/')) continue
    byName.set(name, {
      resource: name,
      responseKind: kindOf(one),
      scope: one.namespaced === true ? 'Namespaced' : 'Cluster',
      singularResource: text(one.singularName),
      verbs: texts(one.verbs),
      ...names(one),
    })
  }
  for (const one of all) {
    const [name = '', subresource = ''] = text(one.name).split('/')
    if (!subresource) continue
    let whole = byName.get(name)
    if (!whole) {
      // A part of what can't be read or written itself.
      const scope = one.namespaced === true ? 'Namespaced' : 'Cluster'
      whole = { resource: name, responseKind: kindOf(undefined), scope, singularResource: '', verbs: [] }
      byName.set(name, whole)
    }
    whole.subresources = [...(whole.subresources ?? []), { subresource, responseKind: kindOf(one), verbs: texts(one.verbs) }]
  }
  return [...byName.values()]
}

function names(of: JsonObject): Pick<DiscoveredResource, 'shortNames' | 'categories'> {
  const [shortNames, categories] = [texts(of.shortNames), texts(of.categories)]
  return { ...(shortNames.length ? { shortNames } : {}), ...(categories.length ? { categories } : {}) }
}

/** Clients can't do without one. */
function kindOf(value: Json | undefined): DiscoveredResource['responseKind'] {
  const { group, version, kind } = isObject(value) ? value : {}
  return { group: text(group), version: text(version), kind: text(kind) }
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

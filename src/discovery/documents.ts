import { apiVersionOf } from '../registry/kind.ts'
import { type ServedGroup, type ServedGroupVersion, type ServedKind, storageVersionHash } from './groups.ts'

/** `/api`. */
export function apiVersions(core: ServedGroup, serverAddress: string) {
  return {
    kind: 'APIVersions',
    versions: core.versions.map((v) => v.version),
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  }
}

/** `/apis`. */
export function apiGroupList(groups: readonly ServedGroup[]) {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupEntry) }
}

/** `/apis/<group>`. */
export function apiGroup(group: ServedGroup) {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) }
}

function groupEntry(group: ServedGroup) {
  const versions = group.versions.map((v) => ({ groupVersion: apiVersionOf(v), version: v.version }))
  return { name: group.name, versions, preferredVersion: versions[0] }
}

/** An entry of a resource list; optional fields are absent rather than empty. */
interface ApiResource {
  name: string
  singularName: string
  namespaced: boolean
  /** Group and version only where they differ from the list's. */
  group?: string
  version?: string
  kind: string
  verbs: readonly string[]
  shortNames?: readonly string[]
  categories?: readonly string[]
  storageVersionHash?: string
}

/** `/api/v1` and `/apis/<group>/<version>`. */
export function apiResourceList(groupVersion: ServedGroupVersion) {
  return {
    kind: 'APIResourceList',
    ...(groupVersion.group ? { apiVersion: 'v1' } : {}),
    groupVersion: apiVersionOf(groupVersion),
    resources: groupVersion.resources.flatMap(apiResources),
  }
}

function apiResources(served: ServedKind): ApiResource[] {
  const { definition } = served
  const namespaced = definition.scope === 'Namespaced'
  const whole: ApiResource = {
    name: definition.resource,
    singularName: definition.singular,
    namespaced,
    kind: definition.kind,
    verbs: definition.verbs,
    ...optionalNames(served),
    ...(definition.virtual ? {} : { storageVersionHash: storageVersionHash(definition) }),
  }
  const parts = served.subresources.map((s): ApiResource => {
    const elsewhere = s.kind.group !== served.group || s.kind.version !== served.version
    return {
      name: `${definition.resource}/${s.name}`,
      singularName: '',
      namespaced,
      ...(elsewhere ? { group: s.kind.group, version: s.kind.version } : {}),
      kind: s.kind.kind,
      verbs: s.verbs,
    }
  })
  return [whole, ...parts]
}

function optionalNames({ definition }: ServedKind) {
  return {
    ...(definition.shortNames.length ? { shortNames: definition.shortNames } : {}),
    ...(definition.categories.length ? { categories: definition.categories } : {}),
  }
}

/** Aggregated discovery: everything in one answer. */
export function aggregatedDiscovery(groups: readonly ServedGroup[]) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => ({
      metadata: group.name ? { name: group.name } : {},
      versions: group.versions.map((v) => ({
        version: v.version,
        resources: v.remote?.resources ?? v.resources.map(resourceDiscovery),
        freshness: v.remote?.freshness ?? 'Current',
      })),
    })),
  }
}

function resourceDiscovery(served: ServedKind) {
  const { definition } = served
  const subresources = served.subresources.map((s) => ({
    subresource: s.name,
    responseKind: responseKind(served, s.kind),
    verbs: s.verbs,
  }))
  return {
    resource: definition.resource,
    responseKind: responseKind(served, { ...served, kind: definition.kind }),
    scope: definition.scope,
    singularResource: definition.singular,
    verbs: definition.verbs,
    ...optionalNames(served),
    ...(subresources.length ? { subresources } : {}),
  }
}

/** Group and version stay empty where they are those of the list. */
function responseKind(served: ServedKind, kind: { group: string; version: string; kind: string }) {
  const same = kind.group === served.group && kind.version === served.version
  return { group: same ? '' : kind.group, version: same ? '' : kind.version, kind: kind.kind }
}

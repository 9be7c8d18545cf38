import { createHash } from 'node:crypto'
import type { KubeObject } from '../machinery/object.ts'
import { compareVersions } from '../machinery/version-order.ts'
import type { KindDefinition, Subresource } from '../registry/kind.ts'

/** Where discovery learns what is served: kinds come and go with custom resources. */
export interface KindSource {
  kinds(): readonly KindDefinition[]
  /** Grows whenever `kinds()` changes: what was encoded for an older number is stale. */
  readonly changes: number
}

export interface ServedGroup {
  name: string
  /** Preferred version first. */
  versions: ServedGroupVersion[]
}

export interface ServedGroupVersion {
  group: string
  version: string
  /** By name. */
  resources: ServedKind[]
  /** Set when another server serves it, which knows its resources. */
  remote?: { readonly resources: readonly object[]; readonly freshness: string }
}

/** One kind in one of the group versions that serve it. */
export interface ServedKind {
  group: string
  version: string
  definition: KindDefinition
  /** Full type name in this version. */
  schema: string
  subresources: ServedSubresource[]
}

export interface ServedSubresource {
  name: string
  kind: { group: string; version: string; kind: string; schema: string }
  verbs: readonly string[]
  definition: Subresource<KubeObject> | undefined
}

/** Built-in groups by falling priority; others follow by name. The order decides which group a client takes an ambiguous name from. */
const GROUP_ORDER = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'storagemigration.k8s.io',
]

/** Whether a group belongs to the server itself: its paths answer with a Status when they are unknown, others in plain text. */
export function isBuiltInGroup(group: string): boolean {
  return GROUP_ORDER.includes(group)
}

/** All groups in the order in which they are listed; the core group first. */
export function servedGroups(kinds: readonly KindDefinition[]): ServedGroup[] {
  const groups = new Map<string, Map<string, ServedKind[]>>()
  const add = (served: ServedKind) => {
    const versions = groups.get(served.group) ?? new Map<string, ServedKind[]>()
    groups.set(served.group, versions)
    const resources = versions.get(served.version) ?? []
    versions.set(served.version, resources)
    resources.push(served)
  }
  for (const kind of kinds) {
    add(servedKind(kind, kind))
    for (const other of kind.alsoServed ?? []) add(servedKind(kind, other))
  }
  return [...groups]
    .sort(([a], [b]) => groupRank(a) - groupRank(b) || compare(a, b))
    .map(([name, versions]) => ({
      name,
      versions: [...versions]
        .sort(([a], [b]) => compareVersions(a, b))
        .map(([version, resources]) => ({
          group: name,
          version,
          resources: resources.sort((a, b) => compare(a.definition.resource, b.definition.resource)),
        })),
    }))
}

/** Where a group stands among those of equal priority: built-in ones first. */
export function groupRank(group: string): number {
  const at = GROUP_ORDER.indexOf(group)
  return at < 0 ? GROUP_ORDER.length : at
}

/** Byte order, as Go sorts. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function servedKind(definition: KindDefinition, as: { group: string; version: string; schema: string }): ServedKind {
  const own = { group: as.group, version: as.version, kind: definition.kind, schema: as.schema }
  const subresources: ServedSubresource[] = (definition.subresources ?? []).map((s) => ({
    name: s.name,
    kind: s.kind ?? own,
    verbs: [...s.verbs].sort(),
    definition: s,
  }))
  if (definition.hasStatus && !subresources.some((s) => s.name === 'status')) {
    subresources.push({ name: 'status', kind: own, verbs: ['get', 'patch', 'update'], definition: undefined })
  }
  // The one of a custom resource is listed first.
  if (definition.custom) subresources.reverse()
  else subresources.sort((a, b) => compare(a.name, b.name))
  return { group: as.group, version: as.version, definition, schema: as.schema, subresources }
}

/** Kinds that the reference stores in an older version than the newest one that it serves. */
const STORED_AS: Record<string, string> = {
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': 'v1beta1',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': 'v1beta1',
  'apiextensions.k8s.io/CustomResourceDefinition': 'v1beta1',
}

/** Tells clients whether the stored form of a kind changed: a hash of the storage version's name. */
export function storageVersionHash(kind: KindDefinition): string {
  const version = kind.custom?.storageVersion ?? STORED_AS[`${kind.group}/${kind.kind}`] ?? kind.version
  const text = `${kind.group}/${version}/${kind.kind}`
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64')
}

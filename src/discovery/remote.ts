import { compareVersions } from '../machinery/version-order.ts'
import { localPriorities } from '../registry/bootstrap/api-services.ts'
import { compare, groupRank, type ServedGroup } from './groups.ts'

/** A group version that another server serves, as discovery shows it. */
export interface RemoteVersion {
  readonly group: string
  readonly version: string
  /** Of two groups the one with the higher number comes first; of a group's versions likewise. */
  readonly groupPriority: number
  readonly versionPriority: number
  readonly freshness: 'Current' | 'Stale'
  /** As they stand in aggregated discovery. */
  readonly resources: readonly object[]
}

/** Where discovery learns of them. */
export interface RemoteSource {
  versions(): readonly RemoteVersion[]
  /** Grows whenever `versions()` changes. */
  readonly changes: number
}

export const NO_REMOTES: RemoteSource = { versions: () => [], changes: 0 }

/** Puts what others serve where its priorities say; what both serve is theirs. */
export function withRemotes(groups: readonly ServedGroup[], remotes: readonly RemoteVersion[]): ServedGroup[] {
  if (remotes.length === 0) return [...groups]
  const byGroup = Map.groupBy(remotes, ({ group }) => group)
  const names = new Set([...groups.map(({ name }) => name), ...byGroup.keys()])
  const merged = [...names].map((name) => {
    const local = groups.find((group) => group.name === name)
    const others = byGroup.get(name) ?? []
    const own = (local?.versions ?? []).filter(({ version }) => !others.some((other) => other.version === version))
    const versions = [
      ...own.map((served) => ({ served, ...localPriorities(name, served.version) })),
      ...others.map((remote) => ({
        served: { group: name, version: remote.version, resources: [], remote },
        groupPriorityMinimum: remote.groupPriority,
        versionPriority: remote.versionPriority,
      })),
    ]
    if (others.length)
      versions.sort((a, b) => b.versionPriority - a.versionPriority || compareVersions(a.served.version, b.served.version))
    const priority = Math.max(...versions.map(({ groupPriorityMinimum }) => groupPriorityMinimum))
    return { name, priority, versions: versions.map(({ served }) => served) }
  })
  // The core group has a list of its own, and the group that tells of all others comes before them in any case.
  const weight = ({ name, priority }: { name: string; priority: number }) =>
    name === '' || name === 'apiregistration.k8s.io' ? Number.MAX_SAFE_INTEGER : priority
  return merged.sort((a, b) => weight(b) - weight(a) || groupRank(a.name) - groupRank(b.name) || compare(a.name, b.name))
}

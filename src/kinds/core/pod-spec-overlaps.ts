import type { CoreV1Volume, CoreV1VolumeProjection } from '../../generated/types.ts'
import { quote } from '../../machinery/field-errors.ts'

/** A file that a volume is to hold, and where it comes from ('' when the volume has one source only). */
interface Entry {
  path: string
  source: string
}

/** Warns of files of one volume that stand in each other's way: the same path twice, or one below the other. */
export function overlappingPaths(volumes: readonly CoreV1Volume[]): string[] {
  const warnings: string[] = []
  for (const volume of volumes) {
    const name = `volume ${quote(volume.name ?? '')}`
    const { configMap, secret, downwardAPI, projected } = volume
    if (configMap?.items)
      warnings.push(...overlaps(`${name} (ConfigMap ${quote(configMap.name ?? '')})`, entries(configMap.items)))
    if (secret?.items) warnings.push(...overlaps(`${name} (Secret ${quote(secret.secretName ?? '')})`, entries(secret.items)))
    if (downwardAPI?.items) warnings.push(...overlaps(`${name} (DownwardAPI)`, entries(downwardAPI.items)))
    if (!projected) continue
    const all: Entry[] = []
    for (const source of projected.sources ?? []) {
      if (Object.values(source).every((value) => value === undefined))
        warnings.push(`${name} (Projected) has no sources provided`)
      else all.push(...projectedEntries(source))
    }
    warnings.push(...overlaps(`${name} (Projected)`, all))
  }
  return warnings
}

function projectedEntries(source: CoreV1VolumeProjection): Entry[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = source
  if (configMap?.items) return entries(configMap.items, `ConfigMap ${quote(configMap.name ?? '')}`)
  if (secret?.items) return entries(secret.items, `Secret ${quote(secret.name ?? '')}`)
  if (downwardAPI?.items) return entries(downwardAPI.items, 'DownwardAPI')
  if (serviceAccountToken) return entries([serviceAccountToken], 'ServiceAccountToken')
  if (clusterTrustBundle) {
    const name = clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? ''
    return entries([clusterTrustBundle], `ClusterTrustBundle ${quote(name)}`)
  }
  return []
}

const entries = (items: readonly { path?: string }[], source = ''): Entry[] =>
  items.map((item) => ({ path: (item.path ?? '').replace(/\/+$/, ''), source }))

function overlaps(volume: string, all: readonly Entry[]): string[] {
  const warnings: string[] = []
  all.forEach((entry, i) => {
    if (!entry.path) return
    for (const other of all.slice(0, i)) {
      if (!other.path || !overlap(entry.path, other.path)) continue
      warnings.push(`${volume}: overlapping paths: ${print(entry)} with ${print(other)}`)
    }
  })
  return warnings
}

const overlap = (a: string, b: string): boolean => `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`)

const print = ({ path, source }: Entry): string => (source ? `${quote(path)} (${source})` : quote(path))

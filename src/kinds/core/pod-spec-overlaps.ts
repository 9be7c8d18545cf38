import type { CoreV1ProjectedVolumeSource, CoreV1Volume, CoreV1VolumeProjection } from '../../generated/types.ts'
import { quote } from '../../machinery/field-errors.ts'

/** A file that a volume is to hold, and where it comes from, in volumes of several sources. */
interface Entry {
  path: string
  source: CoreV1VolumeProjection | undefined
}

type Items = readonly { path?: string }[]

/** Warns of files of one volume that stand in each other's way: the same path twice, or one below the other. */
export function overlappingPaths(warnings: string[], volumes: readonly CoreV1Volume[]): void {
  for (const volume of volumes) {
    const { name = '', configMap, secret, downwardAPI, projected } = volume
    if (configMap?.items) overlaps(warnings, name, `ConfigMap ${quote(configMap.name ?? '')}`, entries(configMap.items))
    if (secret?.items) overlaps(warnings, name, `Secret ${quote(secret.secretName ?? '')}`, entries(secret.items))
    if (downwardAPI?.items) overlaps(warnings, name, 'DownwardAPI', entries(downwardAPI.items))
    if (projected) projectedOverlaps(warnings, name, projected)
  }
}

function projectedOverlaps(warnings: string[], name: string, { sources }: CoreV1ProjectedVolumeSource): void {
  if (!sources) return
  const all: Entry[] = []
  for (const source of sources) {
    const items = itemsOf(source)
    if (items) addEntries(all, items, source)
    else if (isEmpty(source)) warnings.push(`volume ${quote(name)} (Projected) has no sources provided`)
  }
  overlaps(warnings, name, 'Projected', all)
}

function isEmpty(source: CoreV1VolumeProjection): boolean {
  for (const kind in source) if (source[kind as keyof CoreV1VolumeProjection] !== undefined) return false
  return true
}

function itemsOf(source: CoreV1VolumeProjection): Items | undefined {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = source
  const items = configMap?.items ?? secret?.items ?? downwardAPI?.items
  if (items) return items
  const file = serviceAccountToken ?? clusterTrustBundle
  return file && [file]
}

/** What messages call the source that `itemsOf` takes. */
function nameOf({ configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle }: CoreV1VolumeProjection): string {
  if (configMap?.items) return `ConfigMap ${quote(configMap.name ?? '')}`
  if (secret?.items) return `Secret ${quote(secret.name ?? '')}`
  if (downwardAPI?.items) return 'DownwardAPI'
  if (serviceAccountToken) return 'ServiceAccountToken'
  return `ClusterTrustBundle ${quote(clusterTrustBundle?.name ?? clusterTrustBundle?.signerName ?? '')}`
}

function entries(items: Items): Entry[] {
  const all: Entry[] = []
  addEntries(all, items, undefined)
  return all
}

const TRAILING_SLASHES = /\/+$/

function addEntries(all: Entry[], items: Items, source: CoreV1VolumeProjection | undefined): void {
  for (const { path = '' } of items) {
    all.push({ path: path.endsWith('/') ? path.replace(TRAILING_SLASHES, '') : path, source })
  }
}

/** @param kind of the volume, as messages call it */
function overlaps(warnings: string[], volume: string, kind: string, all: readonly Entry[]): void {
  for (let i = 0; i < all.length; i++) {
    const entry = all[i]!
    if (!entry.path) continue
    for (let j = 0; j < i; j++) {
      const other = all[j]!
      if (!other.path || !overlap(entry.path, other.path)) continue
      warnings.push(`volume ${quote(volume)} (${kind}): overlapping paths: ${print(entry)} with ${print(other)}`)
    }
  }
}

const overlap = (a: string, b: string): boolean => a === b || isBelow(a, b) || isBelow(b, a)

const isBelow = (path: string, directory: string): boolean => path[directory.length] === '/' && path.startsWith(directory)

const print = ({ path, source }: Entry): string => (source ? `${quote(path)} (${nameOf(source)})` : quote(path))

import { entryFields, entryOf, type ManagedFieldsEntry, ownerKey, ownerOf, sortEntries, withFields } from './entries.ts'
import { difference, fieldsOf, has, isEmpty } from './fields.ts'

/** The version of Scale objects, whatever their parents' is. */
export const SCALE_VERSION = 'autoscaling/v1'

/** Where a Scale, and every built-in parent of one, has its replicas. */
export const REPLICAS: readonly string[] = ['f:spec', 'f:replicas']

const IN_SCALE = REPLICAS

/**
 * Who owns the replicas of a parent, as a Scale's managed fields tell it.
 * @param replicas the path to the replicas in a version of the parent; undefined for versions that aren't known
 */
export function toScaleEntries(
  entries: readonly ManagedFieldsEntry[] | undefined,
  replicas: (apiVersion: string) => readonly string[] | undefined,
): ManagedFieldsEntry[] {
  const owners: ManagedFieldsEntry[] = []
  for (const entry of entries ?? []) {
    const path = replicas(entry.apiVersion ?? '')
    if (!path || !has(entryFields(entry), path)) continue
    owners.push(entryOf({ ...ownerOf(entry), apiVersion: SCALE_VERSION }, entry.time, fieldsOf(...IN_SCALE)))
  }
  return sortEntries(owners)
}

/**
 * The parent's managed fields after a write of its Scale: who lost the replicas there loses them here.
 * @param apiVersion of the parent, as the request speaks it
 */
export function toParentEntries(
  parent: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
  replicas: (apiVersion: string) => readonly string[] | undefined,
): ManagedFieldsEntry[] {
  const inScale = new Map((scale ?? []).map((entry) => [ownerKey(entry), entry]))
  const times = new Map((parent ?? []).map((entry) => [ownerKey(entry), entry.time]))
  const next: ManagedFieldsEntry[] = []
  for (const entry of parent ?? []) {
    const path = replicas(entry.apiVersion ?? '')
    if (!path) continue
    const fields = entryFields(entry)
    // Those that update are told apart by version, too, and so never found again: they come back as owners of their own below.
    if (!has(fields, path) || inScale.delete(ownerKey(entry))) next.push(entry)
    else {
      const rest = difference(fields, fieldsOf(...path))
      if (!isEmpty(rest)) next.push(withFields(entry, rest))
    }
  }
  const path = replicas(apiVersion)
  for (const [key, entry] of inScale) {
    if (!path || !has(entryFields(entry), IN_SCALE)) continue
    next.push(entryOf({ ...ownerOf(entry), apiVersion }, times.get(key), fieldsOf(...path)))
  }
  return sortEntries(next)
}

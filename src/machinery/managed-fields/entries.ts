import type { MetaV1ManagedFieldsEntry } from '../../generated/types.ts'
import { equal, type JsonObject, JsonText } from '../json.ts'
import { type Fields, NO_FIELDS, readFields, union } from './fields.ts'

export type ManagedFieldsEntry = MetaV1ManagedFieldsEntry

/** The fields of an entry. */
export function entryFields(entry: ManagedFieldsEntry): Fields {
  const fields: unknown = entry.fieldsV1
  return ((fields instanceof JsonText ? fields.value : fields) as Fields | undefined) ?? NO_FIELDS
}

export interface Owner {
  manager: string
  operation: 'Apply' | 'Update'
  apiVersion: string
  subresource: string
}

/** An entry in the order of the Go struct. */
export function entryOf(owner: Owner, time: string | undefined, fields: Fields | JsonText): ManagedFieldsEntry {
  const entry: ManagedFieldsEntry = { manager: owner.manager, operation: owner.operation, apiVersion: owner.apiVersion }
  if (time) entry.time = time
  entry.fieldsType = 'FieldsV1'
  entry.fieldsV1 = fields as object as JsonObject
  if (owner.subresource) entry.subresource = owner.subresource
  return entry
}

/** The same entry with other fields. */
export function withFields(entry: ManagedFieldsEntry, fields: Fields | JsonText, time = entry.time): ManagedFieldsEntry {
  return entryOf(ownerOf(entry), time, fields)
}

export function ownerOf(entry: ManagedFieldsEntry): Owner {
  return {
    manager: entry.manager ?? '',
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: entry.apiVersion ?? '',
    subresource: entry.subresource ?? '',
  }
}

/** What tells owners apart: who applies does so in one version at a time. */
export function sameOwner(entry: ManagedFieldsEntry, owner: Owner): boolean {
  return (
    (entry.manager ?? '') === owner.manager &&
    entry.operation === owner.operation &&
    (entry.subresource ?? '') === owner.subresource &&
    (owner.operation === 'Apply' || entry.apiVersion === owner.apiVersion)
  )
}

/** The text that the reference tells owners apart by, which is also the order in which it names them. */
export function ownerKey(entry: ManagedFieldsEntry): string {
  const { manager, operation, apiVersion, subresource } = ownerOf(entry)
  return JSON.stringify({
    ...(manager ? { manager } : {}),
    operation,
    ...(operation === 'Update' ? { apiVersion } : {}),
    ...(subresource ? { subresource } : {}),
  })
}

/** Reads entries that a client wrote; of entries with the same owner the last one counts. @throws Error when one isn't understood */
export function readEntries(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const read = new Map<string, ManagedFieldsEntry>()
  for (const entry of entries) {
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') throw new Error('operation must be `Apply` or `Update`')
    if (!entry.apiVersion) throw new Error('apiVersion must not be empty')
    if (entry.fieldsType !== 'FieldsV1') throw new Error(`invalid fieldsType ${entry.fieldsType}`)
    const fields: unknown = entry.fieldsV1
    read.set(ownerKey(entry), withFields(entry, fields instanceof JsonText ? fields : readFields(entry.fieldsV1)))
  }
  return [...read.values()]
}

/** An empty list, or one of nothing but an empty entry, wants all managed fields gone. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!entries) return false
  return entries.length === 0 || (entries.length === 1 && isBlank(entries[0] as ManagedFieldsEntry))
}

function isBlank(entry: ManagedFieldsEntry): boolean {
  for (const key in entry) if (entry[key as keyof ManagedFieldsEntry] !== undefined) return false
  return true
}

/**
 * The entries that a write starts from: those that the client sent with the object, if it did so in good order, else the stored ones.
 * @param sent undefined when the request may not set them (on subresources)
 */
export function startingEntries(
  stored: readonly ManagedFieldsEntry[] | undefined,
  sent: readonly ManagedFieldsEntry[] | undefined,
): readonly ManagedFieldsEntry[] {
  const live = stored ?? []
  if (!sent || sent === stored) return live
  if (isReset(sent)) return []
  if (equal(sent, live)) return live
  try {
    return readEntries(sent)
  } catch {
    return live
  }
}

/** Oldest first among those of one operation. */
export function sortEntries(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  return entries.sort(compareEntries)
}

function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareTexts(a.operation, b.operation) ||
    compareTexts(a.time, b.time) ||
    compareTexts(a.manager, b.manager) ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource, b.subresource)
  )
}

function compareTexts(a = '', b = ''): number {
  return a === b ? 0 : a < b ? -1 : 1
}

const MAX_UPDATERS = 10
const OLD_UPDATERS = 'ancient-changes'

/** Merges the oldest updaters into one per version when there are more than ten. */
export function capUpdaters(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const updaters = entries.filter((entry) => entry.operation === 'Update')
  let left = updaters.length
  if (left <= MAX_UPDATERS) return entries
  updaters.sort((a, b) => compareTexts(a.time, b.time) || compareTexts(ownerKey(a), ownerKey(b)))
  const kept = new Set(entries)
  const firsts = new Map<string, ManagedFieldsEntry>()
  for (const updater of updaters) {
    if (left <= MAX_UPDATERS) break
    const version = updater.apiVersion ?? ''
    const bucket = firsts.get(version)
    if (!bucket) {
      firsts.set(version, updater)
      continue
    }
    const owner: Owner = { manager: OLD_UPDATERS, operation: 'Update', apiVersion: version, subresource: '' }
    // A bucket of earlier rounds takes the first updater in, unless that is the bucket.
    const earlier = [...kept].find((entry) => sameOwner(entry, owner))
    const base = earlier ?? bucket
    const merged = entryOf(owner, updater.time, union(entryFields(updater), entryFields(base)))
    kept.delete(base)
    kept.delete(updater)
    kept.add(merged)
    left--
  }
  return [...kept]
}

/** Whether two lists differ in nothing but times. */
export function equalButTimes(
  a: readonly ManagedFieldsEntry[] | undefined,
  b: readonly ManagedFieldsEntry[] | undefined,
): boolean {
  if (!a || !b || a.length !== b.length) return a === b
  // Nearly always in the same order.
  if (a.every((entry, i) => sameOwner(entry, ownerOf(b[i] as ManagedFieldsEntry))))
    return a.every((entry, i) => entry.apiVersion === b[i]?.apiVersion && equal(entry.fieldsV1, b[i]?.fieldsV1))
  const others = new Map(b.map((entry) => [ownerKey(entry), entry]))
  return a.every((entry) => {
    const other = others.get(ownerKey(entry))
    return other !== undefined && entry.apiVersion === other.apiVersion && equal(entry.fieldsV1, other.fieldsV1)
  })
}

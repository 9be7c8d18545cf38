import type { JsonObject } from '../json.ts'
import { entryFields, type ManagedFieldsEntry } from './entries.ts'
import { fieldSetOf } from './field-set.ts'
import { difference, type Fields, intersection, isEmpty, NO_FIELDS, union } from './fields.ts'
import { removeFields, withDeclaredFields } from './remove.ts'
import type { VersionView, Views } from './views.ts'

export interface PruneInit {
  /** The merged object, in the version of `view`. */
  merged: JsonObject
  view: VersionView
  views: Views
  /** All owners, with what the manager applies now. */
  entries: readonly ManagedFieldsEntry[]
  /** What the manager applied the last time, and in which version. */
  last: Fields
  lastVersion: string
}

/**
 * Removes what the manager applied the last time and doesn't now, as far as nobody else owns it, nor anything below it. Works in the
 * version of the last time.
 */
export function prune(init: PruneInit): JsonObject {
  const { merged, view, views, last, lastVersion } = init
  const then = isEmpty(last) ? undefined : views(lastVersion)
  if (!then) return merged
  const convert = (object: JsonObject, from: VersionView, to: VersionView): JsonObject =>
    from === to ? object : to.show(from.store(object))
  const object = convert(merged, view, then)
  const lastFields = withDeclaredFields(last, then.atom)
  let pruned = removeFields(object, lastFields, then.atom) as JsonObject
  // What owners have, this one's new configuration included, comes back, and with it what holds it; each in its version, this one first.
  const owned = ownedByVersion(init.entries)
  for (const version of new Set([then.apiVersion, ...owned.keys()])) {
    const of = views(version)
    const fields = owned.get(version)
    if (!of || !fields) continue
    const whole = convert(object, then, of)
    const gone = difference(
      declared(whole, of),
      union(declared(convert(pruned, then, of), of), withDeclaredFields(fields, of.atom)),
    )
    pruned = convert(removeFields(whole, gone, of.atom) as JsonObject, of, then)
  }
  // And nothing goes that wasn't the manager's.
  const gone = difference(declared(object, then), declared(pruned, then))
  pruned = removeFields(object, intersection(gone, lastFields), then.atom) as JsonObject
  return convert(pruned, then, view)
}

function declared(object: JsonObject, { atom }: VersionView): Fields {
  return withDeclaredFields(fieldSetOf(object, atom), atom)
}

/** The fields of all owners by the version that they speak. */
function ownedByVersion(entries: readonly ManagedFieldsEntry[]): Map<string, Fields> {
  const owned = new Map<string, Fields>()
  for (const entry of entries) {
    const version = entry.apiVersion ?? ''
    owned.set(version, union(owned.get(version) ?? NO_FIELDS, entryFields(entry)))
  }
  return owned
}

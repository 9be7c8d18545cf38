import { isPrintable } from '../go-text.ts'
import type { JsonObject, JsonText } from '../json.ts'
import type { KubeObject } from '../object.ts'
import type { CreatedShapes } from './created-shapes.ts'
import {
  capUpdaters,
  entryFields,
  entryOf,
  type ManagedFieldsEntry,
  type Owner,
  sameOwner,
  sortEntries,
  startingEntries,
  withFields,
} from './entries.ts'
import { difference, type Fields, intersection, isEmpty, union } from './fields.ts'
import { TypingError } from './list-items.ts'
import { type Changed, changedFields, type FieldFilter, type VersionView, type Views } from './views.ts'

/** Who writes, in what version, through which subresource (empty for the object itself), when (RFC 3339 with seconds). */
export interface Writer {
  readonly manager: string
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string
}

export interface UpdateInit {
  /** The stored object; undefined on create. Storage version. */
  before: KubeObject | undefined
  /**
   * The object to be stored, of the storage version, with the managed fields that the client sent; may hold empty lists and maps that
   * won't be written. Isn't changed.
   */
  after: KubeObject
  writer: Writer
  views: Views
  /** What the kind resets in writes of this sort, for each version. */
  filter?: FieldFilter | undefined
  /** What is known of objects created before in the same version and with the same filter. */
  shapes?: CreatedShapes | undefined
}

/** The name of managers that gave none. */
const UNKNOWN = 'unknown'

/**
 * The managed fields of an object after a create, update or patch: the writer owns what it changed, others lose that and what is gone.
 * Undefined when the object has none, as after a reset, or when it can't be told whose fields are whose.
 */
export function managedFieldsAfterUpdate(init: UpdateInit): ManagedFieldsEntry[] | undefined {
  const { before, after, writer, views } = init
  const sent = writer.subresource ? undefined : after.metadata?.managedFields
  const entries = startingEntries(before?.metadata?.managedFields, sent)
  // Objects whose managed fields were reset stay without them until somebody applies.
  if (before && entries.length === 0) return undefined
  const view = views(writer.apiVersion)
  if (!view) return undefined
  try {
    const shapes = before || entries.length ? undefined : init.shapes
    if (shapes) return createdEntries(view.show(after), view, init, shapes)
    const changes = new Changes(before, after, view, init)
    const next = recordUpdate(entries, changes, writer, views)
    return next.length ? next : undefined
  } catch (error) {
    if (error instanceof TypingError) return undefined
    throw error
  }
}

/** The one entry of a new object. */
function createdEntries(
  object: JsonObject,
  view: VersionView,
  { writer, filter }: UpdateInit,
  shapes: CreatedShapes,
): ManagedFieldsEntry[] | undefined {
  let fields: Fields | JsonText | undefined = shapes.find(object)
  if (!fields) {
    const { set } = changedFields(view.empty, object, view, filter, true)
    if (isEmpty(set)) return undefined
    shapes.learn(object, set)
    fields = set
  }
  return [entryOf(updater(writer), writer.time, fields)]
}

/** What one write changed, for each version that somebody asks for. */
export class Changes {
  readonly own: Changed
  readonly #ownVersion: string
  readonly #before: () => KubeObject
  readonly #after: () => KubeObject
  readonly #views: Views
  readonly #filter: FieldFilter | undefined
  readonly #others = new Map<string, Changed | undefined>()

  constructor(before: KubeObject | undefined, after: KubeObject, view: VersionView, { views, filter }: ChangesInit) {
    this.#before = () => before ?? view.store(view.empty)
    this.#after = () => after
    this.#views = views
    this.#filter = filter
    this.#ownVersion = view.apiVersion
    this.own = changedFields(before ? view.show(before) : view.empty, view.show(after), view, filter, true)
  }

  /** Undefined for a version that isn't served. */
  of(apiVersion: string): Changed | undefined {
    if (apiVersion === this.#ownVersion) return this.own
    if (this.#others.has(apiVersion)) return this.#others.get(apiVersion)
    const view = this.#views(apiVersion)
    const changed = view && changedFields(view.show(this.#before()), view.show(this.#after()), view, this.#filter)
    this.#others.set(apiVersion, changed)
    return changed
  }
}

export interface ChangesInit {
  views: Views
  filter?: FieldFilter | undefined
}

export interface Conflict {
  entry: ManagedFieldsEntry
  fields: Fields
}

/**
 * Takes from owners what changed and what is gone.
 * @param except an owner that isn't asked
 * @param conflicts when given, collects what changed of others' fields
 */
export function disown(
  entries: readonly ManagedFieldsEntry[],
  changes: Pick<Changes, 'of'>,
  except?: ManagedFieldsEntry,
  conflicts?: Conflict[],
): ManagedFieldsEntry[] {
  const left: ManagedFieldsEntry[] = []
  for (const entry of entries) {
    if (entry === except) {
      left.push(entry)
      continue
    }
    const changed = changes.of(entry.apiVersion ?? '')
    if (!changed) continue
    const fields = entryFields(entry)
    if (conflicts) {
      const common = intersection(fields, changed.set)
      if (!isEmpty(common)) conflicts.push({ entry, fields: common })
    }
    const rest = difference(difference(fields, changed.set), changed.removed)
    if (rest === fields) left.push(entry)
    else if (!isEmpty(rest)) left.push(withFields(entry, rest))
  }
  return left
}

function recordUpdate(
  entries: readonly ManagedFieldsEntry[],
  changes: Changes,
  writer: Writer,
  views: Views,
): ManagedFieldsEntry[] {
  const { set, removed } = changes.own
  // What didn't change in this version didn't in others; but versions that aren't served any more own nothing.
  if (isEmpty(set) && isEmpty(removed)) return entries.filter((entry) => views(entry.apiVersion ?? ''))
  if (isEmpty(set)) return sortEntries(capUpdaters(disown(entries, changes)))
  const owner = updater(writer)
  const mine = entries.find((entry) => sameOwner(entry, owner))
  // What the writer set stays its own; so most sets of those who write again and again stay as they are.
  const left = disown(entries, changes, mine)
  const entry = entryOf(owner, writer.time, mine ? updated(mine, set, removed) : set)
  if (mine) left[left.indexOf(mine)] = entry
  else left.push(entry)
  return sortEntries(capUpdaters(left))
}

function updater({ manager, apiVersion, subresource }: Writer): Owner {
  return { manager: manager || UNKNOWN, operation: 'Update', apiVersion, subresource }
}

/** An entry's fields with what its owner has set, without what is gone: as they are kept, if nothing of that is new. */
function updated(entry: ManagedFieldsEntry, set: Fields, removed: Fields): Fields {
  const fields = entryFields(entry)
  const all = union(difference(fields, removed), set)
  return all === fields ? (entry.fieldsV1 as Fields) : all
}

/** The name that a request's manager goes by: its `fieldManager`, or the head of its User-Agent. */
export function managerName(fieldManager: string, userAgent: string | undefined): string {
  if (fieldManager) return fieldManager
  const head = userAgent?.split('/', 1)[0] ?? ''
  let name = ''
  let bytes = 0
  for (const character of head) {
    if (!isPrintable(character)) continue
    bytes += Buffer.byteLength(character)
    if (bytes > MAX_MANAGER_BYTES) break
    name += character
  }
  return name
}

const MAX_MANAGER_BYTES = 128

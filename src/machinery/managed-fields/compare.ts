import { equal, isObject, type Json, type JsonObject } from '../json.ts'
import { type Atom, firstPart, type ListAtom, type MapAtom, type Part, type PlacedField, partOf } from './atoms.ts'
import { everything, isEmptyObject, isThere, sortedKeys, writtenAlike } from './field-set.ts'
import { type Fields, LEAF, type MutableFields, NO_FIELDS, nodeOf, sorted, union } from './fields.ts'
import { type ItemIndex, indexItems, inSetOrder } from './list-items.ts'

/** How one object differs from another. No field is in two of the sets. */
export interface Comparison {
  readonly added: Fields
  readonly modified: Fields
  readonly removed: Fields
}

/** What one node's comparison found, below it and of itself; undefined for nothing. */
interface Found {
  readonly written: boolean
  added: Fields | undefined
  modified: Fields | undefined
  removed: Fields | undefined
}

/**
 * Compares two objects of one type in a single walk.
 * @param written whether they are compared as they would be written: without the empty lists and maps that an encoding leaves out
 * @throws TypingError for lists whose items can't be told apart
 */
export function compareObjects(before: Json, after: Json, atom: Atom, written = false): Comparison {
  const found: Found = { written, added: undefined, modified: undefined, removed: undefined }
  compareNodes(before, after, atom, found)
  return {
    added: found.added ?? NO_FIELDS,
    modified: found.modified ?? NO_FIELDS,
    removed: found.removed ?? NO_FIELDS,
  }
}

function nothing(found: Found): void {
  found.added = undefined
  found.modified = undefined
  found.removed = undefined
}

/** Both sides are there, though perhaps null. Sets all of `found`. */
function compareNodes(before: Json, after: Json, atom: Atom, found: Found): void {
  if (before === after) {
    nothing(found)
    return
  }
  const left = partOf(before, atom)
  const right = partOf(after, atom)
  const single = (atom.map ? 1 : 0) + (atom.list ? 1 : 0) + (atom.scalar ? 1 : 0) === 1
  if (single || left === right) {
    compareAs(right === 'none' ? (left === 'none' ? firstPart(atom) : left) : right, before, after, atom, found)
    return
  }
  // The value changed its form: what it was is gone, what it is now is new, and the field itself is modified.
  compareAs(left === 'none' ? firstPart(atom) : left, before, after, atom, found)
  const { added, modified, removed } = found
  compareAs(right === 'none' ? firstPart(atom) : right, before, after, atom, found)
  found.added = merged(added, found.added)
  found.modified = merged(modified, found.modified)
  found.removed = merged(removed, found.removed)
}

function merged(a: Fields | undefined, b: Fields | undefined): Fields | undefined {
  if (!a || !b) return a ?? b
  return nodeOf(a === LEAF || b === LEAF, union(a, b))
}

function compareAs(part: Part, before: Json, after: Json, atom: Atom, found: Found): void {
  if (part === 'map') compareMaps(before, after, atom, atom.map as MapAtom, found)
  else if (part === 'list') compareLists(before, after, atom, atom.list as ListAtom, found)
  else compareLeaves(before, after, atom, found)
}

function compareLeaves(before: Json, after: Json, atom: Atom, found: Found): void {
  nothing(found)
  if (!equal(before, after) && !(found.written && writtenAlike(before, after, atom))) found.modified = LEAF
}

function compareMaps(before: Json, after: Json, atom: Atom, map: MapAtom, found: Found): void {
  const left = isObject(before) ? before : undefined
  const right = isObject(after) ? after : undefined
  if (map.atomic || ((!left || isBlank(left, map, found)) && (!right || isBlank(right, map, found)))) {
    compareLeaves(before, after, atom, found)
    return
  }
  if (map.element) compareOpenMaps(left, right, map, map.element, found)
  else compareStructs(left, right, map, found)
}

/** Whether nothing of a map would be written. */
function isBlank(value: JsonObject, map: MapAtom, { written }: Found): boolean {
  if (map.element || !written) return isEmptyObject(value)
  for (const name in value) {
    const field = map.byName.get(name)
    if (!field || isThere(value[name], field, true)) return false
  }
  return true
}

function compareOpenMaps(
  left: JsonObject | undefined,
  right: JsonObject | undefined,
  map: MapAtom,
  element: Atom,
  found: Found,
): void {
  const members = new Members(found)
  for (const key of keysOfBoth(left, right)) {
    const l = left?.[key]
    const r = right?.[key]
    if (l === r) continue
    const declared = map.byName.get(key)
    members.compare(declared?.element ?? `f:${key}`, l, r, declared?.atom ?? element)
  }
  members.tell(true)
}

/** Looks at the fields that are there, not at all that could be. */
function compareStructs(left: JsonObject | undefined, right: JsonObject | undefined, map: MapAtom, found: Found): void {
  const { written } = found
  const members = new Members(found)
  let last = -1
  let inOrder = true
  const compare = (field: PlacedField, l: Json | undefined, r: Json | undefined): void => {
    if (field.place < last) inOrder = false
    last = field.place
    members.compare(field.element, l, r, field.atom)
  }
  for (const name in right) {
    const r = right[name]
    const l = left?.[name]
    if (l === r) continue
    const field = map.byName.get(name)
    if (field && isThere(r, field, written)) compare(field, isThere(l, field, written) ? l : undefined, r)
  }
  for (const name in left) {
    const l = left[name]
    const r = right?.[name]
    if (l === r) continue
    const field = map.byName.get(name)
    if (field && isThere(l, field, written) && !isThere(r, field, written)) compare(field, l, undefined)
  }
  members.tell(inOrder)
}

/** Collects what the members of one map add to its comparison. */
class Members {
  readonly #found: Found
  #added: MutableFields | undefined
  #modified: MutableFields | undefined
  #removed: MutableFields | undefined

  constructor(found: Found) {
    this.#found = found
  }

  compare(element: string, l: Json | undefined, r: Json | undefined, atom: Atom): void {
    const found = this.#found
    if (l === undefined) (this.#added ??= {})[element] = everything(r as Json, atom, found.written)
    else if (r === undefined) (this.#removed ??= {})[element] = everything(l, atom, found.written)
    else if (typeof l !== 'object' && typeof r !== 'object') (this.#modified ??= {})[element] = LEAF
    else {
      compareNodes(l, r, atom, found)
      if (found.added) (this.#added ??= {})[element] = found.added
      if (found.modified) (this.#modified ??= {})[element] = found.modified
      if (found.removed) (this.#removed ??= {})[element] = found.removed
    }
  }

  /** @param inOrder whether the members came in the order of a set */
  tell(inOrder: boolean): void {
    const found = this.#found
    found.added = inOrder ? this.#added : this.#added && sorted(this.#added)
    found.modified = inOrder ? this.#modified : this.#modified && sorted(this.#modified)
    found.removed = inOrder ? this.#removed : this.#removed && sorted(this.#removed)
  }
}

function keysOfBoth(left: object | undefined, right: object | undefined): string[] {
  if (!left || !right) return sortedKeys((left ?? right) as object)
  const keys = sortedKeys(right)
  let more = false
  for (const key in left) {
    if (Object.hasOwn(right, key)) continue
    keys.push(key)
    more = true
  }
  return more ? keys.sort() : keys
}

function compareLists(before: Json, after: Json, atom: Atom, list: ListAtom, found: Found): void {
  const left = Array.isArray(before) && before.length ? before : undefined
  const right = Array.isArray(after) && after.length ? after : undefined
  if (list.relation === 'atomic' || (!left && !right)) {
    compareLeaves(before, after, atom, found)
    return
  }
  // Nearly all lists of an object that is updated: no item has to be told from the others.
  if (left && right && equal(left, right)) nothing(found)
  else compareItems(indexItems(list, left), indexItems(list, right), list, found)
}

function compareItems(left: ItemIndex, right: ItemIndex, list: ListAtom, found: Found): void {
  const added: MutableFields = {}
  const modified: MutableFields = {}
  const removed: MutableFields = {}
  for (const element of inSetOrder(list, right)) {
    const item = right.items.get(element) as Json
    if (left.repeated?.has(element) || right.repeated?.has(element)) {
      compareRepeated(element, left, right, list, { written: found.written, added, modified, removed })
    } else if (!left.items.has(element)) added[element] = everything(item, list.item, found.written)
    else {
      compareNodes(left.items.get(element) as Json, item, list.item, found)
      if (found.added) added[element] = found.added
      if (found.modified) modified[element] = found.modified
      if (found.removed) removed[element] = found.removed
    }
  }
  for (const element of inSetOrder(list, left)) {
    if (right.items.has(element)) continue
    removed[element] = left.repeated?.has(element) ? LEAF : everything(left.items.get(element) as Json, list.item, found.written)
  }
  found.added = isEmptyObject(added) ? undefined : added
  found.modified = isEmptyObject(modified) ? undefined : modified
  found.removed = isEmptyObject(removed) ? undefined : removed
}

/** Items that can't be told apart are one value together; becoming so, or no longer, counts as coming and going. */
function compareRepeated(
  element: string,
  left: ItemIndex,
  right: ItemIndex,
  list: ListAtom,
  out: { written: boolean; added: MutableFields; modified: MutableFields; removed: MutableFields },
): void {
  const before = left.repeated?.get(element)
  const after = right.repeated?.get(element)
  if (before && after) {
    if (!equal(before, after)) out.modified[element] = LEAF
  } else if (before) {
    out.added[element] = everything(right.items.get(element) as Json, list.item, out.written)
    out.removed[element] = LEAF
  } else {
    const single = left.items.get(element)
    if (single !== undefined) out.removed[element] = everything(single, list.item, out.written)
    out.added[element] = LEAF
  }
}

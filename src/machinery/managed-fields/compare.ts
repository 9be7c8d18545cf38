import { equal, isObject, type Json } from '../json.ts'
import { type Atom, firstPart, type ListAtom, type MapAtom, type Part, partOf } from './atoms.ts'
import { everything, isEmptyObject, sortedKeys } from './field-set.ts'
import { type Fields, LEAF, type MutableFields, NO_FIELDS, nodeOf, union } from './fields.ts'
import { type ItemIndex, indexItems, inSetOrder } from './list-items.ts'

/** How one object differs from another. No field is in two of the sets. */
export interface Comparison {
  readonly added: Fields
  readonly modified: Fields
  readonly removed: Fields
}

/** What one node's comparison found, below it and of itself; undefined for nothing. */
interface Found {
  added: Fields | undefined
  modified: Fields | undefined
  removed: Fields | undefined
}

/**
 * Compares two objects of one type in a single walk.
 * @throws TypingError for lists whose items can't be told apart
 */
export function compareObjects(before: Json, after: Json, atom: Atom): Comparison {
  const found: Found = { added: undefined, modified: undefined, removed: undefined }
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
  if (part === 'map') compareMaps(before, after, atom.map as MapAtom, found)
  else if (part === 'list') compareLists(before, after, atom.list as ListAtom, found)
  else compareLeaves(before, after, found)
}

function compareLeaves(before: Json, after: Json, found: Found): void {
  nothing(found)
  if (!equal(before, after)) found.modified = LEAF
}

function compareMaps(before: Json, after: Json, map: MapAtom, found: Found): void {
  const left = isObject(before) ? before : undefined
  const right = isObject(after) ? after : undefined
  if (map.atomic || ((!left || isEmptyObject(left)) && (!right || isEmptyObject(right)))) {
    compareLeaves(before, after, found)
    return
  }
  let added: MutableFields | undefined
  let modified: MutableFields | undefined
  let removed: MutableFields | undefined
  const member = (element: string, l: Json | undefined, r: Json | undefined, atom: Atom): void => {
    if (l === undefined) (added ??= {})[element] = everything(r as Json, atom)
    else if (r === undefined) (removed ??= {})[element] = everything(l, atom)
    else if (typeof l !== 'object' && typeof r !== 'object') (modified ??= {})[element] = LEAF
    else {
      compareNodes(l, r, atom, found)
      if (found.added) (added ??= {})[element] = found.added
      if (found.modified) (modified ??= {})[element] = found.modified
      if (found.removed) (removed ??= {})[element] = found.removed
    }
  }
  if (map.element) {
    for (const key of keysOfBoth(left, right)) {
      const l = left?.[key]
      const r = right?.[key]
      if (l === r) continue
      const declared = map.byName.get(key)
      member(declared?.element ?? `f:${key}`, l, r, declared?.atom ?? map.element)
    }
  } else {
    for (const field of map.fields) {
      const l = left?.[field.name]
      const r = right?.[field.name]
      if (l !== r) member(field.element, l, r, field.atom)
    }
  }
  found.added = added
  found.modified = modified
  found.removed = removed
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

function compareLists(before: Json, after: Json, list: ListAtom, found: Found): void {
  const left = Array.isArray(before) && before.length ? before : undefined
  const right = Array.isArray(after) && after.length ? after : undefined
  if (list.relation === 'atomic' || (!left && !right)) {
    compareLeaves(before, after, found)
    return
  }
  compareItems(indexItems(list, left), indexItems(list, right), list, found)
}

function compareItems(left: ItemIndex, right: ItemIndex, list: ListAtom, found: Found): void {
  const added: MutableFields = {}
  const modified: MutableFields = {}
  const removed: MutableFields = {}
  for (const element of inSetOrder(list, right)) {
    const item = right.items.get(element) as Json
    if (left.repeated?.has(element) || right.repeated?.has(element)) {
      compareRepeated(element, left, right, list, { added, modified, removed })
    } else if (!left.items.has(element)) added[element] = everything(item, list.item)
    else {
      compareNodes(left.items.get(element) as Json, item, list.item, found)
      if (found.added) added[element] = found.added
      if (found.modified) modified[element] = found.modified
      if (found.removed) removed[element] = found.removed
    }
  }
  for (const element of inSetOrder(list, left)) {
    if (right.items.has(element)) continue
    removed[element] = left.repeated?.has(element) ? LEAF : everything(left.items.get(element) as Json, list.item)
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
  out: { added: MutableFields; modified: MutableFields; removed: MutableFields },
): void {
  const before = left.repeated?.get(element)
  const after = right.repeated?.get(element)
  if (before && after) {
    if (!equal(before, after)) out.modified[element] = LEAF
  } else if (before) {
    out.added[element] = everything(right.items.get(element) as Json, list.item)
    out.removed[element] = LEAF
  } else {
    const single = left.items.get(element)
    if (single !== undefined) out.removed[element] = everything(single, list.item)
    out.added[element] = LEAF
  }
}

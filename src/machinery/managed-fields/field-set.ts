import { equal, isObject, type Json, type JsonObject } from '../json.ts'
import { type Atom, firstPart, type ListAtom, type MapAtom, type PlacedField, partOf } from './atoms.ts'
import { type Fields, LEAF, type MutableFields, NO_FIELDS, SELF } from './fields.ts'
import { indexItems, inSetOrder } from './list-items.ts'

/** The keys of a map in the order of a set. */
export function sortedKeys(value: object): string[] {
  const keys = Object.keys(value)
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) > (keys[i] as string)) return keys.sort()
  }
  return keys
}

export const isEmptyObject = (value: object): boolean => {
  for (const _ in value) return false
  return true
}

/**
 * The fields that an applied configuration takes hold of: its leaves, the items of its lists and the entries of its maps.
 * @throws TypingError
 */
export function fieldSetOf(value: Json, atom: Atom): Fields {
  return applied(value, atom, false) ?? NO_FIELDS
}

/** @param member whether the node belongs to the set whatever it is */
function applied(value: Json, atom: Atom, member: boolean): Fields | undefined {
  const part = partOf(value, atom)
  switch (part === 'none' ? firstPart(atom) : part) {
    case 'map':
      return appliedMap(isObject(value) ? value : undefined, atom.map as MapAtom, member)
    case 'list':
      return appliedList(Array.isArray(value) ? value : undefined, atom.list as ListAtom, member)
    default:
      return LEAF
  }
}

function appliedMap(value: { [key: string]: Json | undefined } | undefined, map: MapAtom, member: boolean): Fields | undefined {
  if (map.atomic) return LEAF
  if (!value) return member ? LEAF : undefined
  const fields: MutableFields = {}
  if (member) fields[SELF] = LEAF
  let any = false
  for (const key of sortedKeys(value)) {
    const child = value[key]
    if (child === undefined) continue
    const declared = map.byName.get(key)
    const atom = declared?.atom ?? map.element
    if (!atom) continue
    const belongs = !declared || child === null || (isObject(child) && isEmptyObject(child))
    const node = applied(child, atom, belongs)
    if (!node) continue
    fields[declared?.element ?? `f:${key}`] = node
    any = true
  }
  if (any) return fields
  return member ? LEAF : undefined
}

function appliedList(value: Json[] | undefined, list: ListAtom, member: boolean): Fields | undefined {
  if (list.relation === 'atomic') return LEAF
  if (!value?.length) return member ? LEAF : undefined
  const index = indexItems(list, value)
  const fields: MutableFields = {}
  if (member) fields[SELF] = LEAF
  for (const element of inSetOrder(list, index)) {
    const item = index.items.get(element) as Json
    fields[element] = index.repeated?.has(element) ? LEAF : (applied(item, list.item, true) ?? LEAF)
  }
  return fields
}

/** Whether a field is there: not if it is an empty list or map that won't be written, when `written` says that this is to be asked. */
export function isThere(value: Json | undefined, field: PlacedField, written: boolean): value is Json {
  if (value === undefined) return false
  if (!written || !field.omitsEmpty || typeof value !== 'object' || value === null) return true
  return Array.isArray(value) ? value.length > 0 : !isEmptyObject(value)
}

/** Whether two values that aren't equal are so once the empty lists and maps that an encoding leaves out are gone. */
export function writtenAlike(a: Json | undefined, b: Json | undefined, atom: Atom): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    const item = atom.list?.item
    return item !== undefined && a.length === b.length && a.every((value, i) => sameOrAlike(value, b[i], item))
  }
  const { map } = atom
  if (!isObject(a) || !isObject(b) || !map) return false
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const field = map.byName.get(name)
    const left = field && !isThere(a[name], field, true) ? undefined : a[name]
    const right = field && !isThere(b[name], field, true) ? undefined : b[name]
    const of = field?.atom ?? map.element
    if (left !== right && !(of && sameOrAlike(left, right, of))) return false
  }
  return true
}

const sameOrAlike = (a: Json | undefined, b: Json | undefined, atom: Atom): boolean => equal(a, b) || writtenAlike(a, b, atom)

/** The declared fields that a struct has, in the order of a set. Objects have few of the fields of their types. */
export function fieldsIn(value: JsonObject, map: MapAtom, written: boolean): PlacedField[] {
  const fields: PlacedField[] = []
  let last = -1
  let inOrder = true
  for (const name in value) {
    const field = map.byName.get(name)
    if (!field || !isThere(value[name], field, written)) continue
    if (field.place < last) inOrder = false
    last = field.place
    fields.push(field)
  }
  if (!inOrder) sortByPlace(fields)
  return fields
}

/** There are few of them. */
function sortByPlace(fields: PlacedField[]): void {
  for (let i = 1; i < fields.length; i++) {
    const field = fields[i] as PlacedField
    let j = i
    for (; j > 0 && (fields[j - 1] as PlacedField).place > field.place; j--) fields[j] = fields[j - 1] as PlacedField
    fields[j] = field
  }
}

/**
 * Everything in a value that is there on one side of a comparison only: the value itself and all below it.
 * @param written see `compareObjects`
 * @throws TypingError
 */
export function everything(value: Json, atom: Atom, written: boolean): Fields {
  if (typeof value !== 'object' || value === null) return LEAF
  const part = partOf(value, atom)
  switch (part === 'none' ? firstPart(atom) : part) {
    case 'map':
      return isObject(value) ? wholeMap(value, atom.map as MapAtom, written) : LEAF
    case 'list':
      return Array.isArray(value) ? wholeList(value, atom.list as ListAtom, written) : LEAF
    default:
      return LEAF
  }
}

function wholeMap(value: JsonObject, map: MapAtom, written: boolean): Fields {
  if (map.atomic) return LEAF
  return map.element ? wholeOpenMap(value, map, map.element, written) : wholeStruct(value, map, written)
}

function wholeOpenMap(value: JsonObject, map: MapAtom, element: Atom, written: boolean): Fields {
  if (isEmptyObject(value)) return LEAF
  const fields: MutableFields = { [SELF]: LEAF }
  for (const key of sortedKeys(value)) {
    const child = value[key]
    if (child === undefined) continue
    const declared = map.byName.get(key)
    fields[declared?.element ?? `f:${key}`] = everything(child, declared?.atom ?? element, written)
  }
  return fields
}

function wholeStruct(value: JsonObject, map: MapAtom, written: boolean): Fields {
  const there = fieldsIn(value, map, written)
  if (there.length === 0) return LEAF
  const fields: MutableFields = { [SELF]: LEAF }
  for (const field of there) fields[field.element] = everything(value[field.name] as Json, field.atom, written)
  return fields
}

function wholeList(value: Json[], list: ListAtom, written: boolean): Fields {
  if (list.relation === 'atomic' || value.length === 0) return LEAF
  const index = indexItems(list, value)
  const fields: MutableFields = { [SELF]: LEAF }
  for (const element of inSetOrder(list, index)) {
    fields[element] = index.repeated?.has(element) ? LEAF : everything(index.items.get(element) as Json, list.item, written)
  }
  return fields
}

import { isObject, type Json, type JsonObject } from '../json.ts'
import { put } from '../patch-values.ts'
import { type Atom, firstPart, type ListAtom, type MapAtom, partOf } from './atoms.ts'
import { type Fields, isEmpty, isMember, LEAF, type MutableFields, NO_FIELDS, SELF } from './fields.ts'
import { itemElement } from './list-items.ts'

/** The value without what belongs to the set. A container that loses everything becomes null. Shares the rest. */
export function removeFields(value: Json, fields: Fields, atom: Atom): Json {
  if (isEmpty(fields)) return value
  const part = partOf(value, atom)
  switch (part === 'none' ? firstPart(atom) : part) {
    case 'map':
      return isObject(value) ? removeFromMap(value, fields, atom.map as MapAtom) : null
    case 'list':
      return Array.isArray(value) ? removeFromList(value, fields, atom.list as ListAtom) : null
    default:
      return value
  }
}

function removeFromMap(value: JsonObject, fields: Fields, map: MapAtom): Json {
  if (map.atomic) return null
  const left: JsonObject = {}
  let any = false
  for (const key in value) {
    const member = value[key]
    if (member === undefined) continue
    const declared = map.byName.get(key)
    const node = fields[declared?.element ?? `f:${key}`]
    if (node && isMember(node)) continue
    const atom = declared?.atom ?? map.element
    put(left, key, node && atom ? removeFields(member, node, atom) : member)
    any = true
  }
  return any ? left : null
}

function removeFromList(value: Json[], fields: Fields, list: ListAtom): Json {
  if (list.relation === 'atomic') return null
  const left: Json[] = []
  for (const item of value) {
    const node = fields[itemElement(list, item)]
    if (node && isMember(node)) continue
    left.push(node ? removeFields(item, node, list.item) : item)
  }
  return left.length ? left : null
}

/** The set with every declared field that it has something of. */
export function withDeclaredFields(fields: Fields, atom: Atom | undefined): Fields {
  const next: MutableFields = {}
  for (const element in fields) {
    if (element === SELF) {
      next[SELF] = LEAF
      continue
    }
    const node = fields[element] as Fields
    if (isEmpty(node)) {
      next[element] = node
      continue
    }
    const isField = element.startsWith('f:')
    const declared = isField ? atom?.map?.byName.get(element.slice(2)) : undefined
    const below = withDeclaredFields(node, isField ? (declared?.atom ?? atom?.map?.element) : atom?.list?.item)
    next[element] = declared && !below[SELF] ? { [SELF]: LEAF, ...below } : below
  }
  return isEmpty(next) ? NO_FIELDS : next
}

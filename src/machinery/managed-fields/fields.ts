import { isObject, type Json } from '../json.ts'
import { compareElements, type Element, printElement, readElement } from './elements.ts'

/**
 * A set of fields in the very form that objects carry it in (FieldsV1): a tree by path elements, sorted, in which `{}` is a leaf that
 * belongs to the set and `"."` says that a node with children does so, too. No conversion is needed to read a stored set, and writing
 * one is `JSON.stringify`. The root is no member of anything: `{}` is the empty set. Sets are never changed, and share parts.
 */
export interface Fields {
  readonly [element: Element]: Fields
}

/** A set that is still being built. */
export interface MutableFields {
  [element: Element]: Fields
}

export const LEAF: Fields = Object.freeze({})
export const NO_FIELDS = LEAF
export const SELF = '.'

export function isEmpty(fields: Fields): boolean {
  for (const _ in fields) return false
  return true
}

/** Whether a node below the root belongs to the set itself. */
export function isMember(node: Fields): boolean {
  return node[SELF] !== undefined || isEmpty(node)
}

/** A node with these children (undefined for none) that is or isn't a member; undefined when it is nothing at all. */
export function nodeOf(member: boolean, children: Fields | undefined): Fields | undefined {
  if (!children) return member ? LEAF : undefined
  return member ? withSelf(children) : children
}

function withSelf(children: Fields): Fields {
  const node: MutableFields = { [SELF]: LEAF }
  for (const element in children) if (element !== SELF) node[element] = children[element] as Fields
  return node
}

/** All that belongs to either. */
export function union(a: Fields, b: Fields): Fields {
  return unionOfChildren(a, b) ?? NO_FIELDS
}

function unionOfNodes(a: Fields, b: Fields): Fields {
  if (a === b) return a
  const member = isMember(a) || isMember(b)
  const children = unionOfChildren(a, b)
  if (children === a && (a[SELF] !== undefined) === member) return a
  if (!children && isEmpty(a)) return a
  return nodeOf(member, children) ?? LEAF
}

/** The result may be `a`, with its `.`; never an empty object. */
function unionOfChildren(a: Fields, b: Fields): Fields | undefined {
  let changed = false
  let added = false
  let merged: MutableFields | undefined
  for (const element in b) {
    if (element === SELF) continue
    const left = a[element]
    const right = b[element] as Fields
    const both = left ? unionOfNodes(left, right) : right
    if (both === left) continue
    if (!merged) merged = childrenOf(a)
    merged[element] = both
    changed = true
    if (!left) added = true
  }
  if (!changed || !merged) return hasChildren(a) ? a : undefined
  return added ? sorted(merged) : merged
}

function hasChildren(node: Fields): boolean {
  for (const element in node) if (element !== SELF) return true
  return false
}

function childrenOf(node: Fields): MutableFields {
  const copy: MutableFields = {}
  for (const element in node) if (element !== SELF) copy[element] = node[element] as Fields
  return copy
}

/** The same children in the order of a set. */
export function sorted(fields: Fields): Fields {
  const elements = Object.keys(fields)
  let inOrder = true
  for (let i = 1; i < elements.length && inOrder; i++) {
    const before = elements[i - 1] as string
    inOrder = before === SELF || compareElements(before, elements[i] as string) < 0
  }
  if (inOrder) return fields
  const copy: MutableFields = {}
  if (fields[SELF]) copy[SELF] = LEAF
  for (const element of elements.filter((e) => e !== SELF).sort(compareElements)) copy[element] = fields[element] as Fields
  return copy
}

/** What belongs to `a` and not to `b`. The result is `a` itself when that is all of it. */
export function difference(a: Fields, b: Fields): Fields {
  return childrenWithout(a, b, false) ?? NO_FIELDS
}

/** As `difference`, but all that lies below what belongs to `b` goes, too. */
export function recursiveDifference(a: Fields, b: Fields): Fields {
  return childrenWithout(a, b, true) ?? NO_FIELDS
}

/**
 * The children that stay: `a` itself if all do (then with its `.`), undefined if none does. Goes into each child once: clients decide
 * how deep they nest.
 */
function childrenWithout(a: Fields, b: Fields, deep: boolean): Fields | undefined {
  let left: MutableFields | undefined
  let kept = 0
  for (const element in a) {
    if (element === SELF) continue
    const mine = a[element] as Fields
    const other = b[element]
    const rest = other ? nodeWithout(mine, other, deep) : mine
    if (rest !== mine) left ??= childrenBefore(a, element)
    if (!rest) continue
    kept++
    if (left) left[element] = rest
  }
  if (kept === 0) return undefined
  return left ?? a
}

function childrenBefore(node: Fields, end: Element): MutableFields {
  const copy: MutableFields = {}
  for (const element in node) {
    if (element === end) break
    if (element !== SELF) copy[element] = node[element] as Fields
  }
  return copy
}

function nodeWithout(a: Fields, b: Fields, deep: boolean): Fields | undefined {
  const lost = isMember(b)
  if (deep && lost) return undefined
  const member = isMember(a)
  const children = childrenWithout(a, b, deep)
  const stays = member && !lost
  if (children === a && stays === member) return a
  if (!children && stays && isEmpty(a)) return a
  if (children === a) return nodeOf(stays, childrenOf(a))
  return nodeOf(stays, children)
}

/** What belongs to both. */
export function intersection(a: Fields, b: Fields): Fields {
  return commonChildren(a, b) ?? NO_FIELDS
}

function commonChildren(a: Fields, b: Fields): Fields | undefined {
  let common: MutableFields | undefined
  for (const element in a) {
    const other = element === SELF ? undefined : b[element]
    if (!other) continue
    const mine = a[element] as Fields
    const node = nodeOf(isMember(mine) && isMember(other), commonChildren(mine, other))
    if (node) (common ??= {})[element] = node
  }
  return common
}

/** Whether the field at a path belongs to the set. */
export function has(fields: Fields, path: readonly Element[]): boolean {
  let node: Fields | undefined = fields
  for (const element of path) {
    node = node[element]
    if (!node) return false
  }
  return path.length > 0 && isMember(node)
}

/** The set of the one field at a path. */
export function fieldsOf(...path: readonly Element[]): Fields {
  let node: Fields = LEAF
  for (let i = path.length - 1; i >= 0; i--) node = { [path[i] as Element]: node }
  return node
}

/** Calls back with each member's path as messages print it; those of one level before those below it. */
export function printPaths(fields: Fields): string[] {
  const paths: string[] = []
  collectPaths(fields, '', paths)
  return paths
}

function collectPaths(fields: Fields, prefix: string, paths: string[]): void {
  for (const element in fields) {
    if (element !== SELF && isMember(fields[element] as Fields)) paths.push(prefix + printElement(element))
  }
  for (const element in fields) {
    if (element !== SELF) collectPaths(fields[element] as Fields, prefix + printElement(element), paths)
  }
}

/** Brings a set that a client wrote into canonical form: sorted, without what isn't known. @throws Error when it is malformed */
export function readFields(raw: Json | undefined): Fields {
  if (raw === undefined || raw === null) return NO_FIELDS
  if (!isObject(raw)) throw new Error('fields are no object')
  return readNode(raw).children ?? NO_FIELDS
}

function readNode(raw: Json | undefined): { member: boolean; children: Fields | undefined } {
  let member = false
  let children: MutableFields | undefined
  if (isObject(raw)) {
    for (const key of Object.keys(raw)) {
      if (key === SELF) {
        member = true
        continue
      }
      const element = readElement(key)
      if (element === undefined) continue
      const child = readNode(raw[key])
      const node = nodeOf(child.member, child.children)
      if (node) (children ??= {})[element] = node
    }
  } else if (raw !== null && raw !== undefined) throw new Error('fields hold something that is no object')
  return children ? { member, children: sorted(children) } : { member: true, children: undefined }
}

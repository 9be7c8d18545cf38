import { stringifyJson } from '../go-json.ts'
import { clone, equal, isObject, type Json, type JsonObject, JsonText } from '../json.ts'
import type { Atom, ListAtom, MapAtom } from './atoms.ts'
import { isEmptyObject } from './field-set.ts'
import type { Fields } from './fields.ts'

/** What is kept of the objects that were created. */
interface Example {
  readonly object: JsonObject
  readonly fields: JsonText
}

const EXAMPLES = 4
/** Larger objects aren't kept: they come one by one. */
const MAX_LENGTH = 64 * 1024
/** Where nothing comes in the same shape, only every so many objects are kept. */
const MAX_PATIENCE = 64

/**
 * The field sets of objects created lately. Most objects come from a template, by the hundred, and who creates one owns the same fields of
 * each: that an object has the shape of another is seen in a fraction of the time that its set takes.
 */
export class CreatedShapes {
  readonly #atom: Atom
  readonly #empty: JsonObject
  readonly #examples: Example[] = []
  #patience = 1
  #misses = 0

  /** @param atom the type without what has no owner @param empty what a new object is compared with */
  constructor(atom: Atom, empty: JsonObject) {
    this.#atom = atom
    this.#empty = empty
  }

  /** The fields of a new object, if one of the same shape is known. */
  find(object: JsonObject): JsonText | undefined {
    const at = this.#examples.findIndex((example) => sameShape(example.object, object, this.#empty, this.#atom))
    const found = this.#examples[at]
    if (!found) return undefined
    this.#patience = 1
    if (at > 0) this.#examples.unshift(...this.#examples.splice(at, 1))
    return found.fields
  }

  /** Keeps the fields of an object whose shape wasn't known. */
  learn(object: JsonObject, fields: Fields): void {
    if (++this.#misses < this.#patience) return
    this.#misses = 0
    this.#patience = Math.min(2 * this.#patience, MAX_PATIENCE)
    if (stringifyJson(object).length > MAX_LENGTH) return
    this.#examples.unshift({ object: clone(object), fields: new JsonText(JSON.stringify(fields)) })
    if (this.#examples.length > EXAMPLES) this.#examples.pop()
  }
}

/** Whether two values, which aren't scalars, are made up of the same fields. May say no of some that are. */
function sameShape(a: Json, b: Json, empty: Json | undefined, atom: Atom): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && atom.list !== undefined && sameLists(a, b, empty, atom.list)
  if (!isObject(a) || !isObject(b) || !atom.map) return false
  if (atom.map.atomic) return alikeInEmpty(a, b, empty)
  return atom.map.element ? sameOpenMaps(a, b, atom.map.element) : sameStructs(a, b, empty, atom.map)
}

/** What the empty object has, too, belongs to nobody as long as it is the same. */
function alikeInEmpty(a: Json, b: Json, empty: Json | undefined): boolean {
  return empty === undefined || equal(a, empty) === equal(b, empty)
}

function sameStructs(a: JsonObject, b: JsonObject, empty: Json | undefined, map: MapAtom): boolean {
  const blank = isObject(empty) ? empty : undefined
  if (empty !== undefined && !blank) return false
  for (const key in a) {
    const left = a[key]
    const right = b[key]
    if (left === undefined || right === undefined) {
      if (left !== right) return false
    } else if (typeof left !== 'object' || left === null) {
      if ((typeof right === 'object' && right !== null) || (left === null) !== (right === null)) return false
      const given = blank?.[key]
      if (given !== undefined && (left === given) !== (right === given)) return false
    } else {
      if (typeof right !== 'object' || right === null || isBlank(left) !== isBlank(right)) return false
      const field = map.byName.get(key)
      if (field && !sameShape(left, right, blank?.[key], field.atom)) return false
    }
  }
  return hasNoMore(b, a)
}

function sameOpenMaps(a: JsonObject, b: JsonObject, element: Atom): boolean {
  for (const key in a) {
    const left = a[key]
    const right = b[key]
    if (left === undefined || right === undefined) {
      if (left !== right) return false
    } else if (typeof left === 'object' || typeof right === 'object') {
      if (left === null || right === null || !sameShape(left, right, undefined, element)) return false
    }
  }
  return hasNoMore(b, a)
}

function hasNoMore(b: JsonObject, a: JsonObject): boolean {
  for (const key in b) if (a[key] === undefined && b[key] !== undefined) return false
  return true
}

function sameLists(a: readonly Json[], b: readonly Json[], empty: Json | undefined, list: ListAtom): boolean {
  if (list.relation === 'atomic') return alikeInEmpty(a as Json[], b as Json[], empty)
  if (a.length !== b.length || (empty !== undefined && empty !== null)) return false
  for (let i = 0; i < a.length; i++) if (!sameItems(a[i], b[i], list)) return false
  return true
}

function sameItems(a: Json | undefined, b: Json | undefined, list: ListAtom): boolean {
  if (list.relation === 'set') return typeof a !== 'object' && a === b
  if (!isObject(a) || !isObject(b)) return false
  for (const { name } of list.keys) {
    const key = a[name]
    if (key !== b[name] || typeof key === 'object') return false
  }
  return sameShape(a, b, undefined, list.item)
}

const isBlank = (value: object): boolean => (Array.isArray(value) ? value.length === 0 : isEmptyObject(value))

import type { Type } from './types.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listType,
  mapType,
  NULL,
  optionalType,
  STRING,
  TIMESTAMP,
  Type as TypeClass,
  typeType,
  UINT,
} from './types.ts'

/**
 * What an expression evaluates to: null, a boolean, an int (bigint), a double (number), a string, bytes, a list (an array), a type, or
 * one of the classes below.
 */
export type Value = null | boolean | bigint | number | string | Uint8Array | readonly Value[] | Type | Special

export abstract class Special {
  abstract readonly type: Type
  abstract equals(other: Value): boolean
  /** Its length, where costs depend on it. */
  get size(): number {
    return 1
  }
}

export class Uint extends Special {
  readonly value: bigint

  constructor(value: bigint) {
    super()
    this.value = value
  }

  get type(): Type {
    return UINT
  }

  equals(other: Value): boolean {
    return other instanceof Uint && other.value === this.value
  }
}

/** A point in time, in nanoseconds since 1970. */
export class Timestamp extends Special {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    super()
    this.nanoseconds = nanoseconds
  }

  get type(): Type {
    return TIMESTAMP
  }

  equals(other: Value): boolean {
    return other instanceof Timestamp && other.nanoseconds === this.nanoseconds
  }
}

export class Duration extends Special {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    super()
    this.nanoseconds = nanoseconds
  }

  get type(): Type {
    return DURATION
  }

  equals(other: Value): boolean {
    return other instanceof Duration && other.nanoseconds === this.nanoseconds
  }
}

const OPTIONAL = optionalType(DYN)

/** A value that may be none. */
export class Optional extends Special {
  /** Undefined for none. */
  readonly value: Value | undefined

  constructor(value: Value | undefined) {
    super()
    this.value = value
  }

  get type(): Type {
    return OPTIONAL
  }

  equals(other: Value): boolean {
    if (!(other instanceof Optional)) return false
    if (this.value === undefined || other.value === undefined) return this.value === other.value
    return equal(this.value, other.value)
  }
}

export const NONE: Optional = new Optional(undefined)

/** A map or an object. */
export abstract class MapValue extends Special {
  abstract get(key: Value): Value | undefined
  abstract keys(): readonly Value[]

  has(key: Value): boolean {
    return this.get(key) !== undefined
  }

  equals(other: Value): boolean {
    if (!(other instanceof MapValue) || other.size !== this.size) return false
    return this.keys().every((key) => {
      const there = other.get(key)
      return there !== undefined && equal(this.get(key)!, there)
    })
  }
}

/** A list whose order says nothing. What is derived from it is a plain list. */
export abstract class KeyedList extends Array<Value> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }

  abstract equals(other: readonly Value[]): boolean
  /** With the elements of another list, each where its like is. */
  abstract merge(other: readonly Value[]): Value[]
}

const MAP = mapType(DYN, DYN)

/** A map that an expression made. */
export class EntryMap extends MapValue {
  readonly #entries = new Map<string | bigint | boolean, readonly [key: Value, value: Value]>()
  readonly #absent: Value | undefined

  /** @param absent what stands for every key that is not there */
  constructor(absent?: Value) {
    super()
    this.#absent = absent
  }

  get type(): Type {
    return MAP
  }

  override get size(): number {
    return this.#entries.size
  }

  /** @returns whether the key is new */
  add(key: Value, value: Value): boolean {
    const canonical = canonicalKey(key)
    if (canonical === undefined || this.#entries.has(canonical)) return false
    this.#entries.set(canonical, [key, value])
    return true
  }

  get(key: Value): Value | undefined {
    const canonical = canonicalKey(key)
    const entry = canonical === undefined ? undefined : this.#entries.get(canonical)
    return entry ? entry[1] : this.#absent
  }

  keys(): readonly Value[] {
    return [...this.#entries.values()].map(([key]) => key)
  }
}

export const NO_ENTRIES: EntryMap = new EntryMap()

/** An object that an expression made: `Object{…}`, `JSONPatch{…}`. */
export class Instance extends MapValue {
  readonly type: Type
  /** Those that were given. */
  readonly fields: ReadonlyMap<string, Value>

  constructor(type: Type, fields: ReadonlyMap<string, Value>) {
    super()
    this.type = type
    this.fields = fields
  }

  get(key: Value): Value | undefined {
    return typeof key === 'string' ? this.fields.get(key) : undefined
  }

  keys(): readonly Value[] {
    return [...this.fields.keys()]
  }

  override get size(): number {
    return this.fields.size
  }
}

/** Equal keys look alike here: numbers of all types are one. Undefined for what is no key. */
function canonicalKey(key: Value): string | bigint | boolean | undefined {
  if (typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean') return key
  if (key instanceof Uint) return key.value
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key)
  return undefined
}

export const isKey = (value: Value): boolean => canonicalKey(value) !== undefined && typeof value !== 'number'

const LIST = listType(DYN)
const TYPE = typeType()

/** The type of a value, with nothing said of what lists and maps hold. */
export function typeOf(value: Value): Type {
  switch (typeof value) {
    case 'boolean':
      return BOOL
    case 'bigint':
      return INT
    case 'number':
      return DOUBLE
    case 'string':
      return STRING
  }
  if (value === null) return NULL
  if (Array.isArray(value)) return LIST
  if (value instanceof Uint8Array) return BYTES
  if (value instanceof TypeClass) return TYPE
  return (value as Special).type
}

/** Whether two values are equal; values of types that can't be compared are not. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return !(typeof a === 'number' && Number.isNaN(a))
  if (typeof a === 'string' || typeof a === 'boolean' || a === null) return false
  if (isNumeric(a)) return isNumeric(b) && compareNumbers(a, b) === 0
  if (a instanceof KeyedList) return Array.isArray(b) && a.equals(b)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]))
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (a instanceof TypeClass) return b instanceof TypeClass && a.name === b.name
  return (a as Special).equals(b)
}

export type Numeric = bigint | number | Uint

export const isNumeric = (value: Value): value is Numeric =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint

/** -1, 0 or 1; undefined when one is not a number. */
export function compareNumbers(a: Numeric, b: Numeric): number | undefined {
  const left = a instanceof Uint ? a.value : a
  const right = b instanceof Uint ? b.value : b
  if (Number.isNaN(left) || Number.isNaN(right)) return undefined
  // JavaScript compares a bigint and a number by their mathematical values.
  return left < right ? -1 : left > right ? 1 : 0
}

/** Orders texts by their characters, as Go does: JavaScript's own order is that of UTF-16 units. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // Surrogates stand for characters above all that have one unit.
    if (x >= 0xd800 && y >= 0xd800) return shifted(x) < shifted(y) ? -1 : 1
    return x < y ? -1 : 1
  }
  return a.length < b.length ? -1 : 1
}

const shifted = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit + 0x2000)

/** A text's length in characters. */
export function characters(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const next = text.charCodeAt(i + 1)
      if (next >= 0xdc00 && next <= 0xdfff) count--
    }
  }
  return count
}

/** Whether a list holds a value. */
export const includes = (list: readonly Value[], value: Value): boolean => list.some((item) => equal(item, value))

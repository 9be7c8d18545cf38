import { DecodeError, kindOf } from './decode-error.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/** What one decoding collects on its way. */
export interface Walk {
  /** Field names from the root, as Go prints them. */
  path: string[]
  /** The type name of the struct around the current value. */
  struct: string
  /** Paths of fields that the type doesn't have, with list indices; undefined when nobody asks. */
  unknown: string[] | undefined
  /** Which empty lists and maps are kept: none, those of fields that are always written, or all. */
  empties: 'none' | 'written' | 'all'
  /** Path of the struct being decoded, with list indices, kept only when unknown fields are asked for. */
  at: string
  /**
   * Whether the result is a copy, or one that shares with the input what needs no change, or the input itself as far as its
   * fields are in order.
   */
  how: 'copy' | 'share' | 'change'
}

/** A walk at its root. */
export function startWalk(empties: Walk['empties'], how: Walk['how'], unknown?: string[]): Walk {
  return { path: [], struct: '', unknown, at: '', empties, how }
}

export type Decoder = (raw: Json, walk: Walk) => Json | undefined

export interface CompiledField {
  name: string
  /** The place among the fields of the Go struct. */
  index: number
  /** The name with the embedding structs before it, for error paths. */
  errorName: string
  decode: Decoder
  /** The JavaScript type of values that stay as they are unless they are zero. */
  plain: 'string' | 'boolean' | undefined
  /** The zero value that Go would leave out: true when `value` must not be written. */
  dropZero: boolean
  /** What is written when nothing was given; undefined leaves the field out. */
  absent: ((walk: Walk) => Json) | undefined
  /** A list or a map: an empty one is something else than none until it is stored. */
  collection: boolean
  /** A zero value is replaced by the default as well (the Go field is no pointer). */
  defaultsZero: boolean
}

export function mismatch(raw: Json, walk: Walk, goType: string, value = kindOf(raw)): DecodeError {
  return new DecodeError(
    walk.path.length
      ? `json: cannot unmarshal ${value} into Go struct field ${walk.struct}.${walk.path.join('.')} of type ${goType}`
      : `json: cannot unmarshal ${value} into Go value of type ${goType}`,
    kindOf(raw),
    goType,
  )
}

export const isZero = (value: Json | undefined): boolean =>
  value === '' ||
  value === 0 ||
  value === false ||
  value === null ||
  (typeof value === 'object' && (Array.isArray(value) ? value.length === 0 : isEmpty(value)))

function isEmpty(value: object): boolean {
  for (const _ in value) return false
  return true
}

/** Decodes objects of one type. Its fields are compiled when first used: types refer to themselves (JSONSchemaProps). */
export class StructDecoder {
  readonly #short: string
  readonly #goType: string
  readonly #compile: () => CompiledField[]
  #byName: ReadonlyMap<string, CompiledField> | undefined
  /** The fields that are written whatever is given. */
  #always: readonly CompiledField[] = []

  /** @param goType the type as Go's messages print it */
  constructor(typeName: string, goType: string, compile: () => CompiledField[]) {
    this.#short = typeName.slice(typeName.lastIndexOf('.') + 1)
    this.#goType = goType
    this.#compile = compile
  }

  readonly decode: Decoder = (raw, walk) => {
    if (!isObject(raw)) throw mismatch(raw, walk, this.#goType)
    const byName = this.#byName ?? this.#compiled()
    const outer = walk.struct
    walk.struct = this.#short
    const out = this.#fields(raw, byName, walk)
    walk.struct = outer
    return out
  }

  #compiled(): ReadonlyMap<string, CompiledField> {
    const fields = this.#compile()
    this.#always = fields.filter((field) => field.absent)
    this.#byName = new Map(fields.map((field) => [field.name, field]))
    return this.#byName
  }

  /** Objects have few of the fields of their types: what is there is looked up, not what could be. */
  #fields(raw: JsonObject, byName: ReadonlyMap<string, CompiledField>, walk: Walk): JsonObject {
    const { how } = walk
    // Go decodes a copy's fields in the order of the struct, which tells which of several errors is the first.
    if (how === 'copy') return this.#copy(raw, byName, walk)
    let last = -1
    let inOrder = true
    let needed = 0
    let same = true
    let out = raw
    for (const key in raw) {
      const before = raw[key]
      const field = byName.get(key)
      if (!field) same = false
      if (!field || before === undefined) continue
      if (field.index < last) inOrder = false
      last = field.index
      if (field.absent) needed++
      if (staysAsItIs(before, field)) continue
      const after = decodeField(field, before, walk)
      if (after === before) continue
      if (how === 'share' && out === raw) out = { ...raw }
      // What goes stays as undefined, and is left out below.
      out[key] = after
      if (after === undefined) same = false
    }
    if (!same && walk.unknown) collectUnknown(raw, byName, walk)
    if (same && inOrder && needed === this.#always.length) return out
    const { given, values } = knownFields(out, byName)
    return this.#assemble(given, values, walk)
  }

  #copy(raw: JsonObject, byName: ReadonlyMap<string, CompiledField>, walk: Walk): JsonObject {
    const { given, values, unknown } = knownFields(raw, byName)
    for (let i = 0; i < given.length; i++) {
      const field = given[i] as CompiledField
      const before = values[i] as Json
      if (!staysAsItIs(before, field)) values[i] = decodeField(field, before, walk)
    }
    if (unknown && walk.unknown) collectUnknown(raw, byName, walk)
    return this.#assemble(given, values, walk)
  }

  /** @param given in order, like `values` @param values undefined for fields that go */
  #assemble(given: readonly CompiledField[], values: readonly (Json | undefined)[], walk: Walk): JsonObject {
    const always = this.#always
    const out: JsonObject = {}
    let next = 0
    for (let i = 0; i < given.length; i++) {
      const field = given[i] as CompiledField
      for (let a = always[next]; a && a.index < field.index; a = always[++next]) out[a.name] = a.absent?.(walk) ?? null
      if (always[next] === field) next++
      const value = values[i]
      if (value !== undefined) out[field.name] = value
    }
    for (let a = always[next]; a; a = always[++next]) out[a.name] = a.absent?.(walk) ?? null
    return out
  }
}

/** Whether a value needs no decoding: as most do, which are texts. */
const staysAsItIs = (value: Json, { plain }: CompiledField): boolean => typeof value === plain && value !== '' && value !== false

/** What a field of a struct becomes; undefined when it isn't written. */
function decodeField(field: CompiledField, given: Json, walk: Walk): Json | undefined {
  if (given === null) return field.absent?.(walk)
  walk.path.push(field.errorName)
  const { at } = walk
  if (walk.unknown) walk.at = at ? `${at}.${field.name}` : field.name
  const value = field.decode(given, walk)
  walk.at = at
  walk.path.pop()
  if (value === undefined) return undefined
  if (field.collection) {
    if (!isZero(value) || walk.empties === 'all' || (walk.empties === 'written' && field.absent)) return value
    return field.absent ? null : undefined
  }
  if (field.dropZero && isZero(value)) return undefined
  return field.defaultsZero && field.absent && isZero(value) ? field.absent(walk) : value
}

/** The fields that a type has of an object, in the order of the Go struct, with their values. */
function knownFields(
  raw: JsonObject,
  byName: ReadonlyMap<string, CompiledField>,
): { given: CompiledField[]; values: (Json | undefined)[]; unknown: boolean } {
  const given: CompiledField[] = []
  const values: (Json | undefined)[] = []
  let last = -1
  let inOrder = true
  let unknown = false
  for (const key in raw) {
    const field = byName.get(key)
    const value = raw[key]
    if (!field) unknown = true
    if (!field || value === undefined) continue
    if (field.index < last) inOrder = false
    last = field.index
    given.push(field)
    values.push(value)
  }
  if (!inOrder) sortFields(given, values)
  return { given, values, unknown }
}

/** Sorts both by the fields' places: there are few, and they are nearly in order. */
function sortFields(fields: CompiledField[], values: (Json | undefined)[]): void {
  for (let i = 1; i < fields.length; i++) {
    const field = fields[i] as CompiledField
    const value = values[i]
    let j = i
    for (; j > 0 && (fields[j - 1] as CompiledField).index > field.index; j--) {
      fields[j] = fields[j - 1] as CompiledField
      values[j] = values[j - 1]
    }
    fields[j] = field
    values[j] = value
  }
}

function collectUnknown(raw: JsonObject, fields: ReadonlyMap<string, unknown>, walk: Walk): void {
  for (const key in raw) {
    if (raw[key] !== undefined && !fields.has(key)) walk.unknown?.push(walk.at ? `${walk.at}.${key}` : key)
  }
}

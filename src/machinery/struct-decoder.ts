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
  /** Fields, keys and list indices from the root to the current value, kept only when unknown fields are asked for. */
  at: (string | number)[]
  /**
   * Whether the result is a copy, or one that shares with the input what needs no change, or the input itself as far as its
   * fields are in order.
   */
  how: 'copy' | 'share' | 'change'
}

/** A walk at its root. */
export function startWalk(empties: Walk['empties'], how: Walk['how'], unknown?: string[]): Walk {
  return { path: [], struct: '', unknown, at: [], empties, how }
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
    return inOrder ? this.#complete(out, byName, walk) : this.#sorted(out, byName, walk)
  }

  /** An object whose fields are in order, without those that the type hasn't, and with those that are always written. */
  #complete(raw: JsonObject, byName: ReadonlyMap<string, CompiledField>, walk: Walk): JsonObject {
    const out: JsonObject = {}
    let next = 0
    for (const key in raw) {
      const field = byName.get(key)
      if (field) next = this.#write(out, next, field, raw[key], walk)
    }
    this.#writeAlways(out, next, Number.POSITIVE_INFINITY, walk)
    return out
  }

  /** The same for one whose fields are in another order. */
  #sorted(raw: JsonObject, byName: ReadonlyMap<string, CompiledField>, walk: Walk): JsonObject {
    const out: JsonObject = {}
    let next = 0
    for (const field of fieldsInOrder(raw, byName)) next = this.#write(out, next, field, raw[field.name], walk)
    this.#writeAlways(out, next, Number.POSITIVE_INFINITY, walk)
    return out
  }

  #copy(raw: JsonObject, byName: ReadonlyMap<string, CompiledField>, walk: Walk): JsonObject {
    const out: JsonObject = {}
    let next = 0
    for (const field of fieldsInOrder(raw, byName)) {
      const before = raw[field.name]
      if (before === undefined) continue
      const after = staysAsItIs(before, field) ? before : decodeField(field, before, walk)
      next = this.#write(out, next, field, after, walk)
    }
    this.#writeAlways(out, next, Number.POSITIVE_INFINITY, walk)
    if (walk.unknown) collectUnknown(raw, byName, walk)
    return out
  }

  /**
   * Writes a field after those that are always written and come before it.
   * @param next of the fields that are always written
   * @param value undefined for nothing
   * @returns the next of the fields that are always written
   */
  #write(out: JsonObject, next: number, field: CompiledField, value: Json | undefined, walk: Walk): number {
    const at = this.#writeAlways(out, next, field.index, walk)
    if (value === undefined) return at
    out[field.name] = value
    return this.#always[at] === field ? at + 1 : at
  }

  /** Writes the fields that are always written, from the `next` of them on, up to a place. @returns the next one then */
  #writeAlways(out: JsonObject, next: number, end: number, walk: Walk): number {
    const always = this.#always
    let at = next
    for (let field = always[at]; field && field.index < end; field = always[++at]) out[field.name] = field.absent?.(walk) ?? null
    return at
  }
}

/** Whether a value needs no decoding: as most do, which are texts. */
const staysAsItIs = (value: Json, { plain }: CompiledField): boolean => typeof value === plain && value !== '' && value !== false

/** What a field of a struct becomes; undefined when it isn't written. */
function decodeField(field: CompiledField, given: Json, walk: Walk): Json | undefined {
  if (given === null) return field.absent?.(walk)
  const { path, unknown, at } = walk
  path.push(field.errorName)
  if (unknown) at.push(field.name)
  const value = field.decode(given, walk)
  if (unknown) at.pop()
  path.pop()
  if (value === undefined) return undefined
  if (field.collection) {
    if (!isZero(value) || walk.empties === 'all' || (walk.empties === 'written' && field.absent)) return value
    return field.absent ? null : undefined
  }
  if (field.dropZero && isZero(value)) return undefined
  return field.defaultsZero && field.absent && isZero(value) ? field.absent(walk) : value
}

/** The fields that a type has of those of an object, in the order of the Go struct. */
function fieldsInOrder(raw: JsonObject, byName: ReadonlyMap<string, CompiledField>): CompiledField[] {
  const fields: CompiledField[] = []
  let last = -1
  let inOrder = true
  for (const key in raw) {
    const field = byName.get(key)
    if (!field) continue
    if (field.index < last) inOrder = false
    last = field.index
    fields.push(field)
  }
  if (!inOrder) sortFields(fields)
  return fields
}

/** There are few, and they are nearly in order. */
function sortFields(fields: CompiledField[]): void {
  for (let i = 1; i < fields.length; i++) {
    const field = fields[i] as CompiledField
    let j = i
    for (; j > 0 && (fields[j - 1] as CompiledField).index > field.index; j--) fields[j] = fields[j - 1] as CompiledField
    fields[j] = field
  }
}

function collectUnknown(raw: JsonObject, fields: ReadonlyMap<string, unknown>, { at, unknown }: Walk): void {
  for (const key in raw) {
    if (raw[key] === undefined || fields.has(key)) continue
    let path = ''
    for (const part of at) path += typeof part === 'number' ? `[${part}]` : path ? `.${part}` : part
    unknown?.push(path ? `${path}.${key}` : key)
  }
}

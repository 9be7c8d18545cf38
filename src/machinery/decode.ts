import { isObject, type Json, type JsonObject } from './json.ts'
import { canonicalQuantity } from './quantity.ts'
import { type FieldFacts, isAlwaysWritten, type SchemaFacts, type TypeExpression } from './schema.ts'
import { canonicalMicroTime, canonicalTime } from './time.ts'

/** A value that doesn't fit its type, in the words of Go's JSON decoder. */
export class DecodeError extends Error {
  override name = 'DecodeError'
  /** The JSON type that was there and the Go type that was wanted; empty for errors of another kind. */
  readonly given: string
  readonly goType: string

  constructor(message: string, given = '', goType = '') {
    super(message)
    this.given = given
    this.goType = goType
  }
}

/** What one decoding collects on its way. */
interface Walk {
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
  /** Whether what needs no change may be the input itself instead of a copy. */
  share: boolean
}

type Decoder = (raw: Json, walk: Walk) => Json | undefined

interface CompiledField {
  name: string
  /** The place among the fields of the Go struct. */
  index: number
  /** The name with the embedding structs before it, for error paths. */
  errorName: string
  decode: Decoder
  /** The zero value that Go would leave out: true when `value` must not be written. */
  dropZero: boolean
  /** What is written when nothing was given; undefined leaves the field out. */
  absent: ((walk: Walk) => Json) | undefined
  /** A list or a map: an empty one is something else than none until it is stored. */
  collection: boolean
  /** A zero value is replaced by the default as well (the Go field is no pointer). */
  defaultsZero: boolean
}

/** The JSON type's name in Go's messages. */
function kindOf(raw: Json): string {
  if (raw === null) return 'null'
  if (Array.isArray(raw)) return 'array'
  if (typeof raw === 'boolean') return 'bool'
  if (typeof raw === 'bigint') return 'number'
  return typeof raw
}

function mismatch(raw: Json, walk: Walk, goType: string, value = kindOf(raw)): DecodeError {
  return new DecodeError(
    walk.path.length
      ? `json: cannot unmarshal ${value} into Go struct field ${walk.struct}.${walk.path.join('.')} of type ${goType}`
      : `json: cannot unmarshal ${value} into Go value of type ${goType}`,
    kindOf(raw),
    goType,
  )
}

const isZero = (value: Json | undefined): boolean =>
  value === '' ||
  value === 0 ||
  value === false ||
  value === null ||
  (typeof value === 'object' && (Array.isArray(value) ? value.length === 0 : isEmpty(value)))

function isEmpty(value: object): boolean {
  for (const _ in value) return false
  return true
}

/** Go's name of a type, as its messages print it: `v1.PodSpec`, `[]string`, `map[string]string`, `int32`. */
function goTypeName(type: TypeExpression): string {
  if (typeof type !== 'string') return 'list' in type ? `[]${goTypeName(type.list)}` : `map[string]${goTypeName(type.map)}`
  if (type.startsWith('#')) return type.split('.').slice(-2).join('.')
  return GO_SCALARS[type] ?? type
}

const GO_SCALARS: Record<string, string> = {
  boolean: 'bool',
  double: 'float64',
  bytes: '[]uint8',
  quantity: 'resource.Quantity',
  intorstring: 'intstr.IntOrString',
  time: 'v1.Time',
  microtime: 'v1.MicroTime',
  raw: 'runtime.RawExtension',
  fields: 'v1.FieldsV1',
}

const LIMITS: Record<string, number> = { int32: 2 ** 31, int64: 2 ** 63 }

function decodeString(raw: Json, walk: Walk): Json {
  if (typeof raw === 'string') return raw
  throw mismatch(raw, walk, 'string')
}

/** Of a named string type. */
function stringAs(goType: string): Decoder {
  return (raw, walk) => {
    if (typeof raw === 'string') return raw
    throw mismatch(raw, walk, goType)
  }
}

/** What the elements of a list or map are called, when its own name tells: `[]v1.IPFamily`, `map[v1.ResourceName]v1.ClaimResourceStatus`. */
function elementName(goType: string | undefined): string | undefined {
  return goType && /^(?:\[\]|map\[[^\]]*\])(.+)$/.exec(goType)?.[1]
}

function decodeBoolean(raw: Json, walk: Walk): Json {
  if (typeof raw === 'boolean') return raw
  throw mismatch(raw, walk, 'bool')
}

function integer(goType: 'int32' | 'int64'): Decoder {
  const limit = LIMITS[goType] as number
  return (raw, walk) => {
    if (typeof raw === 'number' && Number.isInteger(raw) && raw < limit && raw >= -limit) return raw
    if (typeof raw === 'bigint' && goType === 'int64' && BigInt.asIntN(64, raw) === raw) return raw
    const isNumber = typeof raw === 'number' || typeof raw === 'bigint'
    throw mismatch(raw, walk, goType, isNumber ? `number ${printNumber(raw)}` : kindOf(raw))
  }
}

function printNumber(raw: number | bigint): string {
  return Math.abs(Number(raw)) >= 1e15 && Number.isInteger(Number(raw)) ? BigInt(raw).toString() : String(raw)
}

function decodeDouble(raw: Json, walk: Walk): Json {
  if (typeof raw === 'number') return raw
  if (typeof raw === 'bigint') return Number(raw)
  throw mismatch(raw, walk, 'float64')
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function decodeBytes(raw: Json, walk: Walk): Json {
  if (typeof raw !== 'string') throw mismatch(raw, walk, '[]uint8')
  const text = /[\r\n]/.test(raw) ? raw.replace(/[\r\n]/g, '') : raw
  if (!BASE64.test(text)) throw new DecodeError(`illegal base64 data at input byte ${base64Fault(raw)}`)
  // Unused trailing bits are dropped, as a round trip through bytes does.
  return text.endsWith('=') ? Buffer.from(text, 'base64').toString('base64') : text
}

/** The offset that Go reports for malformed base64. */
function base64Fault(text: string): number {
  const bad = text.search(/[^A-Za-z0-9+/=\r\n]/)
  if (bad >= 0) return bad
  const pad = text.indexOf('=')
  if (pad >= 0) {
    if (pad % 4 < 2) return pad
    const rest = text.slice(pad).search(/[^=\r\n]/)
    if (rest >= 0) return pad + rest
    const padding = text.length - pad
    return pad % 4 === 2 && padding < 2 ? text.length : pad + (pad % 4 === 2 ? 2 : 1)
  }
  return text.length - (text.length % 4)
}

function decodeIntOrString(raw: Json, walk: Walk): Json {
  if (typeof raw === 'string') return raw
  return integer('int32')(raw, walk) as Json
}

function decodeQuantity(raw: Json): Json {
  return canonicalQuantity(raw)
}

function decodeObject(raw: Json, walk: Walk): Json {
  if (isObject(raw)) return raw
  throw mismatch(raw, walk, 'map[string]interface {}')
}

const SCALAR_DECODERS: Record<string, Decoder> = {
  string: decodeString,
  boolean: decodeBoolean,
  int32: integer('int32'),
  int64: integer('int64'),
  double: decodeDouble,
  bytes: decodeBytes,
  quantity: decodeQuantity,
  intorstring: decodeIntOrString,
  time: (raw, walk) => canonicalTime(decodeString(raw, walk) as string),
  microtime: (raw, walk) => canonicalMicroTime(decodeString(raw, walk) as string),
  duration: decodeString,
  raw: (raw) => raw,
  fields: decodeObject,
  json: (raw) => raw,
}

const ZERO: Record<string, Json> = {
  string: '',
  boolean: false,
  int32: 0,
  int64: 0,
  double: 0,
  bytes: '',
  quantity: '0',
  intorstring: 0,
  duration: '0s',
  time: null,
  microtime: null,
}

/**
 * Turns parsed JSON into an object of a known type, the way a round trip through the reference's Go structs does: unknown fields go,
 * nulls and zero values that Go leaves out go, structs that are always written appear, quantities and times get their canonical text,
 * and declared defaults are filled in. Fields come out in the order of the Go struct. The input isn't changed.
 */
export class TypeDecoder {
  readonly #facts: SchemaFacts
  readonly #types = new Map<string, Decoder>()

  constructor(facts: SchemaFacts) {
    this.#facts = facts
  }

  /**
   * @param typeName full name, such as `io.k8s.api.core.v1.Pod`
   * @param unknown when given, collects the paths of fields that the type doesn't have
   * @throws DecodeError on the first value of a wrong type
   */
  decode(typeName: string, raw: Json, unknown?: string[]): JsonObject {
    const walk: Walk = { path: [], struct: '', unknown, at: '', empties: 'none', share: false }
    return this.#struct(typeName)(raw, walk) as JsonObject
  }

  /**
   * As `decode`, but empty lists and maps stay: Go tells them from none until the object is encoded, and so do defaults and validation.
   * What comes out goes through `decode` before it is stored.
   */
  decodeRequest(typeName: string, raw: Json, unknown?: string[]): JsonObject {
    const walk: Walk = { path: [], struct: '', unknown, at: '', empties: 'all', share: false }
    return this.#struct(typeName)(raw, walk) as JsonObject
  }

  /** As `decode`, for objects that have been decoded before: parts that need no change are the input's own, not copies. */
  canonical(typeName: string, raw: Json): JsonObject {
    const walk: Walk = { path: [], struct: '', unknown: undefined, at: '', empties: 'none', share: true }
    return this.#struct(typeName)(raw, walk) as JsonObject
  }

  /**
   * The object as Go encodes it before it is stored: an empty list in a field that is always written is still one. Parts that need no
   * change are the input's own.
   */
  decodeWritten(typeName: string, raw: Json): JsonObject {
    const walk: Walk = { path: [], struct: '', unknown: undefined, at: '', empties: 'written', share: true }
    return this.#struct(typeName)(raw, walk) as JsonObject
  }

  /** @param goType as FieldFacts.goType */
  #decoder(type: TypeExpression, goType?: string): Decoder {
    if (typeof type !== 'string') return 'list' in type ? this.#list(type, goType) : this.#map(type, goType)
    if (type.startsWith('#')) return this.#struct(type.slice(1))
    if (type === 'string' && goType) return stringAs(goType)
    const scalar = SCALAR_DECODERS[type]
    if (scalar) return scalar
    return this.#jsonSchemaPart(type)
  }

  /** Compiled when first used: types refer to themselves (JSONSchemaProps). */
  #struct(name: string): Decoder {
    const known = this.#types.get(name)
    if (known) return known
    let compiled: Decoder | undefined
    const lazy: Decoder = (raw, walk) => {
      compiled ??= this.#compile(name)
      return compiled(raw, walk)
    }
    this.#types.set(name, lazy)
    return lazy
  }

  #compile(name: string): Decoder {
    const facts = this.#facts.type(name)
    const fields = facts.fields.map((field, index) => this.#field(field, index))
    const byName = new Map(fields.map((field) => [field.name, field]))
    const always = fields.filter((field) => field.absent)
    const short = name.slice(name.lastIndexOf('.') + 1)
    const goType = goTypeName(`#${name}`)
    const decoder: Decoder = (raw, walk) => {
      if (!isObject(raw)) throw mismatch(raw, walk, goType)
      const outer = walk.struct
      walk.struct = short
      // Objects have few of the fields of their types: what is there is looked up, not what could be.
      const given: CompiledField[] = []
      const values: (Json | undefined)[] = []
      let last = -1
      let inOrder = true
      let unknown = false
      for (const key in raw) {
        const value = raw[key]
        if (value === undefined) continue
        const field = byName.get(key)
        if (!field) {
          unknown = true
          continue
        }
        if (field.index < last) inOrder = false
        last = field.index
        given.push(field)
        values.push(value)
      }
      if (!inOrder) sortFields(given, values)
      let same = walk.share && inOrder && !unknown
      let needed = 0
      for (let i = 0; i < given.length; i++) {
        const field = given[i] as CompiledField
        if (field.absent) needed++
        const before = values[i] as Json
        const after = decodeField(field, before, walk)
        if (after === before) continue
        values[i] = after
        same = false
      }
      if (unknown && walk.unknown) collectUnknown(raw, byName, walk)
      let out = raw
      if (!same || needed < always.length) {
        out = {}
        let next = 0
        for (let i = 0; i < given.length; i++) {
          const field = given[i] as CompiledField
          for (let a = always[next]; a && a.index < field.index; a = always[++next]) out[a.name] = a.absent?.(walk) ?? null
          if (always[next] === field) next++
          const value = values[i]
          if (value !== undefined) out[field.name] = value
        }
        for (let a = always[next]; a; a = always[++next]) out[a.name] = a.absent?.(walk) ?? null
      }
      walk.struct = outer
      return out
    }
    this.#types.set(name, decoder)
    return decoder
  }

  #field(field: FieldFacts, index: number): CompiledField {
    const { type } = field
    const decode = this.#decoder(type, field.goType)
    const common = { name: field.name, index, errorName: (field.embedded ?? '') + field.name, decode, collection: false }
    if (typeof type !== 'string') {
      // A list or map without omitempty is written as null when it's nil, and a round trip makes an empty one nil.
      const always = isAlwaysWritten(field)
      return { ...common, collection: true, dropZero: !always, absent: always ? () => null : undefined, defaultsZero: false }
    }
    if (type.startsWith('#')) {
      const always = field.default !== undefined || field.value
      return {
        ...common,
        dropZero: false,
        absent: always ? (walk) => decode({}, { ...walk, unknown: undefined }) as Json : undefined,
        defaultsZero: false,
      }
    }
    const real = field.default !== undefined && !isZero(field.default)
    if (field.nullable) return { ...common, dropZero: false, absent: () => null, defaultsZero: false }
    const always = field.required || field.value || field.default !== undefined
    const zero = real ? (field.default as Json) : (ZERO[type] ?? null)
    return {
      ...common,
      dropZero:
        !always &&
        !field.pointer &&
        ZERO[type] !== undefined &&
        !['quantity', 'intorstring', 'time', 'microtime', 'duration'].includes(type),
      absent: always && (!field.pointer || real) ? () => zero : undefined,
      defaultsZero: real && !field.pointer,
    }
  }

  #list(type: { list: TypeExpression }, goType = goTypeName(type)): Decoder {
    const item = this.#decoder(type.list, elementName(goType))
    const zero = this.#zero(type.list)
    return (raw, walk) => {
      if (!Array.isArray(raw)) throw mismatch(raw, walk, goType)
      const out = new Array<Json>(raw.length)
      const at = walk.at
      let same = walk.share
      for (let i = 0; i < raw.length; i++) {
        const given = raw[i]
        if (walk.unknown) walk.at = `${at}[${i}]`
        const value = given === null || given === undefined ? zero(walk) : ((item(given, walk) ?? null) as Json)
        if (value !== given) same = false
        out[i] = value
      }
      walk.at = at
      return same ? raw : out
    }
  }

  #map(type: { map: TypeExpression }, goType = goTypeName(type)): Decoder {
    const item = this.#decoder(type.map, elementName(goType))
    const zero = this.#zero(type.map)
    return (raw, walk) => {
      if (!isObject(raw)) throw mismatch(raw, walk, goType)
      const out: JsonObject = {}
      const at = walk.at
      const keys = Object.keys(raw)
      let same = walk.share
      for (let i = 1; same && i < keys.length; i++) same = (keys[i - 1] as string) < (keys[i] as string)
      // Go writes map keys sorted.
      for (const key of same ? keys : keys.sort()) {
        const given = raw[key]
        if (walk.unknown) walk.at = `${at}.${key}`
        const value = given === null || given === undefined ? zero(walk) : ((item(given, walk) ?? null) as Json)
        if (key === '__proto__') Object.defineProperty(out, key, { value, enumerable: true, configurable: true, writable: true })
        else out[key] = value
        if (value !== given) same = false
      }
      walk.at = at
      return same ? raw : out
    }
  }

  #zero(type: TypeExpression): (walk: Walk) => Json {
    if (typeof type !== 'string') return () => null
    if (type.startsWith('#')) return (walk) => this.#struct(type.slice(1))({}, { ...walk, unknown: undefined }) as Json
    return () => ZERO[type] ?? null
  }

  /** The parts of JSONSchemaProps that are one of two types. */
  #jsonSchemaPart(type: string): Decoder {
    const props = '#io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'
    const schema = this.#decoder(props)
    // These decode themselves in Go, which doesn't look for unknown fields there.
    const one: Decoder = (raw, walk) => schema(raw, { ...walk, unknown: undefined })
    if (type === 'propsorbool') {
      return (raw, walk) => {
        if (typeof raw === 'boolean') return raw
        if (isObject(raw)) return one(raw, walk)
        throw new DecodeError('boolean or JSON schema expected')
      }
    }
    if (type === 'propsorarray' || type === 'propsorstrings') {
      const many = this.#list({ list: type === 'propsorarray' ? props : 'string' })
      // Anything else counts as neither, which is written as null.
      return (raw, walk) =>
        Array.isArray(raw) ? many(raw, { ...walk, unknown: undefined }) : isObject(raw) ? one(raw, walk) : null
    }
    throw new Error(`no decoder for type ${type}`)
  }
}

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

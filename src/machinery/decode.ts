import { DecodeError, kindOf } from './decode-error.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { put } from './patch-values.ts'
import { canonicalQuantity } from './quantity.ts'
import { type FieldFacts, isAlwaysWritten, type SchemaFacts, type TypeExpression } from './schema.ts'
import { type CompiledField, type Decoder, isZero, mismatch, StructDecoder, startWalk, type Walk } from './struct-decoder.ts'
import { canonicalMicroTime, canonicalTime } from './time.ts'

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
  readonly #types = new Map<string, StructDecoder>()

  constructor(facts: SchemaFacts) {
    this.#facts = facts
  }

  /**
   * @param typeName full name, such as `io.k8s.api.core.v1.Pod`
   * @param unknown when given, collects the paths of fields that the type doesn't have
   * @throws DecodeError on the first value of a wrong type
   */
  decode(typeName: string, raw: Json, unknown?: string[]): JsonObject {
    return this.#struct(typeName).decode(raw, startWalk('none', 'copy', unknown)) as JsonObject
  }

  /**
   * As `decode`, but empty lists and maps stay: Go tells them from none until the object is encoded, and so do defaults and validation.
   * What comes out goes through `canonical` before it is stored.
   * @param own whether the input may be changed, and parts of it become the result; then it is decoded in its own order, which tells which of several
   *   errors is the first
   */
  decodeRequest(typeName: string, raw: Json, unknown?: string[], own = false): JsonObject {
    return this.#struct(typeName).decode(raw, startWalk('all', own ? 'change' : 'copy', unknown)) as JsonObject
  }

  /** As `decode`, for objects that have been decoded before: parts that need no change are the input's own, not copies. */
  canonical(typeName: string, raw: Json): JsonObject {
    return this.#struct(typeName).decode(raw, startWalk('none', 'share')) as JsonObject
  }

  /**
   * The object as Go encodes it before it is stored: an empty list in a field that is always written is still one. Parts that need no
   * change are the input's own.
   */
  decodeWritten(typeName: string, raw: Json): JsonObject {
    return this.#struct(typeName).decode(raw, startWalk('written', 'share')) as JsonObject
  }

  /** @param goType as FieldFacts.goType */
  #decoder(type: TypeExpression, goType?: string): Decoder {
    if (typeof type !== 'string') return 'list' in type ? this.#list(type, goType) : this.#map(type, goType)
    if (type.startsWith('#')) return this.#struct(type.slice(1)).decode
    if (type === 'string' && goType) return stringAs(goType)
    const scalar = SCALAR_DECODERS[type]
    if (scalar) return scalar
    return this.#jsonSchemaPart(type)
  }

  #struct(name: string): StructDecoder {
    let decoder = this.#types.get(name)
    if (!decoder) {
      decoder = new StructDecoder(name, goTypeName(`#${name}`), () =>
        this.#facts.type(name).fields.map((f, i) => this.#field(f, i)),
      )
      this.#types.set(name, decoder)
    }
    return decoder
  }

  #field(field: FieldFacts, index: number): CompiledField {
    const { type } = field
    const decode = this.#decoder(type, field.goType)
    const plain: CompiledField['plain'] = type === 'string' || type === 'boolean' ? type : undefined
    const common = { name: field.name, index, errorName: (field.embedded ?? '') + field.name, decode, collection: false, plain }
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
        absent: always ? (walk) => decode({}, { ...walk, unknown: undefined }) as Json : field.nullable ? () => null : undefined,
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
      const { at, how, unknown } = walk
      let out = how === 'copy' ? new Array<Json>(raw.length) : raw
      for (let i = 0; i < raw.length; i++) {
        const given = raw[i]
        if (unknown) at.push(i)
        const value = given === null || given === undefined ? zero(walk) : ((item(given, walk) ?? null) as Json)
        if (unknown) at.pop()
        if (value !== given && how === 'share' && out === raw) out = [...raw]
        if (value !== given || how === 'copy') out[i] = value
      }
      return out
    }
  }

  #map(type: { map: TypeExpression }, goType = goTypeName(type)): Decoder {
    const item = this.#decoder(type.map, elementName(goType))
    const zero = this.#zero(type.map)
    return (raw, walk) => {
      if (!isObject(raw)) throw mismatch(raw, walk, goType)
      if (walk.how !== 'copy') return changeMap(raw, item, zero, walk)
      const out: JsonObject = {}
      // Go writes map keys sorted.
      for (const key of Object.keys(raw).sort()) put(out, key, mapValue(raw[key], key, item, zero, walk))
      return out
    }
  }

  #zero(type: TypeExpression): (walk: Walk) => Json {
    if (typeof type !== 'string') return () => null
    if (type.startsWith('#')) return (walk) => this.#struct(type.slice(1)).decode({}, { ...walk, unknown: undefined }) as Json
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

/** A map that is changed in place, or in a copy if it is to be shared. Go writes map keys sorted. */
function changeMap(raw: JsonObject, item: Decoder, zero: (walk: Walk) => Json, walk: Walk): JsonObject {
  let out = raw
  let last = ''
  let inOrder = true
  for (const key in raw) {
    const given = raw[key]
    const value = mapValue(given, key, item, zero, walk)
    if (value !== given) {
      if (walk.how === 'share' && out === raw) out = { ...raw }
      put(out, key, value)
    }
    if (key < last) inOrder = false
    last = key
  }
  return inOrder ? out : sortedMap(out)
}

function mapValue(given: Json | undefined, key: string, item: Decoder, zero: (walk: Walk) => Json, walk: Walk): Json {
  if (given === null || given === undefined) return zero(walk)
  const { unknown, at } = walk
  if (unknown) at.push(key)
  const value = (item(given, walk) ?? null) as Json
  if (unknown) at.pop()
  return value
}

function sortedMap(raw: JsonObject): JsonObject {
  const out: JsonObject = {}
  for (const key of Object.keys(raw).sort()) put(out, key, raw[key])
  return out
}

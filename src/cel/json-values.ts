import { type Json, type JsonObject, JsonText } from '../machinery/json.ts'
import { durationOf } from '../machinery/json-schema/durations.ts'
import { keyedList } from './keyed-lists.ts'
import { parseTimestamp } from './times.ts'
import { DYN, mapType, type Type } from './types.ts'
import { Duration, MapValue, Timestamp, type Value } from './values.ts'

/**
 * JSON as a value of a type: what a schema says of it, or what it looks like where that is `dyn`. Objects turn into values member by
 * member, when somebody asks for them. The JSON must not change while the value is used.
 */
export function fromJson(json: Json | undefined, type: Type = DYN): Value {
  // Managed fields of objects that are written may be text.
  const text: unknown = json
  if (text instanceof JsonText) return fromJson(text.value, type)
  if (json === null || json === undefined) return null
  switch (type.kind) {
    case 'double':
      return Number(json)
    case 'int':
      return typeof json === 'number' && Number.isInteger(json) ? BigInt(json) : plain(json)
    case 'bytes':
      return typeof json === 'string' ? Buffer.from(json, 'base64') : plain(json)
    case 'timestamp':
      return (typeof json === 'string' ? timestamp(json) : undefined) ?? plain(json)
    case 'duration':
      return (typeof json === 'string' ? duration(json) : undefined) ?? plain(json)
    case 'list':
      if (Array.isArray(json)) {
        const items = json.map((item) => fromJson(item, type.params[0]))
        return type.identity ? keyedList(items, type.identity) : items
      }
      return plain(json)
    case 'map':
      if (typeof json === 'object' && !Array.isArray(json)) return new JsonMap(json, type)
      return plain(json)
    case 'struct':
      if (typeof json === 'object' && !Array.isArray(json)) return new JsonStruct(json, type)
      return plain(json)
  }
  return plain(json)
}

function plain(json: Json): Value {
  if (typeof json === 'number') return Number.isInteger(json) && Number.isSafeInteger(json) ? BigInt(json) : json
  if (json === null || typeof json !== 'object') return json
  if (Array.isArray(json)) return json.map((item) => fromJson(item))
  return new JsonMap(json, DYNAMIC)
}

/** A date alone is the start of that day, as the reference reads both formats. */
function timestamp(text: string): Value | undefined {
  const nanoseconds = parseTimestamp(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? `${text}T00:00:00Z` : text)
  return nanoseconds === undefined ? undefined : new Timestamp(nanoseconds)
}

function duration(text: string): Value | undefined {
  const nanoseconds = durationOf(text)
  return nanoseconds === undefined ? undefined : new Duration(nanoseconds)
}

const DYNAMIC = mapType(DYN, DYN)

/** A JSON object as a value. What its members turn into is kept, so that asking again costs nothing. */
abstract class JsonValue extends MapValue {
  readonly json: JsonObject
  readonly type: Type
  #made: Map<string, Value> | undefined

  constructor(json: JsonObject, type: Type) {
    super()
    this.json = json
    this.type = type
  }

  override get size(): number {
    return this.keys().length
  }

  get(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined
    const made = this.#made?.get(key)
    if (made !== undefined) return made
    const found = this.find(key)
    if (!found) return undefined
    const value = fromJson(found.member, found.type)
    if (typeof found.member === 'object') (this.#made ??= new Map()).set(key, value)
    return value
  }

  override has(key: Value): boolean {
    return typeof key === 'string' && this.find(key) !== undefined
  }

  keys(): readonly string[] {
    return Object.keys(this.json).filter((key) => this.json[key] !== undefined)
  }

  /** A member and its type; undefined when it isn't there. */
  protected abstract find(key: string): { member: Json; type: Type | undefined } | undefined
}

/** A JSON object whose members are all of one type, or of any. */
export class JsonMap extends JsonValue {
  protected find(key: string): { member: Json; type: Type | undefined } | undefined {
    const member = Object.hasOwn(this.json, key) ? this.json[key] : undefined
    return member === undefined ? undefined : { member, type: this.type.params[1] }
  }
}

/** A JSON object whose type says which fields it may have. */
export class JsonStruct extends JsonValue {
  protected find(key: string): { member: Json; type: Type | undefined } | undefined {
    const field = this.type.field?.(key)
    const member = field && this.#member(field.property ?? key)
    // An explicit null in an object's field is taken for none.
    return member === undefined || member === null ? undefined : { member, type: field?.type }
  }

  #member(property: string): Json | undefined {
    return Object.hasOwn(this.json, property) ? this.json[property] : undefined
  }
}

import type { Json, JsonObject } from '../json.ts'
import { ProtobufError, type ProtoReader } from './reader.ts'
import { isZero, type ValueCodec } from './scalars.ts'
import type { ReverseWriter } from './writer.ts'

/** How a field is held in Go. */
export const Mode = {
  /** A pointer (or bytes): written when it is there, zero or not. */
  pointer: 0,
  /** A plain value: always written; zero scalars are left out of JSON. */
  value: 1,
  list: 2,
  map: 3,
  /** A struct whose fields JSON shows among its parent's. */
  embedded: 4,
} as const

export type Mode = (typeof Mode)[keyof typeof Mode]

export interface Field {
  readonly name: string
  readonly number: number
  readonly mode: Mode
  /** Of the value, a list's item or a map's value. */
  readonly codec: ValueCodec
  /** Whether JSON leaves out a zero value. */
  readonly hidesZero: boolean
  /** A zero value's bytes, without the tag. */
  zeroBytes(): Buffer
}

/** A struct with its fields by their JSON names. */
export class Message implements ValueCodec {
  readonly wire = 2
  /** By ascending number, which is the order on the wire. */
  #fields: readonly Field[] = []
  #tags: readonly number[] = []
  #byNumber: (Field | undefined)[] = []

  /** Call once before the first use: types refer to each other. */
  define(fields: readonly Field[]): void {
    this.#fields = fields.toSorted((a, b) => a.number - b.number)
    this.#tags = this.#fields.map((f) => (f.number << 3) | (f.mode === Mode.map ? 2 : f.codec.wire))
    for (const field of fields) this.#byNumber[field.number] = field
  }

  zero(): Json {
    return {}
  }

  write(writer: ReverseWriter, value: Json): void {
    const before = writer.size
    this.writeFields(writer, value as JsonObject)
    writer.varint(writer.size - before)
  }

  /** Writes the fields without the length that a nested message has before them. */
  writeFields(writer: ReverseWriter, value: JsonObject): void {
    const fields = this.#fields
    for (let i = fields.length - 1; i >= 0; i--) {
      const field = fields[i] as Field
      const tag = this.#tags[i] as number
      if (field.mode === Mode.embedded) {
        field.codec.write(writer, value)
        writer.tag(tag)
        continue
      }
      const member = value[field.name]
      if (member === undefined || member === null) {
        if (field.mode !== Mode.value) continue
        writer.raw(field.zeroBytes())
        writer.tag(tag)
      } else if (field.mode === Mode.list) writeList(writer, field.codec, tag, member as Json[])
      else if (field.mode === Mode.map) writeMap(writer, field.codec, tag, member as JsonObject)
      else {
        field.codec.write(writer, member)
        writer.tag(tag)
      }
    }
  }

  read(reader: ProtoReader): JsonObject {
    const out: JsonObject = {}
    const outer = reader.enter()
    this.readFields(reader, out)
    reader.leave(outer)
    return out
  }

  /** Reads up to the reader's end; what `out` holds already is added to, as when a struct is split in two on the wire. */
  readFields(reader: ProtoReader, out: JsonObject): void {
    while (reader.at < reader.end) {
      const tag = reader.varint32()
      const field = this.#byNumber[tag >>> 3]
      if (!field) {
        if ((tag & 7) === 4) throw new ProtobufError('proto: wiretype end group for non-group')
        if (tag >>> 3 === 0) throw new ProtobufError(`proto: illegal tag 0 (wire type ${tag})`)
        reader.skip(tag)
        continue
      }
      const { mode, codec } = field
      const wire = mode === Mode.map ? 2 : codec.wire
      if ((tag & 7) !== wire) {
        if (mode === Mode.list && (tag & 7) === 2) readPacked(reader, field, out)
        else throw wrongWire(tag & 7, field.name)
      } else if (mode === Mode.list) {
        const item = codec.read(reader) ?? null
        const list = out[field.name] as Json[] | undefined
        if (list) list.push(item)
        else out[field.name] = [item]
      } else if (mode === Mode.map) readEntry(reader, field, out)
      else if (mode === Mode.embedded || (codec instanceof Message && out[field.name] !== undefined)) {
        const outer = reader.enter()
        ;(codec as Message).readFields(reader, mode === Mode.embedded ? out : (out[field.name] as JsonObject))
        reader.leave(outer)
      } else {
        const value = codec.read(reader)
        if (value !== undefined && (!field.hidesZero || !isZero(value))) out[field.name] = value
      }
    }
  }
}

/** Named in the field's Go name, which is nearly always the JSON name with a capital. */
function wrongWire(wire: number, name: string): ProtobufError {
  const goName = name.replace(/^(?:uid$|api|ip(?=[A-Z]|$)|.)/, (start) => start.toUpperCase())
  return new ProtobufError(`proto: wrong wireType = ${wire} for field ${goName}`)
}

function writeList(writer: ReverseWriter, codec: ValueCodec, tag: number, items: Json[]): void {
  for (let i = items.length - 1; i >= 0; i--) {
    codec.write(writer, items[i] ?? codec.zero())
    writer.tag(tag)
  }
}

/** Lists of numbers may come in one piece. */
function readPacked(reader: ProtoReader, field: Field, out: JsonObject): void {
  const outer = reader.enter()
  const list = (out[field.name] ?? []) as Json[]
  while (reader.at < reader.end) list.push(field.codec.read(reader) as Json)
  if (list.length) out[field.name] = list
  reader.leave(outer)
}

/** Entries are messages of a key and a value, in the order of the keys. */
function writeMap(writer: ReverseWriter, codec: ValueCodec, tag: number, map: JsonObject): void {
  const keys = Object.keys(map)
  if (!isSorted(keys)) keys.sort()
  const valueTag = (2 << 3) | codec.wire
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] as string
    const before = writer.size
    codec.write(writer, map[key] ?? codec.zero())
    writer.tag(valueTag)
    writer.string(key)
    writer.tag(KEY_TAG)
    writer.varint(writer.size - before)
    writer.tag(tag)
  }
}

const KEY_TAG = (1 << 3) | 2

function isSorted(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) if ((keys[i - 1] as string) > (keys[i] as string)) return false
  return true
}

function readEntry(reader: ProtoReader, field: Field, out: JsonObject): void {
  const { codec } = field
  let map = out[field.name] as JsonObject | undefined
  if (!map) {
    map = {}
    out[field.name] = map
  }
  let key = ''
  let value: Json | undefined
  const outer = reader.enter()
  while (reader.at < reader.end) {
    const tag = reader.varint32()
    if (tag === KEY_TAG) key = reader.string()
    else if (tag >>> 3 === 2) {
      if ((tag & 7) !== codec.wire) throw wrongWire(tag & 7, field.name)
      value = codec.read(reader)
    } else reader.skip(tag)
  }
  reader.leave(outer)
  value ??= codec.zero()
  // A legal key of a ConfigMap; assigning it would set the prototype.
  if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
  else map[key] = value
}

import type { Json, JsonObject } from '../json.ts'
import { type Field, Message, Mode } from './message.ts'
import { ProtoReader } from './reader.ts'
import { PLAIN, SCALAR_CODECS, type ValueCodec } from './scalars.ts'
import { propsOrArray, propsOrBool, propsOrStrings } from './schema-parts.ts'
import type { WireFacts, WireField } from './wire-facts.ts'
import { ReverseWriter } from './writer.ts'

const MODES = { r: Mode.list, v: Mode.value, e: Mode.embedded } as const

/**
 * Turns objects into the protobuf messages that the reference's Go structs make, and back. What comes out of decoding is as if the same
 * object had been sent as JSON: it goes through a TypeDecoder next.
 */
export class ProtobufCodec {
  readonly #facts: WireFacts
  readonly #types = new Map<string, ValueCodec>()
  readonly #writer = new ReverseWriter()

  constructor(facts: WireFacts) {
    this.#facts = facts
  }

  /** Whether a type has a protobuf form; custom resources have none. */
  has(typeName: string): boolean {
    return this.#facts.message(typeName) !== undefined
  }

  /**
   * An object's message, without an envelope. `kind` and `apiVersion` aren't part of it.
   *
   * @param typeName full name, such as `io.k8s.api.core.v1.Pod`; it must be one that the codec has
   * @param object as stored: decoded by its type's schema
   */
  encode(typeName: string, object: JsonObject): Buffer {
    const message = this.#message(typeName)
    try {
      message.writeFields(this.#writer, object)
      return this.#writer.take()
    } catch (error) {
      this.#writer.reset()
      throw error
    }
  }

  /** The object of a message, without `kind` and `apiVersion`. @throws ProtobufError */
  decode(typeName: string, bytes: Buffer): JsonObject {
    const out: JsonObject = {}
    this.#message(typeName).readFields(new ProtoReader(bytes), out)
    return out
  }

  #message(typeName: string): Message {
    const codec = this.#struct(typeName)
    if (!(codec instanceof Message)) throw new Error(`${typeName} is no struct`)
    return codec
  }

  /** Compiled when first used: types refer to themselves (JSONSchemaProps). */
  #struct(name: string): ValueCodec {
    const known = this.#types.get(name)
    if (known) return known
    const fields = this.#facts.message(name)
    if (!fields) throw new Error(`no protobuf message for ${name}`)
    if (isNamedList(fields)) {
      const list = namedList(SCALAR_CODECS.string as ValueCodec)
      this.#types.set(name, list)
      return list
    }
    const message = new Message()
    this.#types.set(name, message)
    const pkg = name.slice(0, name.lastIndexOf('.'))
    message.define(fields.map((field) => this.#field(field, pkg)))
    return message
  }

  #field([name, number, type, modeText]: WireField, pkg: string): Field {
    const isMap = type.startsWith('{')
    const mode = isMap ? Mode.map : modeText ? MODES[modeText] : Mode.pointer
    const codec = this.#codec(isMap ? type.slice(1) : type, pkg)
    let zeroBytes: Buffer | undefined
    return {
      name,
      number,
      mode,
      codec,
      hidesZero: mode === Mode.value && PLAIN.has(codec),
      zeroBytes: () => {
        zeroBytes ??= zeroOf(codec)
        return zeroBytes
      },
    }
  }

  #codec(type: string, pkg: string): ValueCodec {
    if (type.startsWith('#')) return this.#struct(type.includes('.') ? type.slice(1) : `${pkg}.${type.slice(1)}`)
    const scalar = SCALAR_CODECS[type]
    if (scalar) return scalar
    const known = this.#types.get(`${pkg} ${type}`)
    if (known) return known
    const props = () => this.#struct(`${pkg}.JSONSchemaProps`)
    const make = { propsorarray: propsOrArray, propsorbool: propsOrBool, propsorstringarray: propsOrStrings }[type]
    if (!make) throw new Error(`no protobuf form for type ${type}`)
    const part = make(props)
    this.#types.set(`${pkg} ${type}`, part)
    return part
  }
}

function zeroOf(codec: ValueCodec): Buffer {
  const writer = new ReverseWriter()
  codec.write(writer, codec.zero())
  return writer.take()
}

/** Go types that are lists of strings by name, such as `ExtraValue`: as a map's value a list has to be in a message. */
function isNamedList(fields: readonly WireField[]): boolean {
  const [only, ...others] = fields
  return only?.[0] === 'items' && only[2] === 'string' && others.length === 0
}

function namedList(item: ValueCodec): ValueCodec {
  const message = new Message()
  message.define([{ name: 'items', number: 1, mode: Mode.list, codec: item, hidesZero: false, zeroBytes: () => zeroOf(item) }])
  return {
    wire: 2,
    zero: () => [],
    write: (writer, value) => message.write(writer, { items: value }),
    read: (reader) => message.read(reader).items ?? ([] as Json[]),
  }
}

import type { Json, JsonObject } from '../json.ts'
import { isObject } from '../json.ts'
import { Message, Mode } from './message.ts'
import { SCALAR_CODECS, type ValueCodec } from './scalars.ts'

/**
 * The parts of a JSON schema that are one of two types in JSON: in protobuf each is a message with a field for either.
 *
 * @param number of a field and its type; the fields' names are our own
 */
function either(
  fields: readonly [name: string, mode: Mode, codec: () => ValueCodec][],
  zero: Json,
  toMessage: (value: Json) => JsonObject,
  fromMessage: (message: JsonObject) => Json,
): ValueCodec {
  let message: Message | undefined
  // Made when first used: schemas hold these parts, and these parts hold schemas.
  const get = () => {
    if (!message) {
      message = new Message()
      const zeroBytes = () => FALSE
      message.define(
        fields.map(([name, mode, codec], i) => ({ name, number: i + 1, mode, codec: codec(), hidesZero: false, zeroBytes })),
      )
    }
    return message
  }
  return {
    wire: 2,
    zero: () => zero,
    write: (writer, value) => get().write(writer, toMessage(value)),
    read: (reader) => fromMessage(get().read(reader)),
  }
}

/** The only field of these messages that is written when it is zero is a bool. */
const FALSE = Buffer.from([0])

const bool = () => SCALAR_CODECS.bool as ValueCodec
const string = () => SCALAR_CODECS.string as ValueCodec

/** One schema, or a list of them. */
export function propsOrArray(props: () => ValueCodec): ValueCodec {
  return either(
    [
      ['schema', Mode.pointer, props],
      ['schemas', Mode.list, props],
    ],
    null,
    (value) => (Array.isArray(value) ? { schemas: value } : { schema: value }),
    ({ schema, schemas }) => schemas ?? schema ?? null,
  )
}

/** A schema, or whether anything is allowed. */
export function propsOrBool(props: () => ValueCodec): ValueCodec {
  return either(
    [
      ['allows', Mode.value, bool],
      ['schema', Mode.pointer, props],
    ],
    false,
    (value) => (isObject(value) ? { allows: true, schema: value } : { allows: value }),
    ({ allows, schema }) => schema ?? allows ?? false,
  )
}

/** A schema, or a list of property names. */
export function propsOrStrings(props: () => ValueCodec): ValueCodec {
  return either(
    [
      ['schema', Mode.pointer, props],
      ['property', Mode.list, string],
    ],
    null,
    (value) => (Array.isArray(value) ? { property: value } : { schema: value }),
    ({ schema, property }) => property ?? schema ?? null,
  )
}

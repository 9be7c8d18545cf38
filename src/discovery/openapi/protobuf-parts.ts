import type { Json } from '../../machinery/json.ts'
import { jsonToYaml } from '../../machinery/yaml.ts'
import { ProtoWriter } from '../protobuf.ts'
import type { Schema } from './schemas.ts'

/** What both versions' documents are made of. */
export function protoDocument(write: (w: ProtoWriter) => void): Buffer {
  const writer = new ProtoWriter()
  write(writer)
  return writer.finish()
}

/** An entry of a map: its name, and its value as a message. */
export function writeNamed(w: ProtoWriter, field: number, name: string, value: () => void): void {
  w.message(field, () => {
    w.string(1, name)
    w.message(2, value)
  })
}

const cache = new WeakMap<object, string>()

/** The text of an Any. Kinds and key lists are shared by many schemas and operations. */
function yaml(value: Json): string {
  if (value === null || typeof value !== 'object') return `${String(value)}\n`
  let text = cache.get(value)
  if (text === undefined) {
    text = jsonToYaml(value)
    cache.set(value, text)
  }
  return text
}

/** Any value, as text. */
export function writeAny(w: ProtoWriter, value: Json): void {
  w.string(2, yaml(value))
}

/** How large values may be: fields that stand side by side in both versions. @param first the number of `multipleOf` */
export function writeLimits(w: ProtoWriter, first: number, schema: Schema): void {
  const double = (at: number, value: number | undefined): void => {
    if (value !== undefined) w.double(first + at, value)
  }
  const int = (at: number, value: number | undefined): void => {
    if (value !== undefined) w.int(first + at, value)
  }
  double(0, schema.multipleOf)
  double(1, schema.maximum)
  if (schema.exclusiveMaximum) w.bool(first + 2, true)
  double(3, schema.minimum)
  if (schema.exclusiveMinimum) w.bool(first + 4, true)
  int(5, schema.maxLength)
  int(6, schema.minLength)
  if (schema.pattern) w.string(first + 7, schema.pattern)
  int(8, schema.maxItems)
  int(9, schema.minItems)
  if (schema.uniqueItems) w.bool(first + 10, true)
  int(11, schema.maxProperties)
  int(12, schema.minProperties)
}

/** Every `x-…` key. */
export function writeExtensions(w: ProtoWriter, field: number, holder: object): void {
  for (const name in holder) {
    if (name.charCodeAt(0) !== 120 || !name.startsWith('x-')) continue
    writeNamed(w, field, name, () => w.string(2, yaml(holder[name as keyof typeof holder] as Json)))
  }
}

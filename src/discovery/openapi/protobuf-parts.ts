import type { Json } from '../../machinery/json.ts'
import { jsonToYaml } from '../../machinery/yaml.ts'
import { ProtoWriter } from '../protobuf.ts'

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

/** Every `x-…` key. */
export function writeExtensions(w: ProtoWriter, field: number, holder: object): void {
  for (const name in holder) {
    if (name.charCodeAt(0) !== 120 || !name.startsWith('x-')) continue
    writeNamed(w, field, name, () => w.string(2, yaml(holder[name as keyof typeof holder] as Json)))
  }
}

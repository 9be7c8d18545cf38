import { parseJson, stringifyJson } from '../machinery/go-json.ts'
import { goQuote } from '../machinery/go-text.ts'
import { isObject, type JsonObject } from '../machinery/json.ts'

/**
 * Stored values are encoded objects without a resource version; what readers get has one. The version goes where the reference writes
 * it: right after `metadata.uid`. A raw `"uid":"` can't be inside a JSON string (its quotes would be escaped), and our encoding writes
 * kind, apiVersion and metadata first, so that the first one in the text is the object's own unless it has none.
 */

const UID = Buffer.from('"uid":"')
const VERSION = Buffer.from('"resourceVersion":"')
const HEAD = Buffer.from('{"kind":"')
const METADATA = Buffer.from('"metadata":{')
const QUOTE = 0x22
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_LIST = 0x5b

/**
 * The value with `"resourceVersion":"<revision>"` in place. Values in another form than ours are encoded again.
 *
 * @throws Error when it is no object
 */
export function withRevision(value: Buffer, revision: number): Buffer {
  const at = insertionPoint(value)
  if (at < 0) return reencode(value, revision)
  const text = `,"resourceVersion":"${revision}"`
  const out = Buffer.allocUnsafeSlow(value.length + text.length)
  value.copy(out, 0, 0, at)
  out.write(text, at, 'latin1')
  value.copy(out, at + text.length, at)
  return out
}

/** How many bytes `withRevision` makes of a value in our own form. */
export function lengthAtRevision(value: Buffer, revision: number): number {
  return value.length + `,"resourceVersion":"${revision}"`.length
}

/** The same object at another revision: `body` is what `withRevision` made. */
export function atRevision(body: Buffer, revision: number): Buffer {
  const at = body.indexOf(VERSION, body.indexOf(UID)) + VERSION.length
  const end = body.indexOf(QUOTE, at)
  return Buffer.concat([body.subarray(0, at), Buffer.from(String(revision)), body.subarray(end)])
}

/** Where the resource version belongs; -1 when the value isn't in our form. */
function insertionPoint(value: Buffer): number {
  if (value.length < HEAD.length || value.compare(HEAD, 0, HEAD.length, 0, HEAD.length) !== 0) return -1
  // One that was cut off is left to the parser.
  if (value[value.length - 1] !== CLOSE_OBJECT) return -1
  const meta = value.indexOf(METADATA)
  const uid = value.indexOf(UID)
  if (meta < 0 || uid < meta) return -1
  // Before its uid, an object's metadata has nothing but names: an owner's uid comes after a bracket.
  for (let i = meta + METADATA.length; i < uid; i++) if (value[i] === OPEN_OBJECT || value[i] === OPEN_LIST) return -1
  const end = value.indexOf(QUOTE, uid + UID.length)
  return end < 0 ? -1 : end + 1
}

function reencode(value: Buffer, revision: number): Buffer {
  const object = parseJson(value)
  if (!isObject(object) || !(object.kind || isObject(object.metadata)))
    throw new Error(`Object 'Kind' is missing in ${goQuote(value.toString())}`)
  const { kind, apiVersion, metadata, ...rest } = object as { metadata?: Record<string, unknown> } & JsonObject
  const { name, generateName, namespace, selfLink, uid, resourceVersion: _, managedFields, ...more } = metadata ?? {}
  // Managed fields come last, as in our own form.
  const meta = { name, generateName, namespace, selfLink, uid, resourceVersion: String(revision), ...more, managedFields }
  return Buffer.from(stringifyJson({ kind, apiVersion, metadata: meta, ...rest }))
}

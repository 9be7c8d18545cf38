import { setImmediate } from 'node:timers/promises'
import { parseJson } from '../machinery/go-json.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { envelopeAround, wrap } from '../machinery/protobuf/envelope.ts'
import { varintSize, writeVarint } from '../machinery/protobuf/writer.ts'
import { notAcceptable } from '../machinery/status.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { notMarshalable } from './body.ts'
import type { Call } from './deps.ts'

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

/** How long a list's messages may be made at a time before others get their turn, in ms. */
const TURN = 5
const CHUNK = 256 * 1024
/** The field of a list message that holds the items: 2, with a length. */
const ITEM_TAG = 0x12

/**
 * An object's message without its envelope.
 *
 * @param schema the object's type
 * @throws StatusError 406 for custom resources
 */
function messageOf(codec: ProtobufCodec, schema: string, object: JsonObject): Buffer {
  if (!codec.has(schema)) throw notAcceptable(notMarshalable('*unstructured.Unstructured'))
  return codec.encode(schema, object)
}

/**
 * An object in protobuf, with its envelope.
 *
 * @param schema the object's type
 * @throws StatusError 406 for custom resources
 */
export function inProtobuf(codec: ProtobufCodec, schema: string, object: JsonObject): Buffer {
  return wrap(String(object.apiVersion ?? ''), String(object.kind ?? ''), messageOf(codec, schema, object))
}

/** A stored object's message without its envelope, in the version that is asked for; kept with the entry. */
function entryMessage(call: Call, entry: CacheEntry): Buffer {
  const { served } = call.endpoint
  return entry.form(`${served.apiVersion} protobuf`, (e) =>
    messageOf(call.deps.protobuf, served.schema, parseJson(served.bytes(e)) as JsonObject),
  )
}

/** A stored object in protobuf. */
export function entryInProtobuf(call: Call, entry: CacheEntry): Buffer {
  const { served } = call.endpoint
  return wrap(served.apiVersion, served.kind.kind, entryMessage(call, entry))
}

export interface MessageParts {
  /** The exact number of bytes in all. */
  length: number
  /** Tell `next` true when a part's memory may be used again: a chunk that is in the processor's cache is filled twice as fast. */
  parts: Generator<Buffer, void, boolean | undefined>
}

/**
 * A list in protobuf. The items' messages are made first, for their sizes come before them; they are put together chunk by chunk as
 * the client takes them.
 */
export async function listInProtobuf(call: Call, entries: readonly CacheEntry[], metadata: JsonObject): Promise<MessageParts> {
  const { served } = call.endpoint
  const { protobuf } = call.deps
  const listSchema = `${served.schema}List`
  const head = messageOf(protobuf, listSchema, { metadata })
  const items = new Array<Buffer>(entries.length)
  let size = head.length
  let turnEnds = performance.now() + TURN
  for (let i = 0; i < entries.length; i++) {
    const item = entryMessage(call, entries[i] as CacheEntry)
    items[i] = item
    size += 1 + varintSize(item.length) + item.length
    if ((i & 15) !== 15 || performance.now() < turnEnds) continue
    await setImmediate()
    turnEnds = performance.now() + TURN
  }
  const around = envelopeAround(served.apiVersion, `${served.kind.kind}List`, size)
  return {
    length: around.head.length + size + around.tail.length,
    parts: chunks([around.head, head], items, around.tail),
  }
}

function* chunks(head: readonly Buffer[], items: readonly Buffer[], tail: Buffer): MessageParts['parts'] {
  let chunk = Buffer.allocUnsafe(CHUNK)
  let at = 0
  for (const part of head) at += part.copy(chunk, at)
  for (const item of items) {
    // A tag, a length of up to five bytes, and the item.
    if (at + 6 + item.length > chunk.length) {
      const free = yield chunk.subarray(0, at)
      if (!free || 6 + item.length > chunk.length) chunk = Buffer.allocUnsafe(Math.max(CHUNK, 6 + item.length))
      at = 0
    }
    chunk[at++] = ITEM_TAG
    at = writeVarint(chunk, at, item.length)
    at += item.copy(chunk, at)
  }
  if (at + tail.length > chunk.length) {
    yield chunk.subarray(0, at)
    yield tail
    return
  }
  at += tail.copy(chunk, at)
  yield chunk.subarray(0, at)
}

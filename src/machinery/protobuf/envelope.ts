import { ProtobufError, ProtoReader } from './reader.ts'
import { varintSize, writeVarint } from './writer.ts'

/** What every message starts with, before a runtime.Unknown. */
export const PREFIX = Buffer.from('k8s\0')

/** A message with what it says to be. */
export interface Envelope {
  apiVersion: string
  kind: string
  /** The object's message. */
  raw: Buffer
}

/** An empty content encoding (field 3) and content type (field 4): a plain protobuf message. */
const TAIL = Buffer.from([0x1a, 0x00, 0x22, 0x00])

/**
 * What is before and after a message in its envelope, runtime.Unknown: the type meta (field 1), then the message (field 2), then how
 * that is encoded.
 *
 * @param size of the message, in bytes
 */
export function envelopeAround(apiVersion: string, kind: string, size: number): { head: Buffer; tail: Buffer } {
  const version = Buffer.from(apiVersion)
  const name = Buffer.from(kind)
  const meta = 2 + varintSize(version.length) + version.length + varintSize(name.length) + name.length
  const head = Buffer.allocUnsafe(PREFIX.length + 2 + varintSize(meta) + meta + varintSize(size))
  let at = PREFIX.copy(head)
  head[at++] = 0x0a
  at = writeVarint(head, at, meta)
  head[at++] = 0x0a
  at = writeVarint(head, at, version.length)
  at += version.copy(head, at)
  head[at++] = 0x12
  at = writeVarint(head, at, name.length)
  at += name.copy(head, at)
  head[at++] = 0x12
  writeVarint(head, at, size)
  return { head, tail: TAIL }
}

/** A message in its envelope. */
export function wrap(apiVersion: string, kind: string, message: Buffer): Buffer {
  const { head, tail } = envelopeAround(apiVersion, kind, message.length)
  return Buffer.concat([head, message, tail])
}

/**
 * A watch event as it goes over the wire: its length in four bytes, then a WatchEvent without an envelope, whose object has one.
 *
 * @param type such as `ADDED`
 * @param object as `wrap` makes it
 */
export function watchFrame(type: string, object: Buffer): Buffer {
  const extension = 1 + varintSize(object.length) + object.length
  const length = 2 + type.length + 1 + varintSize(extension) + extension
  const frame = Buffer.allocUnsafeSlow(4 + length)
  let at = frame.writeUInt32BE(length)
  frame[at++] = 0x0a
  at = writeVarint(frame, at, type.length)
  at += frame.write(type, at, 'latin1')
  frame[at++] = 0x12
  at = writeVarint(frame, at, extension)
  frame[at++] = 0x0a
  at = writeVarint(frame, at, object.length)
  object.copy(frame, at)
  return frame
}

/**
 * Opens an envelope.
 *
 * @throws ProtobufError when it isn't one
 */
export function unwrap(bytes: Buffer): Envelope {
  if (bytes.length === 0) throw new ProtobufError('empty data')
  if (!bytes.subarray(0, PREFIX.length).equals(PREFIX)) {
    throw new ProtobufError(`provided data does not appear to be a protobuf message, expected prefix [${[...PREFIX].join(' ')}]`)
  }
  if (bytes.length === PREFIX.length) throw new ProtobufError('empty body')
  const envelope: Envelope = { apiVersion: '', kind: '', raw: Buffer.alloc(0) }
  const reader = new ProtoReader(bytes)
  reader.at = PREFIX.length
  eachField(reader, (tag) => {
    if (tag >>> 3 === 1) {
      expectLength(tag, 'TypeMeta')
      readTypeMeta(reader, envelope)
    } else if (tag >>> 3 === 2) {
      expectLength(tag, 'Raw')
      envelope.raw = reader.view()
    } else if (tag >>> 3 === 3 || tag >>> 3 === 4) {
      expectLength(tag, tag >>> 3 === 3 ? 'ContentEncoding' : 'ContentType')
      reader.view()
    } else reader.skip(tag)
  })
  return envelope
}

function readTypeMeta(reader: ProtoReader, envelope: Envelope): void {
  const outer = reader.enter()
  eachField(reader, (tag) => {
    if (tag >>> 3 === 1) {
      expectLength(tag, 'APIVersion')
      envelope.apiVersion = reader.string()
    } else if (tag >>> 3 === 2) {
      expectLength(tag, 'Kind')
      envelope.kind = reader.string()
    } else reader.skip(tag)
  })
  reader.leave(outer)
}

function eachField(reader: ProtoReader, read: (tag: number) => void): void {
  while (reader.at < reader.end) read(reader.varint32())
}

function expectLength(tag: number, field: string): void {
  if ((tag & 7) !== 2) throw new ProtobufError(`proto: wrong wireType = ${tag & 7} for field ${field}`)
}

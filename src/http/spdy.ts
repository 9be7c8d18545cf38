import type { Duplex } from 'node:stream'
import type { TakenConnection } from '../machinery/exchange.ts'

/** What came in on a connection. */
export type SpdyEvent =
  | { readonly type: 'data'; readonly streamId: number; readonly data: Buffer }
  /** The other side has said its last on this stream. */
  | { readonly type: 'end'; readonly streamId: number }
  /** The other side has opened a stream. */
  | { readonly type: 'open'; readonly streamId: number }

const SYN_STREAM = 1
const SYN_REPLY = 2
const RST_STREAM = 3
const PING = 6
const GOAWAY = 7
const HEADERS = 8
const FLAG_FIN = 1
const EMPTY = Buffer.alloc(0)
/** A frame that controls is kept until it is whole; kubelets send nothing that is longer. */
const LARGEST_CONTROL = 256 * 1024
const LARGEST_DATA = 0xffffff

/**
 * One end of a SPDY/3.1 connection, as far as streams to containers need it. Without flow control beyond that of the connection, since
 * kubelets have none either. The headers of the other side aren't read: what a stream is for, its opener knows.
 *
 * @see https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
export class SpdyConnection {
  readonly #stream: Duplex
  readonly #head: Buffer
  #nextId: number
  #nextPing: number
  #hasSentHeaders = false

  /** @param side ids tell who opened a stream */
  constructor({ stream, head }: TakenConnection, side: 'client' | 'server' = 'client') {
    this.#stream = stream
    this.#head = head
    this.#nextId = side === 'client' ? 1 : 2
    this.#nextPing = this.#nextId
  }

  /** Opens a stream. @returns its id */
  open(headers: Readonly<Record<string, string>>): number {
    const id = this.#nextId
    this.#nextId += 2
    const block = this.#headerBlock(headers)
    const body = Buffer.alloc(10)
    body.writeUInt32BE(id)
    this.#control(SYN_STREAM, 0, body, block)
    return id
  }

  /** Agrees to a stream of the other side. */
  reply(id: number): void {
    this.#control(SYN_REPLY, 0, uint32(id), this.#headerBlock({}))
  }

  /** @returns what to wait for before more is sent, if anything */
  send(id: number, data: Buffer): Promise<void> | undefined {
    let more = true
    for (let from = 0; from < data.length; from += LARGEST_DATA) {
      const part = data.subarray(from, from + LARGEST_DATA)
      more = this.#data(id, 0, part)
    }
    return more || this.#stream.destroyed ? undefined : drained(this.#stream)
  }

  /** Says that nothing more comes on this stream. */
  end(id: number): void {
    this.#data(id, FLAG_FIN, EMPTY)
  }

  ping(): void {
    this.#control(PING, 0, uint32(this.#nextPing))
    this.#nextPing += 2
  }

  destroy(): void {
    this.#stream.destroy()
  }

  /** What the other side says until the connection ends, however it does. Data comes in pieces as it arrives. Call it once. */
  async *events(): AsyncGenerator<SpdyEvent, void> {
    const reader = new FrameReader()
    try {
      if (this.#head.length) yield* this.#take(reader.read(this.#head))
      for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) yield* this.#take(reader.read(chunk as Buffer))
    } catch (error) {
      if (!this.#stream.destroyed) throw error
    }
  }

  *#take(frames: Iterable<Frame>): Generator<SpdyEvent, void> {
    for (const { type, flags, streamId, data } of frames) {
      if (type === undefined) {
        if (data.length) yield { type: 'data', streamId, data }
        if (flags & FLAG_FIN) yield { type: 'end', streamId }
      } else if (type === PING) {
        // Ours come back.
        if (streamId % 2 !== this.#nextPing % 2) this.#control(PING, 0, uint32(streamId))
      } else if (type === SYN_STREAM) yield { type: 'open', streamId }
      else if (type === RST_STREAM) yield { type: 'end', streamId }
      else if ((type === SYN_REPLY || type === HEADERS) && flags & FLAG_FIN) yield { type: 'end', streamId }
      else if (type === GOAWAY) continue
    }
  }

  #data(id: number, flags: number, data: Buffer): boolean {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(id)
    head.writeUInt32BE(flags * 2 ** 24 + data.length, 4)
    return this.#write(head, data)
  }

  #control(type: number, flags: number, ...parts: readonly Buffer[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const head = Buffer.alloc(8)
    head.writeUInt16BE(0x8003)
    head.writeUInt16BE(type, 2)
    head.writeUInt32BE(flags * 2 ** 24 + length, 4)
    this.#write(head, ...parts)
  }

  #write(...parts: readonly Buffer[]): boolean {
    if (this.#stream.destroyed || this.#stream.writableEnded) return true
    return this.#stream.write(Buffer.concat(parts))
  }

  /**
   * Headers go through one zlib stream per connection. They are few: blocks that aren't compressed are as good, and need no state but
   * whether the stream has begun. An empty block after each makes readers hand out what they have.
   */
  #headerBlock(headers: Readonly<Record<string, string>>): Buffer {
    const pairs = Object.entries(headers)
    const parts = [uint32(pairs.length)]
    for (const pair of pairs) {
      for (const text of pair) {
        const bytes = Buffer.from(text)
        parts.push(uint32(bytes.length), bytes)
      }
    }
    const plain = Buffer.concat(parts)
    const start = Buffer.from(this.#hasSentHeaders ? [] : [0x78, 0x01])
    this.#hasSentHeaders = true
    const length = plain.length
    const stored = Buffer.from([0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff])
    return Buffer.concat([start, stored, plain, Buffer.from([0, 0, 0, 0xff, 0xff])])
  }
}

interface Frame {
  /** Undefined for data. */
  readonly type: number | undefined
  readonly flags: number
  readonly streamId: number
  readonly data: Buffer
}

/** Takes frames apart: data as far as it is there, the flags with its last piece. */
class FrameReader {
  #pending: Buffer = EMPTY
  #streamId = 0
  #flags = 0
  #left = 0

  read(chunk: Buffer): Iterable<Frame> {
    return this.#frames(chunk)
  }

  *#frames(chunk: Buffer): Generator<Frame, void> {
    let bytes = this.#pending.length ? Buffer.concat([this.#pending, chunk]) : chunk
    this.#pending = EMPTY
    for (;;) {
      if (this.#left > 0) {
        if (bytes.length === 0) return
        const data = bytes.subarray(0, Math.min(bytes.length, this.#left))
        bytes = bytes.subarray(data.length)
        this.#left -= data.length
        yield { type: undefined, flags: this.#left ? 0 : this.#flags, streamId: this.#streamId, data }
        continue
      }
      if (bytes.length < 8) break
      const length = bytes.readUInt32BE(4) & 0xffffff
      const flags = bytes[4]!
      if (bytes[0]! & 0x80) {
        if (length > LARGEST_CONTROL) throw new Error('a SPDY frame is too long')
        if (bytes.length < 8 + length) break
        const streamId = length >= 4 ? bytes.readUInt32BE(8) : 0
        yield { type: bytes.readUInt16BE(2), flags, streamId, data: EMPTY }
        bytes = bytes.subarray(8 + length)
        continue
      }
      this.#streamId = bytes.readUInt32BE(0)
      this.#flags = flags
      this.#left = length
      bytes = bytes.subarray(8)
      if (length === 0) yield { type: undefined, flags, streamId: this.#streamId, data: EMPTY }
    }
    this.#pending = Buffer.from(bytes)
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
  })
}

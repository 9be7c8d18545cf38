import type { Fields, Given, Message } from './wire.ts'

/** A flag for compression, which is never used, and the length of the message. */
const headSize = 5
/** More than etcd ever sends in one message, short of something being wrong. */
const maxMessage = 1 << 30

/** A message on its way: how many bytes its frame takes, and how to write them. */
export interface Outgoing {
  readonly size: number
  write(out: Buffer, at: number): void
}

/** A message in the frame that gRPC sends it in, which isn't encoded before there is a place for it. */
export function outgoing<F extends Fields>(message: Message<F>, value: Given<F>): Outgoing {
  const size = headSize + message.measure(value)
  return {
    size,
    write: (out, at) => {
      out[at] = 0
      out.writeUInt32BE(size - headSize, at + 1)
      message.write(out, at + headSize, value)
    },
  }
}

/** The same in bytes of its own. */
export function framed<F extends Fields>(message: Message<F>, value: Given<F>): Buffer {
  const out = message.encode(value, headSize)
  out[0] = 0
  out.writeUInt32BE(out.length - headSize, 1)
  return out
}

/** The message in the only frame there is. @throws Error when it is anything else */
export function onlyMessage(body: Buffer): Buffer {
  if (body.length < headSize || messageSize(body, 0) !== body.length - headSize) throw new Error('not one message')
  return body.subarray(headSize)
}

/** @throws Error when no such message is ever sent */
function messageSize(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0) throw new Error('a compressed message')
  const size = bytes.readUInt32BE(at + 1)
  if (size > maxMessage) throw new Error(`a message of ${size} bytes`)
  return size
}

/** Finds the messages in a stream of bytes. */
export class Frames {
  readonly #onMessage: (message: Buffer) => void
  #chunks: Buffer[] = []
  #length = 0
  /** Bytes that the next frame needs at least. */
  #needed = headSize

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage
  }

  /** @throws Error when the bytes aren't frames, or what `onMessage` throws */
  add(chunk: Buffer, start = 0, end = chunk.length): void {
    if (this.#length === 0) {
      this.#take(chunk, start, end)
      return
    }
    this.#chunks.push(chunk.subarray(start, end))
    this.#length += end - start
    // Chunks are only put together once a frame is whole: a large one comes in hundreds of them.
    if (this.#length < this.#needed) return
    const whole = Buffer.concat(this.#chunks, this.#length)
    this.#take(whole, 0, whole.length)
  }

  #take(input: Buffer, start: number, end: number): void {
    let at = start
    for (;;) {
      this.#needed = headSize
      if (end - at < headSize) break
      this.#needed = headSize + messageSize(input, at)
      const next = at + this.#needed
      if (next > end) break
      this.#onMessage(input.subarray(at + headSize, next))
      at = next
    }
    this.#chunks = at < end ? [input.subarray(at, end)] : []
    this.#length = end - at
  }
}

import type { Fields, Given, Message } from './wire.ts'

/** A flag for compression, which is never used, and the length of the message. */
const headSize = 5
/** More than etcd ever sends in one message, short of something being wrong. */
const maxMessage = 1 << 30

/** A message in the frame that gRPC sends it in. */
export function framed<F extends Fields>(message: Message<F>, value: Given<F>): Buffer {
  const out = message.encode(value, headSize)
  out[0] = 0
  out.writeUInt32BE(out.length - headSize, 1)
  return out
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
  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    // Chunks are only put together once a frame is whole: a large one comes in hundreds of them.
    if (this.#length < this.#needed) return
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length)
    for (;;) {
      this.#needed = headSize
      if (rest.length < headSize) break
      if (rest[0] !== 0) throw new Error('a compressed message')
      const size = rest.readUInt32BE(1)
      if (size > maxMessage) throw new Error(`a message of ${size} bytes`)
      this.#needed = headSize + size
      if (rest.length < this.#needed) break
      this.#onMessage(rest.subarray(headSize, this.#needed))
      rest = rest.subarray(this.#needed)
    }
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#length = rest.length
  }
}

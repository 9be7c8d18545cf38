import type { Socket } from 'node:net'

/** The buffer that is written to: what it has at first, and what it may keep. */
const OUT_SIZE = 64 << 10
const MOST_KEPT = 1 << 20

/** What goes out on a connection: all that is written in one turn of the event loop at once, from one buffer that is used again. */
export class Output {
  readonly #socket: Socket
  /** Where to write, at what `room` tells; another buffer after each `room`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(OUT_SIZE)
  #length = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  send(bytes: Buffer): void {
    const at = this.room(bytes.length)
    bytes.copy(this.bytes, at)
  }

  /** Makes room for bytes to go out. @returns where in `bytes` */
  room(length: number): number {
    const at = this.#length
    // Once all that runs now has had its say: the requests of a cohort go out together.
    if (at === 0) process.nextTick(() => this.#flush())
    this.#length += length
    if (this.#length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#length, this.bytes.length * 2))
      this.bytes.copy(larger, 0, 0, at)
      this.bytes = larger
    }
    return at
  }

  #flush(): void {
    const length = this.#length
    this.#length = 0
    const socket = this.#socket
    if (socket.destroyed) return
    socket.write(this.bytes.subarray(0, length))
    // What the system hasn't taken yet must stay as it is; and a burst isn't remembered for ever.
    if (socket.writableLength > 0 || this.bytes.length > MOST_KEPT) this.bytes = Buffer.allocUnsafeSlow(OUT_SIZE)
  }
}

import type { Writable } from 'node:stream'
import type { BodyStream } from '../machinery/exchange.ts'

/** What is needed of a stream of HTTP/2, or of a response of HTTP/1.1, which is no stream by its type. */
type Output = Pick<Writable, 'destroyed' | 'writableEnded' | 'writableLength' | 'write' | 'end' | 'on'> & {
  readonly closed?: boolean
}

/** A body that goes into one of Node's outgoing messages bit by bit. */
export class WritableBody implements BodyStream {
  readonly #out: Output
  #drain: (() => void) | undefined

  constructor(out: Output) {
    this.#out = out
  }

  get closed(): boolean {
    const { destroyed, closed, writableEnded } = this.#out
    return destroyed || Boolean(closed) || writableEnded
  }

  get pendingBytes(): number {
    return this.#out.writableLength
  }

  write(chunk: Buffer | string): boolean {
    return this.closed || this.#out.write(chunk)
  }

  onDrain(listener: () => void): void {
    if (!this.#drain) this.#out.on('drain', () => this.#drain?.())
    this.#drain = listener
  }

  end(): void {
    if (!this.closed) this.#out.end()
  }
}

import type { Writable } from 'node:stream'
import type { LineSink } from './log-backend.ts'

/** Lines to the standard output, as fast as it takes them. */
export class StreamSink implements LineSink {
  readonly #stream: Writable

  constructor(stream: Writable) {
    this.#stream = stream
  }

  write(lines: string): void | Promise<void> {
    if (this.#stream.write(lines)) return
    return new Promise((resolve) => this.#stream.once('drain', resolve))
  }

  async close(): Promise<void> {}
}

import type { BodyStream } from '../machinery/exchange.ts'

/** Bytes of one answer that are kept at most. */
const MAX_BYTES = 16 << 20

/** Keeps what goes through it, as long as that isn't too much. */
export class TeeStream implements BodyStream {
  readonly contentType: string
  readonly #body: BodyStream
  readonly #budget: { left: number }
  #chunks: Buffer[] | undefined = []
  #bytes = 0

  constructor(body: BodyStream, contentType: string, budget: { left: number }) {
    this.#body = body
    this.contentType = contentType
    this.#budget = budget
  }

  write(chunk: Buffer | string): boolean {
    const chunks = this.#chunks
    if (chunks) {
      // The writer may use its buffer again.
      const copy = Buffer.from(chunk as Buffer)
      this.#bytes += copy.length
      this.#budget.left -= copy.length
      chunks.push(copy)
      if (this.#bytes > MAX_BYTES || this.#budget.left < 0) this.#drop()
    }
    return this.#body.write(chunk)
  }

  /** What went through, once; undefined when it was too much. */
  release(): Buffer | undefined {
    const whole = this.#chunks && Buffer.concat(this.#chunks)
    this.#drop()
    return whole
  }

  #drop(): void {
    this.#chunks = undefined
    this.#budget.left += this.#bytes
    this.#bytes = 0
  }

  onDrain(listener: () => void): void {
    this.#body.onDrain(listener)
  }

  get pendingBytes(): number {
    return this.#body.pendingBytes
  }

  end(): void {
    this.#body.end()
  }

  get closed(): boolean {
    return this.#body.closed
  }
}

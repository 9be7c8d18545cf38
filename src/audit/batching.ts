import type { AuditBackend, LostEvents } from './backend.ts'
import type { AuditEvent } from './event.ts'
import { Throttle, type ThrottleOptions } from './throttle.ts'

export interface BatchOptions {
  /** Events held at most. */
  readonly bufferSize: number
  readonly maxBatchSize: number
  /** Bytes of a batch, as far as it is of more than one event. */
  readonly maxBatchBytes?: number | undefined
  /** ms to wait for a batch to become full. */
  readonly maxWait: number
  readonly throttle?: ThrottleOptions | undefined
  /** Batches under way at once. */
  readonly concurrency: number
}

export interface BatchingDeps {
  backend: AuditBackend
  options: BatchOptions
  lost: LostEvents
  /** Bytes held at most, whatever the number of events. */
  maxBytes?: number
}

/** Events are of some kilobytes; those with large objects must not take all memory while a backend is away. */
const MAX_BYTES = 64 << 20

/**
 * Holds events for a while and hands them on in batches, so that requests wait for nothing. What it has no room for is lost.
 * Nothing is lost when it closes.
 */
export class BatchingBackend implements AuditBackend {
  readonly #deps: BatchingDeps
  readonly #throttle: Throttle | undefined
  readonly #maxBytes: number
  readonly #underWay = new Set<Promise<unknown>>()
  #events: AuditEvent[] = []
  #bytes = 0
  #closed = false
  #running: Promise<void> | undefined
  /** Ends the wait for a batch to become full. */
  #wake: (() => void) | undefined

  constructor(deps: BatchingDeps) {
    this.#deps = deps
    const { throttle } = deps.options
    this.#throttle = throttle && new Throttle(throttle, () => performance.now())
    this.#maxBytes = deps.maxBytes ?? MAX_BYTES
  }

  process(events: readonly AuditEvent[]): boolean {
    const { options, lost } = this.#deps
    if (this.#closed) {
      lost('buffered', new Error('audit backend shut down'), events)
      return true
    }
    events.forEach((event, i) => {
      if (this.#events.length >= options.bufferSize || this.#bytes + event.size > this.#maxBytes) {
        lost('buffered', new Error('audit buffer queue blocked'), events.slice(i, i + 1))
        return
      }
      this.#events.push(event)
      this.#bytes += event.size
    })
    if (this.#events.length >= options.maxBatchSize) this.#wake?.()
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return true
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#deps.backend.hurry?.()
    this.#wake?.()
    await this.#running
    await Promise.all(this.#underWay)
    await this.#deps.backend.close()
  }

  /** Hands on what is there, until nothing is. */
  async #run(): Promise<void> {
    const { options, backend } = this.#deps
    // What comes in during this turn goes out together.
    await Promise.resolve()
    while (this.#events.length > 0) {
      if (this.#events.length < options.maxBatchSize && options.maxBatchSize > 1) await this.#pause(options.maxWait)
      const wait = this.#throttle?.take() ?? 0
      if (wait > 0) await this.#pause(wait, true)
      while (this.#underWay.size >= options.concurrency) await Promise.race(this.#underWay)
      const sent = Promise.resolve(backend.process(this.#take()))
        .catch(() => false)
        .finally(() => this.#underWay.delete(sent))
      this.#underWay.add(sent)
    }
  }

  #take(): AuditEvent[] {
    const { maxBatchSize, maxBatchBytes = Number.POSITIVE_INFINITY } = this.#deps.options
    let count = 0
    let bytes = 0
    for (const event of this.#events) {
      if (count === maxBatchSize || (count > 0 && bytes + event.size > maxBatchBytes)) break
      count++
      bytes += event.size
    }
    this.#bytes -= bytes
    return this.#events.splice(0, count)
  }

  /** @param whole whether a batch that became full doesn't end it */
  #pause(ms: number, whole = false): Promise<void> {
    if (this.#closed || ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      timer.unref()
      this.#wake = () => {
        if (!whole || this.#closed) done()
      }
    })
  }
}

import { RevisionConflictError } from '../storage.ts'
import type { Write } from './batch.ts'
import type { Tables } from './tables.ts'

export interface ExpiryDeps {
  readonly tables: Tables
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly submit: (write: Write) => void
  readonly log: (message: string, fields?: object) => void
}

/** Keys deleted by one round. */
const maxPerRound = 500
/** Milliseconds after which the clock is looked at again in any case, since it may be set or the machine sleep. */
const maxWait = 60_000
/** Milliseconds until another attempt when the deletions failed. */
const retryAfter = 2_000

const first = { expiresAt: 0, revision: 0 }

/** Deletes keys whose time has come, by one timer for all of them. */
export class Expiry {
  readonly #deps: ExpiryDeps
  #timer: NodeJS.Timeout | undefined
  /** When the timer will look, by the clock. */
  #next = Number.POSITIVE_INFINITY
  #closed = false

  constructor(deps: ExpiryDeps) {
    this.#deps = deps
    this.#rest()
  }

  /** Tells that a key expires at this time. */
  note(expiresAt: number): void {
    if (expiresAt < this.#next) this.#arm(expiresAt)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #arm(at: number): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#next = at
    const wait = Math.min(Math.max(0, at - this.#deps.clock()), maxWait)
    this.#timer = setTimeout(() => {
      this.#next = Number.POSITIVE_INFINITY
      this.#round().catch((error) => {
        this.#deps.log('deleting expired keys failed', { error: String(error) })
        this.#arm(this.#deps.clock() + retryAfter)
      })
    }, wait).unref()
  }

  async #round(): Promise<void> {
    const { tables, clock, submit } = this.#deps
    const due = tables.expiry.getRange({ start: first, end: { expiresAt: clock() + 1, revision: 0 }, limit: maxPerRound })
    const writes: Promise<unknown>[] = []
    for (const { key: expiry, value } of due) {
      writes.push(
        new Promise((resolve, reject) => {
          submit({
            kind: 'expire',
            key: value.toString(),
            value: undefined,
            expectedRevision: expiry.revision,
            expiresAt: 0,
            resolve,
            // Changed or gone in the meantime, and the entry in the table with it.
            reject: (error) => (error instanceof RevisionConflictError ? resolve(0) : reject(error)),
          })
        }),
      )
    }
    await Promise.all(writes)
    this.#rest()
  }

  /** Waits for the next key to expire. */
  #rest(): void {
    for (const { key } of this.#deps.tables.expiry.getRange({ start: first, limit: 1 })) this.note(key.expiresAt)
  }
}

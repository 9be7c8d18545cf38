import type { AuditBackend, LostEvents } from './backend.ts'
import type { AuditEvent } from './event.ts'

export interface WebhookDeps {
  /** Sends a body and resolves with the answer's code. Rejects when there is none. */
  post(body: string): Promise<{ code: number }>
  /** ms before the first retry. */
  initialBackoff: number
  lost: LostEvents
  /** In [0, 1). */
  random(): number
  close(): void
}

const TRIES = 5
const FACTOR = 1.5
const JITTER = 0.2

const HEAD = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['

/** Sends events to another server, and tries again for a while when that isn't there. */
export class WebhookBackend implements AuditBackend {
  readonly #deps: WebhookDeps
  readonly #waits = new Set<() => void>()
  #hurries = false

  constructor(deps: WebhookDeps) {
    this.#deps = deps
  }

  async process(events: readonly AuditEvent[]): Promise<boolean> {
    const { post, initialBackoff, lost, random } = this.#deps
    const body = `${HEAD}${events.map(({ json }) => json).join(',')}]}`
    for (let tries = 1; ; tries++) {
      let failure: { error: unknown; lasting: boolean }
      try {
        const { code } = await post(body)
        if (code >= 200 && code < 300) return true
        failure = { error: new Error(`the audit webhook answered with ${code}`), lasting: code < 500 && code !== 429 }
      } catch (error) {
        failure = { error, lasting: false }
      }
      if (failure.lasting || tries === TRIES || this.#hurries) {
        lost('webhook', failure.error, events)
        return false
      }
      await this.#pause(initialBackoff * FACTOR ** (tries - 1) * (1 + JITTER * random()))
    }
  }

  /** From now on everything is tried once more at most, without a wait. */
  hurry(): void {
    this.#hurries = true
    for (const end of this.#waits) end()
  }

  async close(): Promise<void> {
    this.hurry()
    this.#deps.close()
  }

  #pause(ms: number): Promise<void> {
    if (this.#hurries) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waits.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      timer.unref()
      this.#waits.add(end)
    })
  }
}

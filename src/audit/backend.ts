import type { AuditEvent } from './event.ts'

/** Takes audit events to where they are kept. */
export interface AuditBackend {
  /**
   * Takes events. What fails is logged and counted by the backend itself.
   * @returns whether all of them are kept; a promise only where that takes time
   */
  process(events: readonly AuditEvent[]): boolean | Promise<boolean>
  /** Called before `close`: nothing is to be waited for any more. */
  hurry?(): void
  /** Takes no more, and resolves when what was taken is kept, or can't be. */
  close(): Promise<void>
}

/** Told of events that are lost. @param backend `log`, `webhook`, `buffered` or `truncate` */
export type LostEvents = (backend: string, error: unknown, events: readonly AuditEvent[]) => void

/** Several backends as one: events are kept when all of them keep them. */
export class UnionBackend implements AuditBackend {
  readonly #backends: readonly AuditBackend[]

  constructor(backends: readonly AuditBackend[]) {
    this.#backends = backends
  }

  process(events: readonly AuditEvent[]): boolean | Promise<boolean> {
    const outcomes = this.#backends.map((backend) => backend.process(events))
    if (outcomes.every((outcome) => typeof outcome === 'boolean')) return outcomes.every(Boolean)
    return Promise.all(outcomes).then((all) => all.every(Boolean))
  }

  hurry(): void {
    for (const backend of this.#backends) backend.hurry?.()
  }

  async close(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.close()))
  }
}

/** A backend whose failures don't concern the request. */
export class LenientBackend implements AuditBackend {
  readonly #backend: AuditBackend

  constructor(backend: AuditBackend) {
    this.#backend = backend
  }

  process(events: readonly AuditEvent[]): boolean | Promise<boolean> {
    const outcome = this.#backend.process(events)
    return typeof outcome === 'boolean' ? true : outcome.then(() => true)
  }

  hurry(): void {
    this.#backend.hurry?.()
  }

  close(): Promise<void> {
    return this.#backend.close()
  }
}

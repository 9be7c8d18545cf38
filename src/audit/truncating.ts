import type { AuditBackend, LostEvents } from './backend.ts'
import type { AuditEvent } from './event.ts'

export interface TruncatingDeps {
  backend: AuditBackend
  /** Bytes of an event's JSON. */
  maxEventSize: number
  lost: LostEvents
}

/** Takes the objects out of events that are too large, and drops what is too large even then. */
export class TruncatingBackend implements AuditBackend {
  readonly #deps: TruncatingDeps

  constructor(deps: TruncatingDeps) {
    this.#deps = deps
  }

  process(events: readonly AuditEvent[]): boolean | Promise<boolean> {
    const { backend, maxEventSize, lost } = this.#deps
    let kept = true
    const fitting = events.flatMap((event) => {
      if (bytesOf(event, maxEventSize) <= maxEventSize) return [event]
      const cut = event.truncated()
      if (bytesOf(cut, maxEventSize) <= maxEventSize) return [cut]
      lost('truncate', new Error('event is too large even after truncating'), [event])
      kept = false
      return []
    })
    if (fitting.length === 0) return kept
    const outcome = backend.process(fitting)
    return typeof outcome === 'boolean' ? outcome && kept : outcome.then((all) => all && kept)
  }

  hurry(): void {
    this.#deps.backend.hurry?.()
  }

  close(): Promise<void> {
    return this.#deps.backend.close()
  }
}

/** Bytes are only counted where characters don't tell. */
function bytesOf(event: AuditEvent, limit: number): number {
  return event.size * 3 <= limit || event.size > limit ? event.size : Buffer.byteLength(event.json)
}

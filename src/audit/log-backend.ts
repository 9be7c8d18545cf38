import type { AuditBackend, LostEvents } from './backend.ts'
import type { AuditEvent } from './event.ts'

/** Where lines go. */
export interface LineSink {
  /** Takes whole lines. A promise only where there is something to wait for. @throws Error (or rejects) */
  write(lines: string): void | Promise<void>
  close(): Promise<void>
}

export interface LogDeps {
  sink: LineSink
  format: 'json' | 'legacy'
  lost: LostEvents
}

/** Writes one line for each event. */
export class LogBackend implements AuditBackend {
  readonly #deps: LogDeps

  constructor(deps: LogDeps) {
    this.#deps = deps
  }

  process(events: readonly AuditEvent[]): boolean | Promise<boolean> {
    const { sink, format } = this.#deps
    let lines = ''
    for (const event of events) lines += `${format === 'json' ? event.wholeJson : event.legacy()}\n`
    try {
      const pending = sink.write(lines)
      if (!pending) return true
      return pending.then(
        () => true,
        (error: unknown) => this.#failed(error, events),
      )
    } catch (error) {
      return this.#failed(error, events)
    }
  }

  close(): Promise<void> {
    return this.#deps.sink.close()
  }

  #failed(error: unknown, events: readonly AuditEvent[]): false {
    this.#deps.lost('log', error, events)
    return false
  }
}

import type { Exchange } from '../machinery/exchange.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { AuditBackend } from './backend.ts'
import type { AuditEvent } from './event.ts'
import type { AuditMetrics } from './metrics.ts'
import type { AuditPolicy } from './policy.ts'
import { type RecordDeps, RequestRecord } from './record.ts'

export interface AuditorDeps extends Pick<RecordDeps, 'toJson' | 'onError'> {
  policy: AuditPolicy
  backend: AuditBackend
  metrics: AuditMetrics
}

/** Bytes of answers in pieces that are kept at once for events. */
const BUDGET = 128 << 20

/** Decides what is written of each request, and takes it to the backends. */
export class Auditor {
  readonly #policy: AuditPolicy
  readonly #backend: AuditBackend
  readonly #metrics: AuditMetrics
  readonly #record: RecordDeps

  constructor({ policy, backend, metrics, toJson, onError }: AuditorDeps) {
    this.#policy = policy
    this.#backend = backend
    this.#metrics = metrics
    this.#record = { send: (event) => this.#send(event), toJson, onError, budget: { left: BUDGET } }
  }

  /**
   * @param user undefined for who could not be told
   * @returns undefined when nothing is to be written of the request
   */
  begin(exchange: Exchange, user: UserInfo | undefined): RequestRecord | undefined {
    const decision = this.#policy.decide(user, exchange.info)
    this.#metrics.level(decision.level)
    return decision.level === 'None' ? undefined : new RequestRecord(this.#record, exchange, user, decision)
  }

  /** A request was refused since its event could not be kept. */
  rejected(): void {
    this.#metrics.rejected()
  }

  /** Resolves when all events are kept, as far as they can be. */
  close(): Promise<void> {
    return this.#backend.close()
  }

  #send(event: AuditEvent): boolean | Promise<boolean> {
    this.#metrics.event()
    return this.#backend.process([event])
  }
}

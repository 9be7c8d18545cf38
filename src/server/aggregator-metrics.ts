import type { Metrics } from '../observability/metrics.ts'

/** How available APIServices are. */
export class AggregatorMetrics {
  readonly #unavailable = new Map<string, boolean>()
  readonly #failed
  readonly #missingNames

  constructor(metrics: Metrics) {
    metrics.gauge('aggregator_unavailable_apiservice', 'APIServices that are not available.', ['name'], (gauge) => {
      gauge.reset()
      for (const [name, isUnavailable] of this.#unavailable) gauge.set({ name }, isUnavailable ? 1 : 0)
    })
    this.#failed = metrics.counter(
      'aggregator_unavailable_apiservice_total',
      'How often APIServices became unavailable, or for another reason.',
      ['name', 'reason'],
    )
    this.#missingNames = metrics.counter(
      'apiserver_kube_aggregator_x509_missing_san_total',
      'Requests to servers whose certificate has no subject alternative names.',
    )
  }

  /** A server's certificate has no names but an old-fashioned one, and was refused for it. */
  missingNames(): void {
    this.#missingNames.inc()
  }

  /** @param status that of the condition Available */
  told(name: string, status: string): void {
    this.#unavailable.set(name, status !== 'True')
  }

  failed(name: string, reason: string): void {
    this.#failed.inc({ name, reason })
  }

  forget(name: string): void {
    this.#unavailable.delete(name)
  }
}

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { Distribution } from './distribution.ts'

/** The metrics of one server: nothing is shared between two servers in a process. */
export class Metrics {
  readonly #registry = new Registry()

  /** @param collect sets the values when somebody asks for them, for counts that are kept elsewhere */
  counter(name: string, help: string, labelNames: readonly string[] = [], collect?: (counter: Counter) => void): Counter {
    return new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      ...(collect
        ? {
            collect() {
              return collect(this)
            },
          }
        : {}),
    })
  }

  /** @param buckets upper bounds, in the metric's unit */
  histogram(name: string, help: string, labelNames: readonly string[], buckets: readonly number[]): Histogram {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [this.#registry] })
  }

  /** A histogram for what every request adds to. @param buckets upper bounds, in the metric's unit */
  distribution(name: string, help: string, buckets: readonly number[]): Distribution {
    const distribution = new Distribution(name, help, buckets)
    // The registry needs no more of a metric than its name and its values.
    this.#registry.registerMetric(distribution as unknown as Histogram)
    return distribution
  }

  /** @param collect sets the values when somebody asks for them */
  gauge(name: string, help: string, labelNames: readonly string[] = [], collect?: (gauge: Gauge) => void | Promise<void>): Gauge {
    return new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      ...(collect
        ? {
            collect() {
              return collect(this)
            },
          }
        : {}),
    })
  }

  /** CPU, memory, file descriptors and event loop of the process. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }
}

/** Upper bounds for latencies in seconds, as the reference buckets them. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
]

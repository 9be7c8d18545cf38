/** One series of a distribution. */
export class Series {
  readonly labels: Readonly<Record<string, string>>
  readonly #bounds: readonly number[]
  /** How many values lie up to each bound but not up to the one before; at the end those beyond all. */
  readonly counts: number[]
  sum = 0

  constructor(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  /** @param weight how often the value was seen */
  observe(value: number, weight = 1): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    this.counts[at] = (this.counts[at] as number) + weight
    this.sum += value * weight
  }
}

/**
 * A histogram for hot paths. The library's own looks its series up by a hash over all labels each time, for some µs; here callers look
 * one up once and keep it, and nothing is put together until somebody reads the metrics.
 */
export class Distribution {
  readonly name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.#help = help
    this.#bounds = bounds
  }

  /** @param labels always in the same order */
  series(labels: Readonly<Record<string, string>>): Series {
    const key = JSON.stringify(labels)
    let series = this.#series.get(key)
    if (!series) {
      series = new Series(labels, this.#bounds)
      this.#series.set(key, series)
    }
    return series
  }

  /** What the library's registry asks a metric for. */
  async get(): Promise<object> {
    const values = [...this.#series.values()].flatMap((series) => [...this.#values(series)])
    return { name: this.name, help: this.#help, type: 'histogram', aggregator: 'sum', values }
  }

  *#values({ labels, counts, sum }: Series): Generator<object> {
    let count = 0
    for (const [i, more] of counts.entries()) {
      count += more
      yield { metricName: `${this.name}_bucket`, labels: { le: this.#bounds[i] ?? '+Inf', ...labels }, value: count }
    }
    yield { metricName: `${this.name}_sum`, labels, value: sum }
    yield { metricName: `${this.name}_count`, labels, value: count }
  }
}

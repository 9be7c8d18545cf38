import type { Series } from '../observability/distribution.ts'

/** Histograms of how much of a priority level is in use, by how long it was so. */
export interface UtilizationSeries {
  /** Seats that could be used, as a part of the nominal ones. */
  readonly demand: Series
  /** Seats in use, as a part of those there are. */
  readonly seats: Series
  readonly executing: Series
  /** Requests that wait, as a part of those that could. */
  readonly waiting: Series
}

/** What the parts are of. */
export interface Capacity {
  readonly nominal: number
  readonly limit: number
  readonly queued: number
}

const NS_PER_MS = 1e6

/** Follows how much of a priority level is in use. Told of every change, so that it only adds numbers. */
export class Utilization {
  readonly #series: UtilizationSeries
  #since: number
  #demand = 0
  #seats = 0
  #executing = 0
  #waiting = 0

  constructor(series: UtilizationSeries, now: number) {
    this.#series = series
    this.#since = now
  }

  /** @param now in ms */
  set(
    now: number,
    {
      seatsInUse,
      seatsWaiting,
      executing,
      waiting,
    }: { seatsInUse: number; seatsWaiting: number; executing: number; waiting: number },
    { nominal, limit, queued }: Capacity,
  ): void {
    const spent = (now - this.#since) * NS_PER_MS
    if (spent > 0) {
      const series = this.#series
      series.demand.observe(this.#demand, spent)
      series.seats.observe(this.#seats, spent)
      series.executing.observe(this.#executing, spent)
      series.waiting.observe(this.#waiting, spent)
      this.#since = now
    }
    this.#demand = (seatsInUse + seatsWaiting) / (nominal || 1)
    this.#seats = seatsInUse / (limit || 1)
    this.#executing = executing / (limit || 1)
    this.#waiting = waiting / (queued || 1)
  }
}

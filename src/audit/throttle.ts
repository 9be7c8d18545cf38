export interface ThrottleOptions {
  /** How many a second, on average. */
  readonly qps: number
  /** How many at once, after a quiet time. */
  readonly burst: number
}

/** A token bucket. */
export class Throttle {
  readonly #options: ThrottleOptions
  readonly #now: () => number
  #tokens: number
  #at: number

  /** @param now ms of a clock that only goes forward */
  constructor(options: ThrottleOptions, now: () => number) {
    this.#options = options
    this.#now = now
    this.#tokens = options.burst
    this.#at = now()
  }

  /** Takes one, in advance if need be. @returns ms to wait before it may be used */
  take(): number {
    const { qps, burst } = this.#options
    const now = this.#now()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) / 1000) * qps)
    this.#at = now
    this.#tokens--
    return this.#tokens >= 0 ? 0 : (-this.#tokens / qps) * 1000
  }
}

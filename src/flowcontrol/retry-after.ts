const MOST = 32

/**
 * After how many seconds refused clients should come back: twice as many while many are refused, one less when few are.
 * Counted by full seconds, as far back as the present answer reaches.
 */
export class RetryAfter {
  #history: { readonly second: number; readonly count: number }[] = []
  #second = 0
  #count = 0
  #raised = 0
  seconds = 1

  /** @param now ms since the epoch */
  refused(now: number): void {
    const second = Math.floor(now / 1000)
    if (second === this.#second) {
      this.#count++
      return
    }
    this.#history.push({ second: this.#second, count: this.#count })
    this.#history = this.#history.filter((one) => second - one.second <= MOST)
    this.#second = second
    this.#count = 1
    this.#adapt(second)
  }

  #adapt(second: number): void {
    const { seconds } = this
    let refused = 0
    for (const one of this.#history) if (second - one.second <= seconds) refused += one.count
    if (second - this.#raised >= seconds && refused >= 3 * seconds) {
      this.seconds = Math.min(2 * seconds, MOST)
      this.#raised = second
    } else if (refused < seconds && seconds > 1) this.seconds--
  }
}

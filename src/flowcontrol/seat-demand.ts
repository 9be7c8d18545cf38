/** How much of the demand of earlier periods stays in the smoothed one when it falls. */
const SMOOTHING = 0.977

/** How many seats a priority level could use over time: in use, and asked for by requests that wait. Times are in ms. */
export class SeatDemand {
  #value = 0
  #since: number
  #start: number
  #sum = 0
  #sumOfSquares = 0
  #highest = 0
  /** Of the last period. */
  highWatermark = 0
  average = 0
  deviation = 0
  /** Follows demand up at once and down slowly. */
  smoothed = 0

  constructor(now: number) {
    this.#since = now
    this.#start = now
  }

  set(value: number, now: number): void {
    this.#upTo(now)
    this.#value = value
    if (value > this.#highest) this.#highest = value
  }

  /** Ends a period. */
  endPeriod(now: number): void {
    this.#upTo(now)
    const length = now - this.#start
    this.highWatermark = this.#highest
    if (length > 0) {
      this.average = this.#sum / length
      this.deviation = Math.sqrt(Math.max(0, this.#sumOfSquares / length - this.average ** 2))
      const envelope = this.average + this.deviation
      this.smoothed = Math.max(envelope, SMOOTHING * this.smoothed + (1 - SMOOTHING) * envelope)
    }
    this.#start = now
    this.#sum = 0
    this.#sumOfSquares = 0
    this.#highest = this.#value
  }

  #upTo(now: number): void {
    const spent = this.#value * (now - this.#since)
    this.#sum += spent
    this.#sumOfSquares += spent * this.#value
    this.#since = now
  }
}

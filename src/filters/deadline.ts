import { parseDurationMs } from '../machinery/duration.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { isLongRunning } from '../machinery/request-info.ts'
import { badRequest, StatusError } from '../machinery/status.ts'
import { ending } from './ending.ts'
import type { Stage } from './stage.ts'

export interface DeadlineDeps {
  clock: () => number
  /** `--request-timeout`, in ms. */
  requestTimeout: number
  answer(exchange: Exchange, error: StatusError): void
}

const CHECK_EVERY = 250

/**
 * Ends requests whose time is up, and all that still run when the server stops. One timer looks after all requests: deadlines are seconds
 * long, so that a quarter of one doesn't matter.
 */
export class Deadlines {
  readonly #deps: DeadlineDeps
  readonly #running = new Map<Exchange, number>()
  readonly #timer: NodeJS.Timeout

  constructor(deps: DeadlineDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => this.#check(), CHECK_EVERY)
    this.#timer.unref()
  }

  get running(): number {
    return this.#running.size
  }

  stage(): Stage {
    return (next) => (exchange) => {
      const deadline = isLongRunning(exchange.info) ? Number.POSITIVE_INFINITY : this.#deps.clock() + this.#timeoutOf(exchange)
      const done = () => {
        this.#running.delete(exchange)
        giveBack(exchange)
      }
      this.#running.set(exchange, deadline)
      return ending(() => next(exchange), done)
    }
  }

  /** The requests under way. */
  exchanges(): Iterable<Exchange> {
    return this.#running.keys()
  }

  /** How long a request may still take, in ms; one that may last for ever as long as others. */
  left(exchange: Exchange): number {
    const deadline = this.#running.get(exchange) ?? Number.POSITIVE_INFINITY
    return deadline === Number.POSITIVE_INFINITY ? this.#deps.requestTimeout : deadline - this.#deps.clock()
  }

  /** A client may ask for less, or more, than the flag says. @throws StatusError 400 */
  #timeoutOf(exchange: Exchange): number {
    if (!exchange.rawQuery.includes('timeout=')) return this.#deps.requestTimeout
    const text = exchange.query.get('timeout')
    if (!text) return this.#deps.requestTimeout
    try {
      const ms = parseDurationMs(text)
      if (ms <= 0) return this.#deps.requestTimeout
      return Math.min(ms, this.#deps.requestTimeout)
    } catch (error) {
      throw badRequest(`invalid timeout specified in the request URL - ${(error as Error).message}`)
    }
  }

  #check(): void {
    const now = this.#deps.clock()
    for (const [exchange, deadline] of this.#running) {
      if (deadline > now) continue
      this.#running.delete(exchange)
      const error = new StatusError(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {})
      exchange.abort(error)
      // Whatever the rest of it waits for, others needn't.
      giveBack(exchange)
      if (!exchange.answeredCode) this.#deps.answer(exchange, error)
      else exchange.transport.destroy()
    }
  }

  /** Ends every watch and stream; other requests may still finish. */
  endStreams(reason: Error): void {
    for (const [exchange, deadline] of this.#running) if (deadline === Number.POSITIVE_INFINITY) exchange.abort(reason)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function giveBack(exchange: Exchange): void {
  exchange.held?.release()
  exchange.held = undefined
}

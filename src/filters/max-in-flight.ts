import type { Exchange, Held } from '../machinery/exchange.ts'
import { isLongRunning } from '../machinery/request-info.ts'
import { SYSTEM_PRIVILEGED_GROUP } from '../machinery/user.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Stage } from './stage.ts'

export interface InFlightLimits {
  /** Requests served at once; 0 for any number. */
  readonly readOnly: number
  readonly mutating: number
}

export const isMutating = (verb: string): boolean => verb !== 'get' && verb !== 'list' && verb !== 'watch'

/** Refuses requests beyond a number at once, but for those of `system:masters`: what stands in for flow control when it is off. */
export function maxInFlight(limits: InFlightLimits, metrics: Metrics): Stage {
  const readOnly = new InFlight(limits.readOnly)
  const mutating = new InFlight(limits.mutating)
  const refuse = tooManyRequests(metrics)
  return (next) => (exchange) => {
    const { info, user } = exchange
    if (isLongRunning(info)) return next(exchange)
    const inFlight = isMutating(info.verb) ? mutating : readOnly
    if (inFlight.take()) exchange.held = inFlight
    else if (!user.groups.includes(SYSTEM_PRIVILEGED_GROUP)) return refuse(exchange, 1)
    return next(exchange)
  }
}

/** Held by each request that counts; a request ends once. */
class InFlight implements Held {
  readonly #limit: number
  #count = 0

  constructor(limit: number) {
    this.#limit = limit || Number.POSITIVE_INFINITY
  }

  take(): boolean {
    if (this.#count >= this.#limit) return false
    this.#count++
    return true
  }

  release(): void {
    this.#count--
  }
}

/** Answers that there are too many requests. */
export function tooManyRequests(metrics: Metrics): (exchange: Exchange, retryAfterSeconds: number) => void {
  const dropped = metrics.counter('apiserver_dropped_requests_total', 'Requests that were refused as too many.', ['request_kind'])
  return (exchange, retryAfterSeconds) => {
    dropped.inc({ request_kind: isMutating(exchange.info.verb) ? 'mutating' : 'readOnly' })
    exchange.respond(429, 'text/plain; charset=utf-8', 'Too many requests, please try again later.\n', {
      'retry-after': String(retryAfterSeconds),
      'x-content-type-options': 'nosniff',
    })
  }
}

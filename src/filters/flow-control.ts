import type { FlowSchemaState, RefusalReason } from '../flowcontrol/flow.ts'
import type { FlowControl } from '../flowcontrol/flow-control.ts'
import { Seat } from '../flowcontrol/priority-level.ts'
import type { Work } from '../flowcontrol/work.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { isLongRunning } from '../machinery/request-info.ts'
import type { Metrics } from '../observability/metrics.ts'
import { ending } from './ending.ts'
import { isMutating, tooManyRequests } from './max-in-flight.ts'
import type { Handler, Stage } from './stage.ts'

/** Requests wait for this part of the time that they may take, and for no longer than a minute. */
const WAITING_PART = 1 / 4
const MAX_WAIT_MS = 60_000

export interface FlowControlStageDeps {
  control: FlowControl
  metrics: Metrics
  /** ms since the epoch */
  clock(): number
  /** How long a request may still take, in ms. */
  left(exchange: Exchange): number
}

/**
 * Lets a request go on when its priority level has a seat for it, keeps it waiting for one, or refuses it with a 429. On the way of every
 * request: while there are seats it counts, and waits for nothing.
 *
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
export function flowControl({ control, metrics, clock, left }: FlowControlStageDeps): Stage {
  const waiting = { mutating: 0, readOnly: 0 }
  metrics.gauge('apiserver_current_inqueue_requests', 'Requests that wait in queues.', ['request_kind'], (gauge) => {
    for (const [kind, count] of Object.entries(waiting)) gauge.set({ request_kind: kind }, count)
  })
  const refuse = tooManyRequests(metrics)

  const wait = async (exchange: Exchange, schema: FlowSchemaState, work: Work, next: Handler): Promise<void> => {
    const { user, info, transport } = exchange
    const { level } = schema
    const isWatch = info.verb === 'watch'
    const distinguisher = schema.distinguisher === 'ByUser' ? user.name : schema.distinguisher ? info.namespace : ''
    const waitLimit = Math.min(left(exchange) * WAITING_PART, MAX_WAIT_MS)
    const kind = isMutating(info.verb) ? 'mutating' : 'readOnly'
    waiting[kind]++
    const outcome = await new Promise<Seat | RefusalReason>((resolve) => {
      const leave = level.wait(schema, work, { distinguisher, waitLimit, isWatch }, resolve)
      if (typeof leave === 'string') resolve(leave)
      else transport.onClose(leave)
    })
    waiting[kind]--
    if (outcome instanceof Seat) {
      exchange.held = outcome
      return isWatch ? watch(control, exchange, next) : next(exchange)
    }
    level.retryAfter.refused(clock())
    refuse(exchange, level.retryAfter.seconds)
  }

  return (next) => (exchange) => {
    const { info, answerHeaders } = exchange
    const isWatch = info.verb === 'watch'
    if (!isWatch && isLongRunning(info)) return next(exchange)
    const schema = control.schemaOf(exchange.user, info)
    const { level } = schema
    answerHeaders['x-kubernetes-pf-flowschema-uid'] = schema.uid
    answerHeaders['x-kubernetes-pf-prioritylevel-uid'] = level.uid
    const work = control.estimator.estimate(exchange, schema)
    const seat = level.take(schema, work, isWatch)
    if (!seat) return wait(exchange, schema, work, next)
    exchange.held = seat
    return isWatch ? watch(control, exchange, next) : next(exchange)
  }
}

/** Writes of what is watched count as more work from when the watch begins until it ends. */
function watch(control: FlowControl, exchange: Exchange, next: Handler): void | Promise<void> {
  return ending(() => next(exchange), control.watches.add(exchange.info))
}

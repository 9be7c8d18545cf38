import type { Metrics } from '../observability/metrics.ts'
import type { FairQueues } from './fair-queues.ts'
import { FlowCounts, type FlowDistributions } from './flow.ts'
import type { PriorityLevel, Waiting } from './priority-level.ts'
import type { UtilizationSeries } from './utilization.ts'

const SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
const DEMANDS = [0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6]
const SEAT_PARTS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1]
const REQUEST_PARTS = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1]
const LENGTHS = [0, 10, 25, 50, 100, 250, 500, 1000]
const PREFIX = 'apiserver_flowcontrol_'
const BY_FLOW = ['priority_level', 'flow_schema']

type LastDispatch = FairQueues<Waiting>['last']

/** What is counted, under the reference's names. Counts are plain numbers, read when somebody asks. */
export class FlowMetrics {
  readonly #counts = new Map<string, FlowCounts>()
  readonly #distributions: FlowDistributions
  readonly #utilization
  fairFraction = 0

  constructor(metrics: Metrics, levels: () => Iterable<PriorityLevel>) {
    const distribution = (name: string, help: string, buckets: readonly number[]) =>
      metrics.distribution(PREFIX + name, help, buckets)
    this.#distributions = {
      execution: distribution('request_execution_seconds', 'How long requests were served, a watch until it had begun.', SECONDS),
      wait: distribution('request_wait_duration_seconds', 'How long requests waited in their queues.', SECONDS),
      queueLength: distribution('request_queue_length_after_enqueue', 'How long queues were once a request had joined.', LENGTHS),
      seats: distribution('work_estimated_seats', 'Seats that requests were estimated to take.', [1, 2, 4, 10]),
      watchers: distribution('watch_count_samples', 'Watches that writes had to be told to.', [0, 1, 10, 100, 1000, 10_000]),
    }
    this.#utilization = {
      demand: distribution('demand_seats', 'Seats that could be used, as a part of the nominal ones, by ns.', DEMANDS),
      seats: distribution('priority_level_seat_utilization', 'The part of the seats that is in use, by ns.', SEAT_PARTS),
      requests: distribution(
        'priority_level_request_utilization',
        'Requests that wait or are served, as a part of as many as could be, by ns.',
        REQUEST_PARTS,
      ),
    }
    this.#perFlow(metrics)
    this.#perLevel(metrics, levels)
    metrics.gauge(`${PREFIX}seat_fair_frac`, 'The part of its demand that each priority level gets.', [], (gauge) =>
      gauge.set(this.fairFraction),
    )
  }

  /** The same object each time: flow schemas come and go, counts stay. */
  countsOf(level: string, schema: string): FlowCounts {
    const key = JSON.stringify([level, schema])
    let counts = this.#counts.get(key)
    if (!counts) {
      counts = new FlowCounts(this.#distributions, { priority_level: level, flow_schema: schema })
      this.#counts.set(key, counts)
    }
    return counts
  }

  utilizationOf(level: string): UtilizationSeries {
    const { demand, seats, requests } = this.#utilization
    return {
      demand: demand.series({ priority_level: level }),
      seats: seats.series({ priority_level: level, phase: 'executing' }),
      executing: requests.series({ phase: 'executing', priority_level: level }),
      waiting: requests.series({ phase: 'waiting', priority_level: level }),
    }
  }

  *#used(): Iterable<FlowCounts> {
    for (const counts of this.#counts.values()) if (counts.isUsed) yield counts
  }

  #perFlow(metrics: Metrics): void {
    const gauge = (name: string, help: string, value: (counts: FlowCounts) => number): void => {
      metrics.gauge(PREFIX + name, help, BY_FLOW, (set) => {
        for (const counts of this.#used()) set.set(counts.labels, value(counts))
      })
    }
    gauge('current_executing_requests', 'Requests being served, watches only until they have begun.', (c) => c.executing)
    gauge('current_executing_seats', 'Seats taken by requests being served.', (c) => c.seats)
    gauge('current_inqueue_requests', 'Requests that wait in queues.', (c) => c.waiting)
    gauge('current_inqueue_seats', 'Seats that requests in queues wait for.', (c) => c.seatsWaiting)
    const counter = (name: string, help: string, value: (counts: FlowCounts) => number): void => {
      metrics.counter(PREFIX + name, help, BY_FLOW, (set) => {
        set.reset()
        for (const counts of this.#used()) set.inc(counts.labels, value(counts))
      })
    }
    counter('dispatched_requests_total', 'Requests that were served.', (c) => c.dispatched)
    counter(
      'request_dispatch_no_accommodation_total',
      'How often the next request needed more seats than were free.',
      (c) => c.noAccommodation,
    )
    metrics.counter(`${PREFIX}rejected_requests_total`, 'Requests that were refused.', [...BY_FLOW, 'reason'], (set) => {
      set.reset()
      for (const { labels, refused } of this.#used()) {
        for (const [reason, count] of refused) set.inc({ ...labels, reason }, count)
      }
    })
  }

  #perLevel(metrics: Metrics, levels: () => Iterable<PriorityLevel>): void {
    const gauge = (name: string, help: string, value: (level: PriorityLevel) => number | undefined): void => {
      metrics.gauge(PREFIX + name, help, ['priority_level'], (set) => {
        set.reset()
        for (const level of levels()) {
          const now = value(level)
          if (now !== undefined) set.set({ priority_level: level.name }, now)
        }
      })
    }
    gauge('nominal_limit_seats', 'Seats configured for a priority level.', ({ limits }) => limits.nominal)
    gauge('lower_limit_seats', 'Seats that a priority level keeps whatever it lends.', ({ limits }) => limits.least)
    gauge('upper_limit_seats', 'Seats that a priority level may have with what it borrows.', ({ limits }) => limits.most)
    gauge('current_limit_seats', 'Seats that a priority level has now.', ({ limit }) => limit)
    gauge(
      'demand_seats_high_watermark',
      'Most seats that could be used in the last period.',
      ({ demand }) => demand.highWatermark,
    )
    gauge('demand_seats_average', 'Seats that could be used in the last period, on average.', ({ demand }) => demand.average)
    gauge('demand_seats_stdev', 'How far that went up and down.', ({ demand }) => demand.deviation)
    gauge('demand_seats_smoothed', 'Demand that follows rises at once and falls slowly.', ({ demand }) => demand.smoothed)
    gauge('target_seats', 'Seats that a priority level should have by its demand.', ({ limits, demand }) =>
      Math.max(limits.least, Math.min(limits.nominal, demand.highWatermark), demand.smoothed),
    )
    gauge('current_r', 'Progress of the queues of a priority level, in seats times seconds.', ({ queues }) =>
      queues ? queues.progress / 1000 : undefined,
    )
    gauge('dispatch_r', 'That progress when a request was last taken from a queue.', ({ queues }) =>
      queues ? queues.last.progress / 1000 : undefined,
    )
    gauge('latest_s', 'The progress at which that request was due.', ({ queues }) =>
      queues ? queues.last.due / 1000 : undefined,
    )
    const bounds = (name: string, help: string, of: (last: LastDispatch) => [least: number, most: number]): void => {
      metrics.gauge(PREFIX + name, help, ['priority_level', 'bound'], (set) => {
        set.reset()
        for (const { name: level, queues } of levels()) {
          const [least, most] = queues ? of(queues.last) : []
          if (!Number.isFinite(least) || !Number.isFinite(most)) continue
          set.set({ priority_level: level, bound: 'min' }, least! / 1000)
          set.set({ priority_level: level, bound: 'max' }, most! / 1000)
        }
      })
    }
    bounds('next_s_bounds', 'When the first of each queue were due then.', ({ least, most }) => [least, most])
    bounds('next_discounted_s_bounds', 'The same less the work under way.', ({ leastLessWork, mostLessWork }) => [
      leastLessWork,
      mostLessWork,
    ])
  }
}

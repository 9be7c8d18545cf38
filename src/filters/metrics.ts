import type { Exchange } from '../machinery/exchange.ts'
import { isLongRunning } from '../machinery/request-info.ts'
import type { Series } from '../observability/distribution.ts'
import { LATENCY_BUCKETS, type Metrics } from '../observability/metrics.ts'
import { ending } from './ending.ts'
import type { Stage } from './stage.ts'

const SLI_BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
const LABELS = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const

/** What was answered to one kind of request. */
interface Tally {
  readonly labels: Labels & { dry_run: string }
  /** How often, by the answer's code. */
  readonly codes: Map<number, number>
  readonly duration: Series
  readonly sli: Series
  readonly sizes: Series | undefined
}

/** Counts and times requests, under the reference's names. On the way of every request, so that it adds to plain numbers. */
export function requestMetrics(metrics: Metrics): Stage {
  const tallies = new Map<string, Tally>()
  metrics.counter(
    'apiserver_request_total',
    'Requests by what they asked for and how they were answered.',
    [...LABELS, 'dry_run', 'code'],
    (counter) => {
      counter.reset()
      for (const { labels, codes } of tallies.values()) {
        for (const [code, count] of codes) counter.inc({ ...labels, code: String(code) }, count)
      }
    },
  )
  const duration = metrics.distribution(
    'apiserver_request_duration_seconds',
    'How long requests took, in seconds.',
    LATENCY_BUCKETS,
  )
  const sli = metrics.distribution(
    'apiserver_request_sli_duration_seconds',
    'How long requests took without what others made them wait for, in seconds.',
    SLI_BUCKETS,
  )
  const sizes = metrics.distribution('apiserver_response_sizes', 'Sizes of answers, in bytes.', SIZE_BUCKETS)
  const running = { mutating: 0, readOnly: 0 }
  // The most at once lately, or short peaks would hardly ever be seen.
  const highest = { mutating: 0, readOnly: 0 }
  metrics.gauge(
    'apiserver_current_inflight_requests',
    'Most requests at once since this was last read.',
    ['request_kind'],
    (gauge) => {
      for (const kind of ['mutating', 'readOnly'] as const) {
        gauge.set({ request_kind: kind }, highest[kind])
        highest[kind] = running[kind]
      }
    },
  )

  const tallyOf = (exchange: Exchange): Tally => {
    const { info, rawQuery } = exchange
    const verb = verbOf(exchange)
    const dryRun = rawQuery.includes('dryRun=') ? (exchange.query.get('dryRun') === 'All' ? 'All' : 'invalid') : ''
    const what = exchange.isServed
      ? `${info.apiGroup} ${info.apiVersion} ${info.resource} ${info.subresource} ${scopeOf(exchange)}`
      : ownPath(exchange)
    const key = `${verb} ${dryRun} ${what}`
    let tally = tallies.get(key)
    if (!tally) {
      const labels = labelsOf(exchange)
      const withDryRun = { ...labels, dry_run: dryRun }
      tally = {
        labels: withDryRun,
        codes: new Map(),
        duration: duration.series(withDryRun),
        sli: sli.series(labels),
        sizes: verb === 'GET' || verb === 'LIST' ? sizes.series(labels) : undefined,
      }
      tallies.set(key, tally)
    }
    return tally
  }

  const record = (exchange: Exchange, started: number): void => {
    const tally = tallyOf(exchange)
    const code = exchange.answeredCode
    tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1)
    const { verb } = tally.labels
    if (verb === 'WATCH' || verb === 'CONNECT') return
    const seconds = (performance.now() - started) / 1000
    tally.duration.observe(seconds)
    tally.sli.observe(seconds)
    tally.sizes?.observe(exchange.answeredBytes)
  }

  return (next) => (exchange) => {
    const started = performance.now()
    const isLong = isLongRunning(exchange.info)
    const kind = MUTATING.has(exchange.info.verb) ? 'mutating' : 'readOnly'
    if (!isLong && ++running[kind] > highest[kind]) highest[kind] = running[kind]
    const done = () => {
      if (!isLong) running[kind]--
      record(exchange, started)
    }
    return ending(() => next(exchange), done)
  }
}

const MUTATING = new Set(['create', 'update', 'patch', 'delete', 'deletecollection', 'post', 'put'])

const VERBS: Record<string, string> = {
  create: 'POST',
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
  post: 'POST',
  put: 'PUT',
}

const PATHS = new Set(['/healthz', '/livez', '/readyz', '/metrics', '/version'])

type Labels = Record<(typeof LABELS)[number], string>

function verbOf(exchange: Exchange): string {
  const { verb, isResource } = exchange.info
  if (isResource && verb !== 'watch' && isLongRunning(exchange.info)) return 'CONNECT'
  if (verb === 'patch' && exchange.header('content-type')?.startsWith('application/apply-patch')) return 'APPLY'
  return VERBS[verb] ?? 'other'
}

function scopeOf({ info }: Exchange): string {
  return info.name ? 'resource' : info.namespace ? 'namespace' : 'cluster'
}

/** Paths that nobody serves share one set of labels: whoever makes up paths must not make up metrics. */
function ownPath({ info }: Exchange): string {
  return PATHS.has(info.path) ? info.path : ''
}

function labelsOf(exchange: Exchange): Labels {
  const { info, isServed } = exchange
  return {
    verb: verbOf(exchange),
    group: isServed ? info.apiGroup : '',
    version: isServed ? info.apiVersion : '',
    resource: isServed ? info.resource : '',
    subresource: isServed ? info.subresource : ownPath(exchange),
    scope: isServed ? scopeOf(exchange) : '',
    component: 'apiserver',
  }
}

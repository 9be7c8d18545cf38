import type { Exchange } from '../machinery/exchange.ts'
import { LATENCY_BUCKETS, type Metrics } from '../observability/metrics.ts'
import type { Stage } from './stage.ts'

const SLI_BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
const LABELS = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const

/** Counts and times requests, under the reference's names. */
export function requestMetrics(metrics: Metrics): Stage {
  const total = metrics.counter('apiserver_request_total', 'Requests by what they asked for and how they were answered.', [
    ...LABELS,
    'dry_run',
    'code',
  ])
  const duration = metrics.histogram(
    'apiserver_request_duration_seconds',
    'How long requests took, in seconds.',
    [...LABELS, 'dry_run'],
    LATENCY_BUCKETS,
  )
  const sli = metrics.histogram(
    'apiserver_request_sli_duration_seconds',
    'How long requests took without what others made them wait for, in seconds.',
    LABELS,
    SLI_BUCKETS,
  )
  const sizes = metrics.histogram('apiserver_response_sizes', 'Sizes of answers, in bytes.', LABELS, SIZE_BUCKETS)
  const inFlight = metrics.gauge('apiserver_current_inflight_requests', 'Requests being worked on.', ['request_kind'])
  const long = metrics.gauge('apiserver_longrunning_requests', 'Watches and streams that are open.', LABELS)

  const record = (exchange: Exchange, started: number): void => {
    const labels = labelsOf(exchange)
    const dryRun = {
      ...labels,
      dry_run: exchange.rawQuery.includes('dryRun=') ? (exchange.query.get('dryRun') === 'All' ? 'All' : 'invalid') : '',
    }
    total.inc({ ...dryRun, code: String(exchange.answeredCode) })
    if (labels.verb === 'WATCH' || labels.verb === 'CONNECT') return
    const seconds = (performance.now() - started) / 1000
    duration.observe(dryRun, seconds)
    sli.observe(labels, seconds)
    if (labels.verb === 'GET' || labels.verb === 'LIST') sizes.observe(labels, exchange.answeredBytes)
  }

  return (next) => (exchange) => {
    const started = performance.now()
    const isLong = exchange.info.verb === 'watch'
    const kind = { request_kind: MUTATING.has(exchange.info.verb) ? 'mutating' : 'readOnly' }
    if (isLong) long.inc(labelsOf(exchange))
    else inFlight.inc(kind)
    const done = () => {
      if (isLong) long.dec(labelsOf(exchange))
      else inFlight.dec(kind)
      record(exchange, started)
    }
    let pending: void | Promise<void>
    try {
      pending = next(exchange)
    } catch (error) {
      done()
      throw error
    }
    if (!pending) return done()
    return pending.finally(done)
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

/** Paths that nobody serves share one set of labels: whoever makes up paths must not make up metrics. */
function labelsOf(exchange: Exchange): Record<(typeof LABELS)[number], string> {
  const { info } = exchange
  const verb =
    exchange.header('content-type')?.startsWith('application/apply-patch') && info.verb === 'patch'
      ? 'APPLY'
      : (VERBS[info.verb] ?? 'other')
  if (!exchange.isServed) {
    const subresource = PATHS.has(info.path) ? info.path : ''
    return { verb, group: '', version: '', resource: '', subresource, scope: '', component: 'apiserver' }
  }
  const scope = info.name ? 'resource' : info.namespace ? 'namespace' : 'cluster'
  return {
    verb,
    group: info.apiGroup,
    version: info.apiVersion,
    resource: info.resource,
    subresource: info.subresource,
    scope,
    component: 'apiserver',
  }
}

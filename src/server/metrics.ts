import type { WebhookMetrics } from '../admission/webhooks/stored-hooks.ts'
import type { AuthenticationCounter, AuthenticationMetrics } from '../authentication/metrics.ts'
import type { AuthorizationMetrics } from '../authorization/metrics.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { Metrics } from '../observability/metrics.ts'
import type { Options } from '../options/table.ts'
import { reportedVersion } from '../options/version.ts'
import type { Registry } from '../registry/registry.ts'
import { type CacheState, type ReadUse, StorageMetrics } from '../storage/metered.ts'

/** Everything that the server counts, and what `/metrics` shows. */
export class ServerMetrics {
  readonly metrics = new Metrics()
  readonly authentication: AuthenticationMetrics
  readonly authorization: AuthorizationMetrics
  readonly storage: StorageMetrics
  /** Of admission webhooks. */
  readonly webhooks: WebhookMetrics

  /** @param registry asked when somebody reads the metrics */
  constructor(registry: () => Registry, version: Record<string, string>) {
    this.storage = new StorageMetrics(
      this.metrics,
      () => cacheStates(registry()),
      () => readUses(registry()),
    )
    this.authentication = authenticationMetrics(this.metrics)
    this.webhooks = webhookMetrics(this.metrics)
    const decisions = this.metrics.counter('apiserver_authorization_decisions_total', 'Decisions by authorizer.', [
      'type',
      'name',
      'decision',
    ])
    this.authorization = { decided: (name, decision) => decisions.inc({ type: name, name: '', decision }) }
    this.metrics.gauge('kubernetes_build_info', 'What this server is.', Object.keys(version)).set(version, 1)
  }

  /** `/metrics` and `/metrics/slis`. @returns false for other paths */
  async handle(exchange: Exchange): Promise<boolean> {
    if (exchange.path !== '/metrics' && exchange.path !== '/metrics/slis') return false
    const text = exchange.path === '/metrics' ? await this.metrics.text() : ''
    exchange.respond(200, this.metrics.contentType, text)
    return true
  }

  paths(): string[] {
    return ['/metrics', '/metrics/slis']
  }
}

function* cacheStates(registry: Registry): Iterable<CacheState> {
  for (const { kind, store } of registry.resources()) {
    // Asking must not fill a cache that nobody has used.
    if (!store.cache.loaded) continue
    const { revision, windowLength } = store.cache
    yield { group: kind.group, resource: kind.resource, revision, window: windowLength }
  }
}

function* readUses(registry: Registry): Iterable<ReadUse> {
  for (const { served } of registry.endpoints()) {
    yield { group: served.group, version: served.version, resource: served.kind.resource, ...served.use }
  }
}

const AUTHENTICATION_LABELS: Record<AuthenticationCounter, readonly string[]> = {
  authentication_attempts: ['result'],
  authenticated_user_requests: ['username'],
  authentication_token_cache_request_total: ['status'],
  authentication_token_cache_fetch_total: ['status'],
  apiserver_impersonation_attempts_total: ['mode', 'decision'],
  apiserver_impersonation_authorization_attempts_total: ['mode', 'decision'],
  serviceaccount_valid_tokens_total: [],
  serviceaccount_stale_tokens_total: [],
  serviceaccount_legacy_tokens_total: [],
  serviceaccount_legacy_auto_token_uses_total: [],
  serviceaccount_legacy_manual_token_uses_total: [],
  serviceaccount_invalid_legacy_auto_token_uses_total: [],
}

function authenticationMetrics(metrics: Metrics): AuthenticationMetrics {
  const counters = Object.entries(AUTHENTICATION_LABELS).map(([name, labels]) => {
    const counter = metrics.counter(name, `Authentication: ${name.replaceAll('_', ' ')}.`, labels)
    return [name, (values: Record<string, string>) => counter.inc(values)] as const
  })
  const byName = new Map<string, (labels: Record<string, string>) => void>(counters)
  return { count: (counter, labels = {}) => byName.get(counter)?.(labels) }
}

const WEBHOOK = 'apiserver_admission_webhook'
const WEBHOOK_BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25]
/** Above it all codes are one, so that webhooks can't make up any number of series. */
const MAX_CODE = 600

function webhookMetrics(metrics: Metrics): WebhookMetrics {
  const call = ['name', 'type', 'operation']
  const durations = metrics.histogram(
    `${WEBHOOK}_admission_duration_seconds`,
    'How long admission webhooks took.',
    [...call, 'rejected'],
    WEBHOOK_BUCKETS,
  )
  const requests = metrics.counter(`${WEBHOOK}_request_total`, 'Requests to admission webhooks.', [...call, 'code', 'rejected'])
  const rejections = metrics.counter(`${WEBHOOK}_rejection_count`, 'Requests that admission webhooks refused.', [
    ...call,
    'error_type',
    'rejection_code',
  ])
  const failedOpen = metrics.counter(`${WEBHOOK}_fail_open_count`, 'Failures of admission webhooks that were ignored.', [
    'name',
    'type',
  ])
  return {
    called({ name, type, operation, rejected, code, seconds, error }) {
      const labels = { name, type, operation }
      const capped = String(Math.min(code, MAX_CODE))
      durations.observe({ ...labels, rejected: String(rejected) }, seconds)
      requests.inc({ ...labels, code: capped, rejected: String(rejected) })
      if (error) rejections.inc({ ...labels, error_type: error, rejection_code: capped })
    },
    failedOpen: (name, type) => failedOpen.inc({ name, type }),
  }
}

/** The labels of `kubernetes_build_info`. */
export function buildInfo(options: Options): Record<string, string> {
  const known = reportedVersion(options.version) as unknown as Record<string, unknown>
  const of = (field: string) => String(known[field] ?? '')
  return {
    build_date: of('buildDate'),
    compiler: of('compiler'),
    git_commit: of('gitCommit'),
    git_tree_state: of('gitTreeState'),
    git_version: of('gitVersion'),
    go_version: of('goVersion'),
    major: of('major'),
    minor: of('minor'),
    platform: of('platform'),
  }
}

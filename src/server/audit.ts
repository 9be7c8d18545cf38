import type { Writable } from 'node:stream'
import { Auditor } from '../audit/auditor.ts'
import { type AuditBackend, LenientBackend, type LostEvents, UnionBackend } from '../audit/backend.ts'
import { BatchingBackend, type BatchOptions } from '../audit/batching.ts'
import { LogBackend } from '../audit/log-backend.ts'
import type { AuditMetrics } from '../audit/metrics.ts'
import { AuditPolicy } from '../audit/policy.ts'
import { loadPolicy } from '../audit/policy-file.ts'
import type { RecordDeps } from '../audit/record.ts'
import { RotatingFile } from '../audit/rotating-file.ts'
import { StreamSink } from '../audit/stream-sink.ts'
import { TruncatingBackend } from '../audit/truncating.ts'
import { WebhookBackend } from '../audit/webhook-backend.ts'
import type { BodyReader } from '../endpoints/body.ts'
import { META } from '../endpoints/encode.ts'
import { PROTOBUF } from '../endpoints/messages.ts'
import { webhookClient } from '../http/webhook-client.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { unwrap } from '../machinery/protobuf/envelope.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Options } from '../options/table.ts'
import { readWebhookKubeconfig } from './webhook-kubeconfig.ts'

export interface AuditDeps {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
  metrics: Metrics
  /** Where `--audit-log-path=-` writes. */
  stdout: Writable | undefined
  toJson: RecordDeps['toJson']
}

const WEBHOOK_TIMEOUT = 30_000
/** How many batches are on their way to a webhook at once. */
const WEBHOOK_BATCHES = 8
const MEGABYTE = 1 << 20
const DAY = 24 * 3600 * 1000

/**
 * Auditing as the flags want it; undefined where they want none.
 * @throws Error with one line when the policy or the kubeconfig can't be used, or the log not be written
 */
export async function auditor(deps: AuditDeps): Promise<Auditor | undefined> {
  const { options, logger, toJson } = deps
  const metrics = auditMetrics(deps.metrics)
  const policy = options.auditPolicyFile ? loadPolicy(options.auditPolicyFile, (text) => logger.warn(text)) : undefined
  if (!options.auditLogPath && !options.auditWebhookConfigFile) return undefined
  if (!policy) {
    logger.info('there is no audit policy, so that no events are written')
    return undefined
  }
  const lost: LostEvents = (backend, error, events) => {
    metrics.lost(backend, events.length)
    logger.error('audit events are lost', { backend, error: (error as Error).message, count: events.length })
    for (const event of events) logger.debug('lost', { event: event.legacy() })
  }
  const backends: AuditBackend[] = []
  if (options.auditLogPath) backends.push(logBackend(deps, lost))
  if (options.auditWebhookConfigFile) backends.push(await webhookBackend(options, lost))
  return new Auditor({
    policy: new AuditPolicy(policy),
    backend: backends.length === 1 ? (backends[0] as AuditBackend) : new UnionBackend(backends),
    metrics,
    toJson,
    onError: (error) => logger.warn('an answer is missing from its audit event', { error }),
  })
}

function logBackend({ options, logger, clock, stdout }: AuditDeps, lost: LostEvents): AuditBackend {
  const { auditLogPath: file } = options
  const onError = (error: unknown): void => logger.warn('old audit logs could not be tidied up', { error })
  if (file === '-' && !stdout) throw new Error('--audit-log-path is "-", but there is no standard output to write to')
  const sink =
    file === '-' && stdout
      ? new StreamSink(stdout)
      : new RotatingFile({
          file,
          maxBytes: options.auditLogMaxsize * MEGABYTE,
          maxBackups: options.auditLogMaxbackup,
          maxAge: options.auditLogMaxage * DAY,
          compress: options.auditLogCompress,
          clock,
          onError,
        })
  const format = options.auditLogFormat === 'legacy' ? 'legacy' : 'json'
  return wrapped(new LogBackend({ sink, format, lost }), lost, {
    mode: options.auditLogMode,
    batch: {
      bufferSize: options.auditLogBatchBufferSize,
      maxBatchSize: options.auditLogBatchMaxSize,
      maxWait: options.auditLogBatchMaxWait,
      throttle: options.auditLogBatchThrottleEnable
        ? { qps: options.auditLogBatchThrottleQps, burst: options.auditLogBatchThrottleBurst }
        : undefined,
      concurrency: 1,
    },
    truncate: options.auditLogTruncateEnabled
      ? { event: options.auditLogTruncateMaxEventSize, batch: options.auditLogTruncateMaxBatchSize }
      : undefined,
  })
}

async function webhookBackend(options: Options, lost: LostEvents): Promise<AuditBackend> {
  const client = webhookClient(await readWebhookKubeconfig(options.auditWebhookConfigFile, WEBHOOK_TIMEOUT))
  const webhook = new WebhookBackend({
    post: (body) => client.post(body),
    initialBackoff: options.auditWebhookInitialBackoff,
    lost,
    random: Math.random,
    close: () => client.close(),
  })
  return wrapped(webhook, lost, {
    mode: options.auditWebhookMode,
    batch: {
      bufferSize: options.auditWebhookBatchBufferSize,
      maxBatchSize: options.auditWebhookBatchMaxSize,
      maxWait: options.auditWebhookBatchMaxWait,
      throttle: options.auditWebhookBatchThrottleEnable
        ? { qps: options.auditWebhookBatchThrottleQps, burst: options.auditWebhookBatchThrottleBurst }
        : undefined,
      concurrency: WEBHOOK_BATCHES,
    },
    truncate: options.auditWebhookTruncateEnabled
      ? { event: options.auditWebhookTruncateMaxEventSize, batch: options.auditWebhookTruncateMaxBatchSize }
      : undefined,
  })
}

interface Wrapping {
  mode: string
  batch: BatchOptions
  /** Bytes. */
  truncate: { event: number; batch: number } | undefined
}

function wrapped(backend: AuditBackend, lost: LostEvents, { mode, batch, truncate }: Wrapping): AuditBackend {
  const inMode =
    mode === 'batch'
      ? new BatchingBackend({ backend, options: { ...batch, maxBatchBytes: truncate?.batch }, lost })
      : mode === 'blocking'
        ? new LenientBackend(backend)
        : backend
  return truncate ? new TruncatingBackend({ backend: inMode, maxEventSize: truncate.event, lost }) : inMode
}

function auditMetrics(metrics: Metrics): AuditMetrics {
  const events = metrics.counter('apiserver_audit_event_total', 'Audit events handed to where they are kept.')
  const rejected = metrics.counter(
    'apiserver_audit_requests_rejected_total',
    'Requests refused since their audit event could not be kept.',
  )
  const errors = metrics.counter('apiserver_audit_error_total', 'Audit events that were lost, by what lost them.', ['plugin'])
  const counts = new Map<string, number>()
  // Every request is counted: the labels are only made when somebody asks.
  metrics.counter('apiserver_audit_level_total', 'Requests by the level at which they are audited.', ['level'], (counter) => {
    counter.reset()
    for (const [level, count] of counts) counter.inc({ level }, count)
  })
  return {
    event: () => events.inc(),
    rejected: () => rejected.inc(),
    lost: (plugin, count) => errors.inc({ plugin }, count),
    level: (level) => counts.set(level, (counts.get(level) ?? 0) + 1),
  }
}

/** Reads answers in protobuf for audit events. */
export function messageReader(codec: ProtobufCodec, bodies: Pick<BodyReader, 'schemaOf'>): RecordDeps['toJson'] {
  const schemaOf = (apiVersion: string, kind: string): string | undefined => {
    if (kind === 'Status') return META.status
    if (kind === 'PartialObjectMetadata') return META.partial
    if (kind === 'PartialObjectMetadataList') return META.partialList('v1')
    const known = bodies.schemaOf(apiVersion, kind)
    if (known || !kind.endsWith('List')) return known
    const item = bodies.schemaOf(apiVersion, kind.slice(0, -'List'.length))
    return item && `${item}List`
  }
  return (contentType, body): JsonObject | undefined => {
    if (!contentType.startsWith(PROTOBUF)) return undefined
    const { apiVersion, kind, raw } = unwrap(body)
    const schema = schemaOf(apiVersion, kind)
    return schema && codec.has(schema) ? { kind, apiVersion, ...codec.decode(schema, raw) } : undefined
  }
}

import { quote } from '../machinery/field-errors.ts'
import { auditLogFormats, auditModes } from './auditing.ts'
import type { Options } from './table.ts'

interface Backend {
  readonly name: 'log' | 'webhook'
  readonly mode: string
  readonly bufferSize: number
  readonly maxBatchSize: number
  readonly throttle: boolean
  readonly qps: number
  readonly burst: number
  readonly truncate: boolean
  readonly maxEvent: number
  readonly maxBatch: number
  readonly version: string
}

/** What is wrong with the flags of audit; those of a backend only count where it is used. */
export function auditRules(options: Options): (string | false)[] {
  const { auditLogFormat: format } = options
  const ages = { maxage: options.auditLogMaxage, maxbackup: options.auditLogMaxbackup, maxsize: options.auditLogMaxsize }
  return [
    ...(options.auditLogPath ? backendRules(logBackend(options)) : []),
    ...(options.auditLogPath
      ? [
          !(auditLogFormats as readonly string[]).includes(format) &&
            `invalid audit log format ${format}, allowed formats are ${quote(auditLogFormats.join(','))}`,
          ...Object.entries(ages).map(([name, value]) => value < 0 && `--audit-log-${name} ${value} can't be a negative number`),
        ]
      : []),
    ...(options.auditWebhookConfigFile ? backendRules(webhookBackend(options)) : []),
  ]
}

function backendRules(of: Backend): (string | false)[] {
  const { name } = of
  const positive = (what: string, value: number) =>
    !(value > 0) && `invalid audit batch ${name} ${what} ${value}, must be a positive number`
  const batch = of.mode === 'batch'
  return [
    !(auditModes as readonly string[]).includes(of.mode) &&
      `invalid audit ${name} mode ${of.mode}, allowed modes are ${quote(auditModes.join(','))}`,
    batch && positive('buffer size', of.bufferSize),
    batch && positive('max batch size', of.maxBatchSize),
    batch && of.throttle && positive('throttle QPS', of.qps),
    batch && of.throttle && positive('throttle burst', of.burst),
    of.truncate && of.maxEvent <= 0 && `invalid audit truncate ${name} max event size ${of.maxEvent}, must be a positive number`,
    of.truncate &&
      of.maxBatch < of.maxEvent &&
      `invalid audit truncate ${name} max batch size ${of.maxBatch}, must be greater than max event size (${of.maxEvent})`,
    of.version !== 'audit.k8s.io/v1' && `invalid group version, allowed versions are [{"audit.k8s.io" "v1"}]`,
  ]
}

const logBackend = (options: Options): Backend => ({
  name: 'log',
  mode: options.auditLogMode,
  bufferSize: options.auditLogBatchBufferSize,
  maxBatchSize: options.auditLogBatchMaxSize,
  throttle: options.auditLogBatchThrottleEnable,
  qps: options.auditLogBatchThrottleQps,
  burst: options.auditLogBatchThrottleBurst,
  truncate: options.auditLogTruncateEnabled,
  maxEvent: options.auditLogTruncateMaxEventSize,
  maxBatch: options.auditLogTruncateMaxBatchSize,
  version: options.auditLogVersion,
})

const webhookBackend = (options: Options): Backend => ({
  name: 'webhook',
  mode: options.auditWebhookMode,
  bufferSize: options.auditWebhookBatchBufferSize,
  maxBatchSize: options.auditWebhookBatchMaxSize,
  throttle: options.auditWebhookBatchThrottleEnable,
  qps: options.auditWebhookBatchThrottleQps,
  burst: options.auditWebhookBatchThrottleBurst,
  truncate: options.auditWebhookTruncateEnabled,
  maxEvent: options.auditWebhookTruncateMaxEventSize,
  maxBatch: options.auditWebhookTruncateMaxBatchSize,
  version: options.auditWebhookVersion,
})

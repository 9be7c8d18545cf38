import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Options } from '../options/table.ts'
import { Encryption } from '../storage/encryption/encryption.ts'
import { EncryptionMetrics } from '../storage/encryption/metrics.ts'

export interface EncryptionParts {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
  metrics: Metrics
}

/** Encryption at rest, if the options ask for it. @throws Error with one line */
export async function openEncryption({ options, logger, clock, metrics }: EncryptionParts): Promise<Encryption | undefined> {
  const { encryptionProviderConfig: file, encryptionProviderConfigAutomaticReload: reload } = options
  if (file === '') return undefined
  return await Encryption.load({
    file,
    reload,
    clock,
    metrics: new EncryptionMetrics(metrics, clock),
    log: (message, fields) => logger.warn(message, fields),
  })
}

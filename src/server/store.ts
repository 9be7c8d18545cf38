import path from 'node:path'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import { type Storage, StorageUnavailableError } from '../storage/storage.ts'
import { storePath } from './config.ts'

/** What all keys begin with, without a slash at the end. */
export function rootPrefix(options: Options): string {
  return path.posix.join('/', options.etcdPrefix).replace(/\/$/, '')
}

/**
 * Opens the store that the options ask for: etcd if they name its servers, the embedded one otherwise. Only the code of that one is loaded.
 *
 * @throws StorageUnavailableError
 */
export async function openStore(deps: { options: Options; clock: () => number; logger: Logger }): Promise<Storage> {
  const { options, clock } = deps
  const logger = (message: string, fields?: object) => deps.logger.warn(message, fields)
  if (options.etcdServers.length === 0) {
    const { openEmbedded } = await import('../storage/embedded/embedded.ts')
    return openEmbedded({ path: storePath(options), clock, logger })
  }
  const { openEtcd } = await import('../storage/etcd/etcd.ts')
  return openEtcd({
    endpoints: options.etcdServers,
    prefix: rootPrefix(options),
    tls: { ca: options.etcdCafile, cert: options.etcdCertfile, key: options.etcdKeyfile },
    clock,
    logger,
    compactionInterval: options.etcdCompactionInterval,
    leaseReuseSeconds: options.leaseReuseDurationSeconds,
  })
}

/**
 * A check that the store answers in time.
 * @param timeout milliseconds
 */
export const storeCheck = (storage: Storage, timeout: number) => async (): Promise<void> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new StorageUnavailableError('error getting data from etcd: context deadline exceeded')),
    timeout,
  )
  try {
    await Promise.race([storage.ping(), late])
  } finally {
    clearTimeout(timer)
  }
}

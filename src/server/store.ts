import path from 'node:path'
import type { Logger } from '../observability/logger.ts'
import { storeOverrides } from '../options/etcd.ts'
import type { Options } from '../options/table.ts'
import { type Storage, StorageUnavailableError } from '../storage/storage.ts'
import { storePath } from './config.ts'

/** What all keys begin with, without a slash at the end. */
export function rootPrefix(options: Options): string {
  return path.posix.join('/', options.etcdPrefix).replace(/\/$/, '')
}

interface StoreDeps {
  options: Options
  clock: () => number
  logger: Logger
}

/** Where the objects are: one store for all, but for the resources that `--etcd-servers-overrides` keeps elsewhere. */
export class Stores {
  readonly main: Storage
  readonly #others: ReadonlyMap<string, Storage>

  /** @param others by `group/resource` */
  constructor(main: Storage, others: ReadonlyMap<string, Storage> = new Map()) {
    this.main = main
    this.#others = others
  }

  /** The store of a resource. */
  of({ group, resource }: { group: string; resource: string }): Storage {
    return this.#others.get(`${group}/${resource}`) ?? this.main
  }

  /** Resolves once every store has answered. @throws StorageUnavailableError */
  async ping(): Promise<void> {
    await Promise.all([...this.#all()].map((storage) => storage.ping()))
  }

  /** The size of each, in bytes, in the order in which the flags name them; undefined for one that doesn't tell. */
  sizes(): Promise<(number | undefined)[]> {
    return Promise.all([...this.#all()].map((storage) => storage.size().catch(() => undefined)))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all()].map((storage) => storage.close()))
  }

  #all(): Set<Storage> {
    return new Set([this.main, ...this.#others.values()])
  }
}

/**
 * Opens the stores that the options ask for.
 *
 * @throws StorageUnavailableError
 */
export async function openStores(deps: StoreDeps): Promise<Stores> {
  const { options } = deps
  const byServers = new Map<string, Storage>()
  const others = new Map<string, Storage>()
  const main = await openStore(deps)
  try {
    for (const { group, resource, servers } of storeOverrides(options.etcdServersOverrides)) {
      const key = servers.join()
      let storage = byServers.get(key)
      if (!storage) byServers.set(key, (storage = await etcdStore(deps, servers)))
      others.set(`${group}/${resource}`, storage)
    }
  } catch (error) {
    await new Stores(main, new Map(byServers)).close()
    throw error
  }
  return new Stores(main, others)
}

/** etcd if the options name its servers, the embedded store otherwise. Only the code of that one is loaded. */
async function openStore(deps: StoreDeps): Promise<Storage> {
  const { options, clock, logger } = deps
  if (options.etcdServers.length > 0) return etcdStore(deps, options.etcdServers)
  const { openEmbedded } = await import('../storage/embedded/embedded.ts')
  return openEmbedded({ path: storePath(options), clock, logger: (message, fields) => logger.warn(message, fields) })
}

async function etcdStore({ options, clock, logger: log }: StoreDeps, endpoints: readonly string[]): Promise<Storage> {
  const logger = (message: string, fields?: object) => log.warn(message, fields)
  const { openEtcd } = await import('../storage/etcd/etcd.ts')
  return openEtcd({
    endpoints,
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
export const storeCheck = (storage: Pick<Storage, 'ping'>, timeout: number) => async (): Promise<void> => {
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

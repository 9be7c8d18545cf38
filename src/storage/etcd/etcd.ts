import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type ListOptions,
  type ListResult,
  type Storage,
  StorageUnavailableError,
  type Subscription,
  type WatchHandler,
  type WriteOptions,
} from '../storage.ts'
import { EtcdClient } from './client.ts'
import { Compactor, findOldest } from './compactor.ts'
import type { TlsFiles } from './connection.ts'
import { isCompacted, isFuture, type RpcError, storageError } from './errors.ts'
import { Leases } from './leases.ts'
import { compact, range, status } from './messages.ts'
import { RevisionReader } from './revision-reader.ts'
import { closedError, WatchHub } from './watch-hub.ts'
import { toKeyValue, Writes } from './writes.ts'

export interface EtcdDeps {
  /** Such as `https://etcd-1:2379`; the others are turned to when one fails. */
  readonly endpoints: readonly string[]
  /** What all keys begin with, without a slash at the end. */
  readonly prefix?: string
  readonly tls?: TlsFiles
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  readonly logger?: (message: string, fields?: object) => void
  /** Milliseconds between compactions; 0 for never. */
  readonly compactionInterval?: number
  /** Seconds that a key may outlive its time so as to share a lease. */
  readonly leaseReuseSeconds?: number
}

/** Keys that one call reads at most: a large answer holds up what comes after it. */
const pageSize = 1000
/** Milliseconds until the watch of etcd must have begun. */
const openTimeout = 20_000
/** Milliseconds that `close` waits for writes that were begun. */
const closeTimeout = 10_000

/**
 * Opens etcd as a store, which any number of servers may share. The client needs the right to read and watch all keys.
 *
 * @throws StorageUnavailableError when no member answers within 20 s
 */
export async function openEtcd(deps: EtcdDeps): Promise<Storage> {
  const { endpoints, tls = { ca: '', cert: '', key: '' }, logger: log = () => {} } = deps
  const first = Math.floor(Math.random() * endpoints.length)
  // Apart, so that no large list holds up the events.
  const calls = new EtcdClient({ endpoints, tls, log }, first)
  const watches = new EtcdClient({ endpoints, tls, log }, first)
  const root = deps.prefix ?? '/registry'
  const revisions = new RevisionReader(calls, root)
  let storage: EtcdStorage | undefined
  try {
    storage = new EtcdStorage(deps, { calls, watches, revisions, root, revision: await revisions.read() })
    await within(openTimeout, storage.begun())
    return storage
  } catch (error) {
    await storage?.close()
    calls.close()
    throw storageError(error)
  }
}

interface Parts {
  readonly calls: EtcdClient
  readonly watches: EtcdClient
  readonly revisions: RevisionReader
  readonly root: string
  readonly revision: number
}

class EtcdStorage implements Storage {
  readonly eager = false
  readonly #calls: EtcdClient
  readonly #watches: EtcdClient
  readonly #revisions: RevisionReader
  readonly #root: string
  readonly #writes: Writes
  readonly #hub: WatchHub
  readonly #compactor: Compactor | undefined
  /** No revision below this one can be read, as far as is known. */
  #oldest = 1
  #closing: Promise<void> | undefined

  constructor(deps: EtcdDeps, { calls, watches, revisions, root, revision }: Parts) {
    const { clock = Date.now, logger: log = () => {}, compactionInterval = 0, leaseReuseSeconds = 60 } = deps
    this.#calls = calls
    this.#watches = watches
    this.#revisions = revisions
    this.#root = root
    this.#writes = new Writes(calls, new Leases({ client: calls, clock, reuseSeconds: leaseReuseSeconds }))
    this.#hub = new WatchHub({
      client: watches,
      prefix: `${root}/`,
      revision,
      currentRevision: () => revisions.read(),
      written: (key, value) => this.#writes.written(key, value),
      log,
    })
    if (compactionInterval > 0) {
      const compacted = (compactRevision: number) => this.#compacted(compactRevision)
      this.#compactor = new Compactor({ client: calls, interval: compactionInterval, compacted, log })
    }
  }

  /** Resolves when its watch of etcd has begun. */
  begun(): Promise<void> {
    return this.#hub.begun()
  }

  currentRevision(): Promise<number> {
    return this.#open(() => this.#revisions.read())
  }

  get(key: string, revision = 0): Promise<KeyValue | undefined> {
    return this.#open(async () => {
      const { kvs } = await this.#read({ key, revision })
      return kvs[0] && toKeyValue(kvs[0])
    })
  }

  list(prefix: string, { revision = 0, start = prefix, limit = 0 }: ListOptions = {}): Promise<ListResult> {
    return this.#open(async () => {
      const items: KeyValue[] = []
      const rangeEnd = endOf(prefix)
      let at = revision
      let key = start
      for (;;) {
        const wanted = limit > 0 ? Math.min(limit - items.length, pageSize) : pageSize
        const { header, kvs, more } = await this.#read({ key, rangeEnd, revision: at, limit: wanted })
        at ||= header!.revision
        for (const found of kvs) items.push(toKeyValue(found))
        if (!more || items.length === limit) return { revision: at, items, more }
        key = `${items.at(-1)!.key}\0`
      }
    })
  }

  count(prefix: string): Promise<number> {
    return this.#open(async () => (await this.#read({ key: prefix, rangeEnd: endOf(prefix), countOnly: true })).count)
  }

  size(): Promise<number> {
    return this.#open(async () => (await this.#calls.call(status, {}, { repeatable: true })).dbSize)
  }

  create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    return this.#write(() => this.#writes.create(key, value, options))
  }

  update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    return this.#write(() => this.#writes.replace(key, value, expectedRevision, options))
  }

  delete(key: string, expectedRevision: number): Promise<number> {
    return this.#write(() => this.#writes.replace(key, undefined, expectedRevision))
  }

  watch(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription> {
    return this.#open(() => this.#hub.add(prefix, afterRevision, handler))
  }

  compact(revision: number): Promise<void> {
    return this.#open(async () => {
      try {
        await this.#calls.call(compact, { revision }, { repeatable: true })
        this.#compacted(revision)
      } catch (error) {
        if (!isCompacted(error)) throw await this.#readError(error, revision)
      }
    })
  }

  compactedRevision(): Promise<number> {
    return this.#open(async () => {
      const readable = async (revision: number): Promise<boolean> => {
        try {
          await this.#calls.call(range, { key: this.#root, revision, countOnly: true }, { repeatable: true })
          return true
        } catch (error) {
          if (isCompacted(error)) return false
          throw error
        }
      }
      this.#oldest = await findOldest(this.#oldest - 1, await this.#revisions.read(), readable)
      return this.#oldest
    })
  }

  async ping(): Promise<void> {
    await this.#open(() => this.#calls.call(range, { key: `${this.#root}/health`, countOnly: true }, { repeatable: true }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#compactor?.close()
    await within(closeTimeout, this.#writes.idle()).catch(() => {})
    this.#hub.close(closedError())
    this.#watches.close()
    this.#calls.close()
  }

  async #open<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing) throw closedError()
    try {
      return await run()
    } catch (error) {
      throw storageError(error)
    }
  }

  /** What was begun is finished before the store closes. */
  #write(run: () => Promise<number>): Promise<number> {
    if (this.#closing) return Promise.reject(closedError())
    return run()
  }

  async #read(request: { key: string; rangeEnd?: string; revision?: number; limit?: number; countOnly?: boolean }) {
    try {
      return await this.#calls.call(range, request, { repeatable: true })
    } catch (error) {
      throw await this.#readError(error, request.revision ?? 0)
    }
  }

  async #readError(error: unknown, revision: number): Promise<Error> {
    if (isFuture(error)) return new FutureRevisionError(revision, await this.#revisions.read())
    if (isCompacted(error)) return new CompactedError(revision, Math.max(this.#oldest, revision + 1))
    return error as RpcError
  }

  #compacted(revision: number): void {
    this.#oldest = Math.max(this.#oldest, revision)
    this.#hub.forget(revision)
  }
}

/** The end of the range of keys that begin with a prefix, which ends in `/`. */
const endOf = (prefix: string): string => `${prefix.slice(0, -1)}0`

/** @throws StorageUnavailableError when a promise doesn't settle in time */
async function within<T>(timeout: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new StorageUnavailableError('etcd did not answer in time')), timeout)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

import type { Counter, Gauge, Histogram } from 'prom-client'
import { LATENCY_BUCKETS, type Metrics } from '../observability/metrics.ts'
import type { KeyValue, ListOptions, ListResult, Storage, Subscription, WatchHandler, WriteOptions } from './storage.ts'

/** The resource that a store's keys belong to. */
export type StorageLabels = { group: string; resource: string }

/** What storage and its caches count, under the reference's names. */
export class StorageMetrics {
  readonly duration: Histogram
  readonly requests: Counter
  readonly failures: Counter
  readonly eventsReceived: Counter
  readonly cacheReceived: Counter
  readonly cacheInitializations: Counter
  readonly bookmarks: Counter

  /**
   * @param caches what to show of each resource when somebody asks
   * @param uses what was read from each
   */
  constructor(metrics: Metrics, caches: () => Iterable<CacheState>, uses: () => Iterable<ReadUse>) {
    const of = ['group', 'resource'] as const
    this.duration = metrics.histogram(
      'etcd_request_duration_seconds',
      'How long the store took, in seconds.',
      ['operation', ...of],
      LATENCY_BUCKETS,
    )
    this.requests = metrics.counter('etcd_requests_total', 'Requests to the store.', ['operation', ...of])
    this.failures = metrics.counter('etcd_request_errors_total', 'Requests that the store failed.', ['operation', ...of])
    this.eventsReceived = metrics.counter('apiserver_storage_events_received_total', 'Changes that the store told of.', of)
    this.cacheReceived = metrics.counter('apiserver_watch_cache_events_received_total', 'Changes that watch caches took in.', of)
    this.cacheInitializations = metrics.counter(
      'apiserver_watch_cache_initializations_total',
      'How often watch caches were filled.',
      of,
    )
    counted(
      metrics,
      'apiserver_watch_events_total',
      'Events sent to watches.',
      ['group', 'version', 'resource'],
      uses,
      (use) => use.watchEvents,
    )
    counted(metrics, 'apiserver_cache_list_total', 'Lists from watch caches.', of, uses, (use) => use.lists)
    counted(
      metrics,
      'apiserver_cache_list_fetched_objects_total',
      'Objects that lists looked at.',
      of,
      uses,
      (use) => use.fetched,
    )
    counted(
      metrics,
      'apiserver_cache_list_returned_objects_total',
      'Objects that lists gave back.',
      of,
      uses,
      (use) => use.returned,
    )
    this.bookmarks = metrics.counter('etcd_bookmark_total', 'Progress notifications from the store.', of)
    const each = (name: string, help: string, value: (state: CacheState) => number) =>
      metrics.gauge(name, help, of, (gauge: Gauge) => {
        gauge.reset()
        for (const state of caches()) gauge.set({ group: state.group, resource: state.resource }, value(state))
      })
    each('apiserver_resource_objects', 'Stored objects by resource.', (state) => state.objects)
    each('apiserver_storage_objects', 'Stored objects by resource.', (state) => state.objects)
    each('apiserver_watch_cache_resource_version', 'The revision that a watch cache has reached.', (state) => state.revision)
    each('watch_cache_capacity', 'Changes that a watch cache keeps.', (state) => state.window)
  }
}

/** What was read of one resource in one version since the start. */
export interface ReadUse extends StorageLabels {
  version: string
  watchEvents: number
  lists: number
  fetched: number
  returned: number
}

/** A counter over numbers that are kept elsewhere: the hot paths add to plain numbers. */
function counted(
  metrics: Metrics,
  name: string,
  help: string,
  labelNames: readonly ('group' | 'version' | 'resource')[],
  uses: () => Iterable<ReadUse>,
  value: (use: ReadUse) => number,
): void {
  metrics.counter(name, help, labelNames, (counter) => {
    counter.reset()
    for (const use of uses()) {
      if (value(use)) counter.inc(Object.fromEntries(labelNames.map((label) => [label, use[label]])), value(use))
    }
  })
}

export interface CacheState extends StorageLabels {
  objects: number
  revision: number
  /** Changes kept. */
  window: number
}

/** A store that times what is asked of it for one resource. */
export class MeteredStorage implements Storage {
  readonly #inner: Storage
  readonly #metrics: StorageMetrics
  readonly #labels: StorageLabels

  constructor(inner: Storage, metrics: StorageMetrics, labels: StorageLabels) {
    this.#inner = inner
    this.#metrics = metrics
    this.#labels = labels
  }

  get eager(): boolean {
    return this.#inner.eager
  }

  async #timed<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const labels = { operation, ...this.#labels }
    const started = performance.now()
    try {
      return await run()
    } catch (error) {
      this.#metrics.failures.inc(labels)
      throw error
    } finally {
      this.#metrics.requests.inc(labels)
      this.#metrics.duration.observe(labels, (performance.now() - started) / 1000)
    }
  }

  currentRevision(): Promise<number> {
    return this.#inner.currentRevision()
  }

  get(key: string, revision?: number): Promise<KeyValue | undefined> {
    return this.#timed('get', () => this.#inner.get(key, revision))
  }

  list(prefix: string, options?: ListOptions): Promise<ListResult> {
    return this.#timed('list', () => this.#inner.list(prefix, options))
  }

  count(prefix: string): Promise<number> {
    return this.#timed('count', () => this.#inner.count(prefix))
  }

  create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    return this.#timed('create', () => this.#inner.create(key, value, options))
  }

  update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    return this.#timed('update', () => this.#inner.update(key, value, expectedRevision, options))
  }

  delete(key: string, expectedRevision: number): Promise<number> {
    return this.#timed('delete', () => this.#inner.delete(key, expectedRevision))
  }

  watch(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription> {
    return this.#inner.watch(prefix, afterRevision, {
      onEvents: (events) => {
        this.#metrics.eventsReceived.inc(this.#labels, events.length)
        this.#metrics.cacheReceived.inc(this.#labels, events.length)
        handler.onEvents(events)
      },
      onProgress: (revision) => {
        this.#metrics.bookmarks.inc(this.#labels)
        handler.onProgress?.(revision)
      },
      onError: (error) => handler.onError(error),
    })
  }

  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision)
  }

  compactedRevision(): Promise<number> {
    return this.#inner.compactedRevision()
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner.close()
  }
}

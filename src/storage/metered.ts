import type { Counter } from 'prom-client'
import type { Distribution, Series } from '../observability/distribution.ts'
import { LATENCY_BUCKETS, type Metrics } from '../observability/metrics.ts'
import type { KeyValue, ListOptions, ListResult, Storage, Subscription, WatchHandler, WriteOptions } from './storage.ts'

/** The resource that a store's keys belong to. */
export type StorageLabels = { group: string; resource: string }

/** Plain numbers, added to on hot paths and read when somebody asks for the metrics. */
interface Operation {
  readonly labels: StorageLabels & { operation: string }
  readonly duration: Series
  requests: number
  failures: number
}

interface Events {
  readonly labels: StorageLabels
  received: number
  bookmarks: number
}

/** What storage and its caches count, under the reference's names. */
export class StorageMetrics {
  readonly cacheInitializations: Counter
  readonly #duration: Distribution
  readonly #operations: Operation[] = []
  readonly #events: Events[] = []

  /**
   * @param caches what to show of each resource when somebody asks
   * @param uses what was read from each
   */
  constructor(metrics: Metrics, caches: () => Iterable<CacheState>, uses: () => Iterable<ReadUse>) {
    const of = ['group', 'resource'] as const
    const help = 'How long the store took, in seconds.'
    this.#duration = metrics.distribution('etcd_request_duration_seconds', help, LATENCY_BUCKETS)
    const operations = () => this.#operations
    const events = () => this.#events
    const byOperation = ['operation', ...of] as const
    counted(metrics, 'etcd_requests_total', 'Requests to the store.', byOperation, operations, (o) => [o.labels, o.requests])
    counted(metrics, 'etcd_request_errors_total', 'Requests that the store failed.', byOperation, operations, (o) => [
      o.labels,
      o.failures,
    ])
    for (const [name, text] of [
      ['apiserver_storage_events_received_total', 'Changes that the store told of.'],
      ['apiserver_watch_cache_events_received_total', 'Changes that watch caches took in.'],
      ['apiserver_watch_cache_events_dispatched_total', 'Changes that watch caches passed on.'],
    ] as const) {
      counted(metrics, name, text, of, events, (e) => [e.labels, e.received])
    }
    counted(metrics, 'etcd_bookmark_total', 'Progress notifications from the store.', of, events, (e) => [e.labels, e.bookmarks])
    this.cacheInitializations = metrics.counter(
      'apiserver_watch_cache_initializations_total',
      'How often watch caches were filled.',
      of,
    )
    const byVersion = ['group', 'version', 'resource'] as const
    const use = (name: string, text: string, labels: readonly string[], value: (use: ReadUse) => number) =>
      counted(metrics, name, text, labels, uses, (u) => [u, value(u)])
    use('apiserver_watch_events_total', 'Events sent to watches.', byVersion, (u) => u.watchEvents)
    use('apiserver_cache_list_total', 'Lists from watch caches.', of, (u) => u.lists)
    use('apiserver_cache_list_fetched_objects_total', 'Objects that lists looked at.', of, (u) => u.fetched)
    use('apiserver_cache_list_returned_objects_total', 'Objects that lists gave back.', of, (u) => u.returned)
    metrics.gauge('apiserver_longrunning_requests', 'Watches that are open.', ['verb', ...byVersion], (gauge) => {
      gauge.reset()
      for (const { group, version, resource, openWatches } of uses()) {
        if (openWatches) gauge.set({ verb: 'WATCH', group, version, resource }, openWatches)
      }
    })
    const each = (name: string, text: string, value: (state: CacheState) => number) =>
      metrics.gauge(name, text, of, (gauge) => {
        gauge.reset()
        for (const state of caches()) gauge.set({ group: state.group, resource: state.resource }, value(state))
      })
    each('apiserver_watch_cache_resource_version', 'The revision that a watch cache has reached.', (state) => state.revision)
    each('watch_cache_capacity', 'Changes that a watch cache keeps.', (state) => state.window)
  }

  operation(operation: string, of: StorageLabels): Operation {
    const labels = { operation, ...of }
    const made: Operation = { labels, duration: this.#duration.series(labels), requests: 0, failures: 0 }
    this.#operations.push(made)
    return made
  }

  events(labels: StorageLabels): Events {
    const made: Events = { labels, received: 0, bookmarks: 0 }
    this.#events.push(made)
    return made
  }
}

/** What was read of one resource in one version since the start. */
export interface ReadUse extends StorageLabels {
  version: string
  openWatches: number
  watchEvents: number
  lists: number
  fetched: number
  returned: number
}

export interface CacheState extends StorageLabels {
  revision: number
  /** Changes kept. */
  window: number
}

/** A counter over numbers that are kept elsewhere. */
function counted<T>(
  metrics: Metrics,
  name: string,
  help: string,
  labelNames: readonly string[],
  things: () => Iterable<T>,
  read: (thing: T) => readonly [labels: object, value: number],
): void {
  metrics.counter(name, help, labelNames, (counter) => {
    counter.reset()
    for (const thing of things()) {
      const [labels, value] = read(thing)
      const of = labels as Record<string, string>
      if (value) counter.inc(Object.fromEntries(labelNames.map((label) => [label, of[label] ?? ''])), value)
    }
  })
}

/** A store that times what is asked of it for one resource. */
export class MeteredStorage implements Storage {
  readonly #inner: Storage
  readonly #metrics: StorageMetrics
  readonly #labels: StorageLabels
  readonly #operations = new Map<string, Operation>()
  #events: Events | undefined

  constructor(inner: Storage, metrics: StorageMetrics, labels: StorageLabels) {
    this.#inner = inner
    this.#metrics = metrics
    this.#labels = labels
  }

  get eager(): boolean {
    return this.#inner.eager
  }

  async #timed<T>(operation: string, run: () => Promise<T>): Promise<T> {
    let counts = this.#operations.get(operation)
    if (!counts) {
      counts = this.#metrics.operation(operation, this.#labels)
      this.#operations.set(operation, counts)
    }
    const started = performance.now()
    try {
      return await run()
    } catch (error) {
      counts.failures++
      throw error
    } finally {
      counts.requests++
      counts.duration.observe((performance.now() - started) / 1000)
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

  size(): Promise<number> {
    return this.#inner.size()
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
    this.#events ??= this.#metrics.events(this.#labels)
    const events = this.#events
    return this.#inner.watch(prefix, afterRevision, {
      onEvents: (batch) => {
        events.received += batch.length
        handler.onEvents(batch)
      },
      onProgress: (revision) => {
        events.bookmarks++
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

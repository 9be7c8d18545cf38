import {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  type KeyValue,
  type ListOptions,
  type ListResult,
  RevisionConflictError,
  type Storage,
  type StorageEvent,
  StorageUnavailableError,
  type Subscription,
  type WatchHandler,
  type WriteOptions,
} from './storage.ts'

interface Watcher {
  readonly prefix: string
  readonly handler: WatchHandler
}

/**
 * The contract in its plainest form, for tests: nothing is durable, every operation takes effect in its call, and the
 * past is read by walking all events.
 */
export class MemoryStorage implements Storage {
  readonly eager = true
  readonly #keys = new Map<string, KeyValue>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #watchers = new Set<Watcher>()
  /** Every change so far; those at or before the compacted revision only serve exact reads. */
  readonly #events: StorageEvent[] = []
  #revision = 1
  #compacted = 0
  #closed = false

  async currentRevision(): Promise<number> {
    this.#assertOpen()
    return this.#revision
  }

  async get(key: string, revision = 0): Promise<KeyValue | undefined> {
    return this.#at(revision).get(key)
  }

  async list(prefix: string, { revision = 0, start = prefix, limit = 0 }: ListOptions = {}): Promise<ListResult> {
    const found = [...this.#at(revision).values()]
      .filter(({ key }) => key.startsWith(prefix) && compareKeys(key, start) >= 0)
      .sort((a, b) => compareKeys(a.key, b.key))
    const items = limit > 0 ? found.slice(0, limit) : found
    return { revision: revision || this.#revision, items, more: items.length < found.length }
  }

  async count(prefix: string): Promise<number> {
    this.#assertOpen()
    let count = 0
    for (const key of this.#keys.keys()) if (key.startsWith(prefix)) count++
    return count
  }

  async size(): Promise<number> {
    this.#assertOpen()
    let size = 0
    for (const { value } of this.#keys.values()) size += value.length
    return size
  }

  async create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    this.#assertOpen()
    if (this.#keys.has(key)) throw new KeyExistsError(key)
    return this.#put(key, value, undefined, options)
  }

  async update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    return this.#put(key, value, this.#expect(key, expectedRevision), options)
  }

  async delete(key: string, expectedRevision: number): Promise<number> {
    const { value, revision, createRevision } = this.#expect(key, expectedRevision)
    this.#keys.delete(key)
    clearTimeout(this.#timers.get(key))
    return this.#publish({
      type: 'delete',
      key,
      value,
      revision: ++this.#revision,
      createRevision,
      previous: { value, revision },
    })
  }

  async watch(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription> {
    this.#check(afterRevision)
    const watcher = { prefix, handler }
    const missed = this.#events.filter(({ key, revision }) => revision > afterRevision && key.startsWith(prefix))
    this.#watchers.add(watcher)
    if (missed.length > 0) handler.onEvents(missed)
    handler.onProgress?.(this.#revision)
    return { close: () => this.#watchers.delete(watcher) }
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen()
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision)
    this.#compacted = Math.max(this.#compacted, revision)
  }

  async compactedRevision(): Promise<number> {
    this.#assertOpen()
    return this.#compacted
  }

  async ping(): Promise<void> {
    this.#assertOpen()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    for (const { handler } of this.#watchers) handler.onError(new StorageUnavailableError('the store is closed'))
    this.#watchers.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #put(key: string, value: Buffer, previous: KeyValue | undefined, options?: WriteOptions): number {
    const revision = ++this.#revision
    const createRevision = previous?.createRevision ?? revision
    this.#keys.set(key, { key, value, revision, createRevision })
    clearTimeout(this.#timers.get(key))
    if (options?.ttlSeconds) {
      const expire = () => void this.delete(key, revision)
      this.#timers.set(key, setTimeout(expire, options.ttlSeconds * 1000).unref())
    }
    const event = { type: 'put', key, value, revision, createRevision } as const
    return this.#publish(previous ? { ...event, previous: { value: previous.value, revision: previous.revision } } : event)
  }

  #publish(event: StorageEvent): number {
    this.#events.push(event)
    for (const { prefix, handler } of this.#watchers) {
      if (event.key.startsWith(prefix)) handler.onEvents([event])
      handler.onProgress?.(event.revision)
    }
    return event.revision
  }

  #expect(key: string, revision: number): KeyValue {
    this.#assertOpen()
    const current = this.#keys.get(key)
    if (current?.revision !== revision) throw new RevisionConflictError(key, current)
    return current
  }

  /** What was there at a revision; 0 for now. */
  #at(revision: number): Map<string, KeyValue> {
    if (revision !== 0) this.#check(revision)
    else this.#assertOpen()
    if (revision === 0 || revision === this.#revision) return this.#keys
    const keys = new Map<string, KeyValue>()
    for (const event of this.#events) {
      if (event.revision > revision) break
      const { type, key, value, createRevision } = event
      if (type === 'put') keys.set(key, { key, value, revision: event.revision, createRevision })
      else keys.delete(key)
    }
    return keys
  }

  #check(revision: number): void {
    this.#assertOpen()
    if (revision < this.#compacted) throw new CompactedError(revision, this.#compacted)
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision)
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageUnavailableError('the store is closed')
  }
}

function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

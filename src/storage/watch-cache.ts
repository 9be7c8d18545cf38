import { parseJson } from '../machinery/go-json.ts'
import { SortedTree } from '../util/sorted-tree.ts'
import { CacheEvent, CacheWatcher, type WatcherOptions } from './cache-watch.ts'
import { atRevision, withRevision } from './object-bytes.ts'
import { FutureRevisionError, type KeyValue, type Storage, type StorageEvent, type Subscription } from './storage.ts'

/** What selectors need of an object. */
export interface Selectable {
  labels: Readonly<Record<string, string>> | undefined
  /** The value of a selectable field; '' when absent. */
  field(name: string): string
}

/** One stored object as readers see it: its bytes, and what was derived from them. */
export class CacheEntry {
  readonly key: string
  /** Encoded JSON of the storage version, with the resource version in place. */
  readonly body: Buffer
  readonly revision: number
  readonly #describe: Describe
  #selectable: Selectable | undefined
  /** The same object in other forms (another version, YAML, …), by the form's name. */
  #forms: Map<string, Buffer> | undefined

  constructor(key: string, body: Buffer, revision: number, describe: Describe, selectable?: Selectable) {
    this.key = key
    this.body = body
    this.revision = revision
    this.#describe = describe
    this.#selectable = selectable
  }

  get selectable(): Selectable {
    this.#selectable ??= this.#describe(this.object())
    return this.#selectable
  }

  /** A fresh decoded copy: the caller's to change. */
  object<T>(): T {
    return parseJson(this.body) as T
  }

  /** The object in another form, made once. */
  form(name: string, make: (entry: CacheEntry) => Buffer): Buffer {
    let form = this.#forms?.get(name)
    if (!form) {
      form = make(this)
      this.#forms ??= new Map()
      this.#forms.set(name, form)
    }
    return form
  }

  /** The same object at a later revision: how deletions are told. */
  at(revision: number): CacheEntry {
    return new CacheEntry(this.key, atRevision(this.body, revision), revision, this.#describe, this.#selectable)
  }
}

export type Describe = (object: unknown) => Selectable

export interface WatchCacheDeps {
  storage: Storage
  /** Such as `/registry/pods/`. */
  prefix: string
  describe: Describe
  /** How much the window of past events may hold, in bytes of their objects. */
  windowBytes?: number
  onError?: (error: Error) => void
  onLoaded?: () => void
}

export interface Snapshot {
  readonly revision: number
  readonly tree: SortedTree<CacheEntry>
}

interface WindowItem {
  event: CacheEvent
  /** The tree after the event. */
  tree: SortedTree<CacheEntry>
}

const DEFAULT_WINDOW_BYTES = 16 << 20
/** Milliseconds that a consistent read waits for the cache before it turns to the storage itself. */
const FRESH_WITHIN = 3_000

/**
 * All objects of one resource, kept current by the storage's watch, with the recent past: reads, snapshots of earlier revisions and
 * watches are served from here. Loads when first asked for.
 */
export class WatchCache {
  readonly #deps: WatchCacheDeps
  readonly #watchers = new Set<CacheWatcher>()
  readonly #waiting: { revision: number; resolve: () => void }[] = []
  #tree = SortedTree.empty<CacheEntry>()
  #revision = 0
  /** Events after this revision are in the window. */
  #windowStart = 0
  #window: WindowItem[] = []
  #windowBytes = 0
  /** The tree at `#windowStart`. */
  #startTree = SortedTree.empty<CacheEntry>()
  #loading: Promise<void> | undefined
  #loaded = false
  #closed = false
  #subscription: Subscription | undefined
  /** Entries made by writers of this process, by the value they stored: saves parsing it again for selectors. */
  readonly #described = new WeakMap<Buffer, Selectable>()

  constructor(deps: WatchCacheDeps) {
    this.#deps = deps
  }

  get revision(): number {
    return this.#revision
  }

  get loaded(): boolean {
    return this.#loaded
  }

  get size(): number {
    return this.#tree.size
  }

  /** Changes that are kept. */
  get windowLength(): number {
    return this.#window.length
  }

  get watcherCount(): number {
    return this.#watchers.size
  }

  /** Resolves when the cache can serve. Cheap once loaded. */
  ready(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  async #load(): Promise<void> {
    const { storage, prefix } = this.#deps
    try {
      const { revision, items } = await storage.list(prefix)
      this.#reset(revision, items)
      this.#subscription = await storage.watch(prefix, revision, {
        onEvents: (events) => this.#apply(events),
        onProgress: (progress) => this.#progress(progress),
        onError: (error) => this.#lost(error),
      })
      this.#loaded = true
      this.#wake()
      this.#deps.onLoaded?.()
    } catch (error) {
      this.#loading = undefined
      throw error
    }
  }

  #reset(revision: number, items: readonly KeyValue[]): void {
    const keys = items.map((item) => item.key)
    const entries = items.map((item) => this.#entry(item.key, item.value, item.revision))
    this.#tree = SortedTree.fromSorted(keys, entries)
    this.#startTree = this.#tree
    this.#revision = revision
    this.#windowStart = revision
    this.#window = []
    this.#windowBytes = 0
  }

  /** The storage's watch broke: watchers must start over, and so must the cache. */
  #lost(error: Error): void {
    this.#loaded = false
    this.#loading = undefined
    this.#deps.onError?.(error)
    for (const watcher of [...this.#watchers]) watcher.fail(error)
    if (!this.#closed) void this.ready().catch(() => {})
  }

  /** An entry for a stored value that the cache hasn't seen yet. */
  entryOf(key: string, value: Buffer, revision: number): CacheEntry {
    return this.#entry(key, value, revision)
  }

  #entry(key: string, value: Buffer, revision: number): CacheEntry {
    return new CacheEntry(key, withRevision(value, revision), revision, this.#deps.describe, this.#described.get(value))
  }

  /** Tells the cache what selectors need of a value that is about to be written. */
  remember(value: Buffer, selectable: Selectable): void {
    this.#described.set(value, selectable)
  }

  #apply(events: readonly StorageEvent[]): void {
    const seen = this.#revision
    for (const event of events) {
      if (event.revision <= seen) continue
      const cached = this.#toCacheEvent(event, this.#tree.get(event.key))
      this.#tree = event.type === 'delete' ? this.#tree.delete(event.key) : this.#tree.set(event.key, cached.entry)
      this.#revision = event.revision
      this.#window.push({ event: cached, tree: this.#tree })
      this.#windowBytes += cached.entry.body.length
      for (const watcher of this.#watchers) watcher.offer(cached)
    }
    const limit = this.#deps.windowBytes ?? DEFAULT_WINDOW_BYTES
    if (this.#windowBytes > limit) this.#trim(limit)
    this.#wake()
  }

  #toCacheEvent(event: StorageEvent, previous: CacheEntry | undefined): CacheEvent {
    const before =
      previous ?? (event.previous ? this.#entry(event.key, event.previous.value, event.previous.revision) : undefined)
    if (event.type === 'put') return new CacheEvent(this.#entry(event.key, event.value, event.revision), before, false)
    const gone = before?.at(event.revision) ?? this.#entry(event.key, event.value, event.revision)
    return new CacheEvent(gone, before ?? gone, true)
  }

  #trim(limit: number): void {
    let drop = 0
    while (this.#windowBytes > limit && drop < this.#window.length - 1) {
      this.#windowBytes -= (this.#window[drop] as WindowItem).event.entry.body.length
      drop++
    }
    // Dropping in larger steps keeps the cost of shifting the array down.
    if (drop < this.#window.length / 8) {
      for (let i = 0; i < drop; i++) this.#windowBytes += (this.#window[i] as WindowItem).event.entry.body.length
      if (this.#windowBytes < limit * 1.25) return
    }
    const last = this.#window[drop - 1] as WindowItem
    this.#windowStart = last.event.entry.revision
    this.#startTree = last.tree
    this.#window = this.#window.slice(drop)
    this.#windowBytes = 0
    for (const item of this.#window) this.#windowBytes += item.event.entry.body.length
  }

  #progress(revision: number): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    for (const watcher of this.#watchers) watcher.progress(revision)
    this.#wake()
  }

  #wake(): void {
    if (this.#waiting.length === 0) return
    const still = this.#waiting.filter((w) => w.revision > this.#revision)
    const done = this.#waiting.filter((w) => w.revision <= this.#revision)
    this.#waiting.length = 0
    this.#waiting.push(...still)
    for (const w of done) w.resolve()
  }

  /** The resource as of the newest acknowledged write of the whole store: what a consistent list shows. */
  async consistentSnapshot(): Promise<Snapshot> {
    if (await this.#fresh()) return this.snapshot()
    const { revision, items } = await this.#deps.storage.list(this.#deps.prefix)
    return this.#snapshotOf(revision, items)
  }

  /** What a key holds as of the newest acknowledged write, whoever made it. Call `ready` first. */
  async newest(key: string): Promise<CacheEntry | undefined> {
    if (await this.#fresh()) return this.#tree.get(key)
    const item = await this.#deps.storage.get(key)
    return item && this.#current(item)
  }

  /** Whether the cache has come to the newest acknowledged write within the time for it. */
  async #fresh(): Promise<boolean> {
    const { storage } = this.#deps
    const revision = await storage.currentRevision()
    if (storage.eager) this.#progress(revision)
    return this.#reaches(revision)
  }

  #reaches(revision: number): boolean | Promise<boolean> {
    if (revision <= this.#revision) return true
    return new Promise((resolve) => {
      const waiter = {
        revision,
        resolve: () => {
          clearTimeout(timer)
          resolve(true)
        },
      }
      const timer = setTimeout(() => {
        const at = this.#waiting.indexOf(waiter)
        if (at >= 0) this.#waiting.splice(at, 1)
        resolve(false)
      }, FRESH_WITHIN)
      this.#waiting.push(waiter)
    })
  }

  /** Whether what `get` says is what was last acknowledged in this process, so that `newest` tells nothing more. */
  get eager(): boolean {
    return this.#deps.storage.eager
  }

  /** What a key holds now. Call `ready` first. */
  get(key: string): CacheEntry | undefined {
    return this.#tree.get(key)
  }

  snapshot(): Snapshot {
    return { revision: this.#revision, tree: this.#tree }
  }

  /** The resource as it was at `revision`, from the window or the storage's history. @throws CompactedError, FutureRevisionError */
  async snapshotAt(revision: number): Promise<Snapshot> {
    if (revision >= this.#revision) {
      if (revision > this.#revision) await this.#catchUp(revision)
      if (revision === this.#revision || (revision > this.#revision && this.eager)) return { revision, tree: this.#tree }
    }
    if (revision >= this.#windowStart && revision <= this.#revision) {
      const at = this.#windowIndex(revision)
      return { revision, tree: at === 0 ? this.#startTree : (this.#window[at - 1] as WindowItem).tree }
    }
    const { items } = await this.#deps.storage.list(this.#deps.prefix, { revision })
    return this.#snapshotOf(revision, items)
  }

  #snapshotOf(revision: number, items: readonly KeyValue[]): Snapshot {
    const keys = items.map((item) => item.key)
    const entries = items.map((item) => this.#current(item))
    return { revision, tree: SortedTree.fromSorted(keys, entries) }
  }

  /** Shares the entry when the object hasn't changed since. */
  #current(item: KeyValue): CacheEntry {
    const now = this.#tree.get(item.key)
    return now?.revision === item.revision ? now : this.#entry(item.key, item.value, item.revision)
  }

  /** Other resources' writes raise the store's revision without an event here. */
  async #catchUp(revision: number): Promise<void> {
    const current = await this.#deps.storage.currentRevision()
    if (revision > current) throw new FutureRevisionError(revision, current)
    if (!this.eager) await this.#reaches(revision)
  }

  /** The number of window events with a revision of at most `revision`. */
  #windowIndex(revision: number): number {
    let low = 0
    let high = this.#window.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#window[middle] as WindowItem).event.entry.revision <= revision) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * Starts a watch with every event after `afterRevision`, then live ones.
   * A revision in the future is fine: nothing comes until it is passed.
   * @throws CompactedError when the history doesn't reach back that far
   */
  async watch(afterRevision: number, options: WatcherOptions): Promise<CacheWatcher> {
    const past: CacheEvent[] = []
    let from = afterRevision
    // While history is read, the window may move on.
    while (from < this.#windowStart) {
      const end = this.#windowStart
      past.push(...(await this.#history(from, end)))
      from = end
    }
    const watcher = new CacheWatcher(options, () => this.#watchers.delete(watcher))
    for (const event of past) watcher.offer(event)
    for (let i = this.#windowIndex(from); i < this.#window.length; i++) watcher.offer((this.#window[i] as WindowItem).event)
    this.#watchers.add(watcher)
    return watcher
  }

  /** Starts a watch at what a snapshot holds: the caller sends the snapshot itself. */
  watchFrom(snapshot: Snapshot, options: WatcherOptions): CacheWatcher {
    const watcher = new CacheWatcher(options, () => this.#watchers.delete(watcher))
    for (let i = this.#windowIndex(snapshot.revision); i < this.#window.length; i++)
      watcher.offer((this.#window[i] as WindowItem).event)
    this.#watchers.add(watcher)
    return watcher
  }

  /** Events in (afterRevision, end] from the storage's history: after a restart, or for a watch that was away long. */
  async #history(afterRevision: number, end: number): Promise<CacheEvent[]> {
    const events: CacheEvent[] = []
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const subscription = await this.#deps.storage.watch(this.#deps.prefix, afterRevision, {
      onEvents: (batch) => {
        for (const event of batch) if (event.revision <= end) events.push(this.#toCacheEvent(event, undefined))
        if ((batch.at(-1)?.revision ?? 0) >= end) resolve(undefined)
      },
      onProgress: (revision) => {
        if (revision >= end) resolve(undefined)
      },
      onError: reject,
    })
    try {
      // The window starts where the list was taken, which may be a revision of another resource: then no event marks the end.
      await promise
    } finally {
      subscription.close()
    }
    return events
  }

  /** Ends the watches and the subscription. */
  close(reason: Error): void {
    this.#closed = true
    this.#subscription?.close()
    for (const watcher of [...this.#watchers]) watcher.fail(reason)
  }
}

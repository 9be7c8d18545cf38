import { SortedTree } from '../util/sorted-tree.ts'
import { CacheEntry, type Describe, type Selectable } from './cache-entry.ts'
import { CacheEvent, CacheWatcher, type WatcherOptions } from './cache-watch.ts'
import { CacheWindow } from './cache-window.ts'
import { withRevision } from './object-bytes.ts'
import { OwnWrites } from './own-writes.ts'
import { RevisionWaiters } from './revision-waiters.ts'
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type Storage,
  type StorageEvent,
  type Subscription,
} from './storage.ts'
import { type Unreadable, UnreadableError, type Unreadables, undecodable, without } from './unreadable.ts'

export interface WatchCacheDeps {
  storage: Storage
  /** Such as `/registry/pods/`. */
  prefix: string
  describe: Describe
  /** Turns a protobuf message, in which another server stored an object, into JSON. @throws Error */
  fromProtobuf?: (value: Buffer) => Buffer
  /** How much the window of past events may hold, in bytes of their objects. */
  windowBytes?: number
  onError?: (error: Error) => void
  onLoaded?: () => void
}

export interface Snapshot {
  readonly revision: number
  /** All objects that can be read. */
  readonly tree: SortedTree<CacheEntry>
  readonly unreadable: Unreadables<CacheEntry>
}

const DEFAULT_WINDOW_BYTES = 16 << 20
/** Milliseconds that a consistent read waits for the cache before it turns to the storage itself. */
const FRESH_WITHIN = 3_000
/** Milliseconds between attempts to read what could not be read: its key may be had again. */
const HEAL_EVERY = 10_000
/** How many objects one attempt reads. */
const HEAL_AT_ONCE = 100
const ALL_READABLE: Unreadables<CacheEntry> = new Map()

/**
 * All objects of one resource, kept current by the storage's watch, with the recent past: reads, snapshots of earlier revisions and
 * watches are served from here. Loads when first asked for.
 *
 * An object whose stored value can't be decrypted or decoded is kept apart: asking for it is an error, and so is any list that it belongs
 * to, but everything else goes on. Watchers aren't told of it until it can be read again.
 */
export class WatchCache {
  readonly #deps: WatchCacheDeps
  readonly #watchers = new Set<CacheWatcher>()
  readonly #waiting = new RevisionWaiters()
  #tree = SortedTree.empty<CacheEntry>()
  /** What the tree lacks; the same for the whole window, which starts anew when this changes. */
  #unreadable = ALL_READABLE
  #healing: NodeJS.Timeout | undefined
  #revision = 0
  readonly #window: CacheWindow
  #loading: Promise<void> | undefined
  #loaded = false
  #closed = false
  #subscription: Subscription | undefined
  /** What selectors need of values on their way into the store, by their keys: saves parsing them again. */
  readonly #described = new Map<string, { readonly value: Buffer; readonly selectable: Selectable }>()
  readonly #own = new OwnWrites()

  constructor(deps: WatchCacheDeps) {
    this.#deps = deps
    this.#window = new CacheWindow(deps.windowBytes ?? DEFAULT_WINDOW_BYTES, this.#tree)
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
      this.#waiting.reached(this.#revision)
      this.#deps.onLoaded?.()
    } catch (error) {
      this.#loading = undefined
      throw error
    }
  }

  #reset(revision: number, items: readonly KeyValue[]): void {
    const { tree, unreadable } = this.#snapshotOf(revision, items, false)
    this.#tree = tree
    this.#revision = revision
    this.#own.clear()
    this.#setUnreadable(unreadable)
    const [first] = unreadable.values()
    if (first)
      this.#deps.onError?.(
        new Error(`${unreadable.size} objects can't be read, such as ${first.error.key}`, { cause: first.error }),
      )
  }

  /** Changes what can't be read, as of the present tree. Older revisions and resumed watches are served from the storage's history then. */
  #setUnreadable(unreadable: Unreadables<CacheEntry>): void {
    this.#unreadable = unreadable
    this.#window.reset(this.#revision, this.#tree)
    if (unreadable.size > 0 && !this.#closed) this.#healing ??= setInterval(() => void this.#healSome(), HEAL_EVERY).unref()
    else this.#stopHealing()
  }

  #stopHealing(): void {
    clearInterval(this.#healing)
    this.#healing = undefined
  }

  /** The storage's watch broke: watchers must start over, and so must the cache. */
  #lost(error: Error): void {
    this.#loaded = false
    this.#loading = undefined
    this.#deps.onError?.(error)
    for (const watcher of [...this.#watchers]) watcher.fail(error)
    if (!this.#closed) void this.ready().catch(() => {})
  }

  /** The entry for a value that was just stored at a revision: the very one that the cache has, or will have once it is told. */
  written(key: string, value: Buffer, revision: number): CacheEntry {
    const cached = this.#tree.get(key)
    if (cached?.revision === revision) return cached
    const entry = this.#entry(key, value, revision)
    if (revision > this.#revision) this.#own.add(entry)
    return entry
  }

  /** An entry for a stored value that the cache hasn't seen yet. @throws UnreadableError */
  entryOf(key: string, value: Buffer, revision: number, unreadable?: Error): CacheEntry {
    return this.#entry(key, value, revision, unreadable)
  }

  /** @throws UnreadableError */
  #entry(key: string, value: Buffer, revision: number, unreadable?: Error): CacheEntry {
    if (unreadable) throw unreadable
    let body: Buffer
    try {
      const { fromProtobuf } = this.#deps
      body = withRevision(fromProtobuf && isProtobuf(value) ? fromProtobuf(value) : value, revision)
    } catch (error) {
      throw undecodable(key, value, error)
    }
    const described = this.#described.get(key)
    return new CacheEntry(key, body, revision, this.#deps.describe, described?.value === value ? described.selectable : undefined)
  }

  /**
   * Writes a value, and gives its entry as `written` does.
   * @param selectable what selectors need of it
   * @param write stores it, and tells its revision
   */
  async write(key: string, value: Buffer, selectable: Selectable, write: () => Promise<number>): Promise<CacheEntry> {
    const described = { value, selectable }
    this.#described.set(key, described)
    try {
      return this.written(key, value, await write())
    } finally {
      if (this.#described.get(key) === described) this.#described.delete(key)
    }
  }

  #apply(events: readonly StorageEvent[]): void {
    const seen = this.#revision
    for (const event of events) {
      if (event.revision <= seen) continue
      const bad = this.#unreadable.size > 0 ? this.#unreadable.get(event.key) : undefined
      let cached: CacheEvent
      try {
        cached = this.#toCacheEvent(event, this.#tree.get(event.key) ?? bad?.last)
      } catch (error) {
        this.#applyUnreadable(event, error as UnreadableError)
        continue
      }
      this.#tree = event.type === 'delete' ? this.#tree.delete(event.key) : this.#tree.set(event.key, cached.entry)
      this.#revision = event.revision
      if (bad) this.#setUnreadable(without(this.#unreadable, event.key))
      else this.#window.push(cached, this.#tree)
      for (const watcher of this.#watchers) watcher.offer(cached)
    }
    this.#window.trim()
    this.#waiting.reached(this.#revision)
  }

  /** @throws UnreadableError when there is nothing to tell */
  #toCacheEvent(event: StorageEvent, previous: CacheEntry | undefined): CacheEvent {
    const before = previous ?? this.#previousOf(event)
    const own = this.#own.take(event.key, event.revision)
    if (event.type === 'put') {
      // What can't be read back isn't had, whoever wrote it.
      const entry = (!event.unreadable && own) || this.#entry(event.key, event.value, event.revision, event.unreadable)
      return new CacheEvent(entry, before, false)
    }
    const gone = before?.at(event.revision) ?? this.#entry(event.key, event.value, event.revision, event.unreadable)
    return new CacheEvent(gone, before ?? gone, true)
  }

  /** What an event says was there before; undefined as well when that can't be read, since then nobody has seen it. */
  #previousOf({ key, previous }: StorageEvent): CacheEntry | undefined {
    if (!previous) return undefined
    try {
      return this.#entry(key, previous.value, previous.revision, previous.unreadable)
    } catch {
      return undefined
    }
  }

  /** A new value that can't be read: the object is kept as it was for watchers. Or the end of one that never could be read. */
  #applyUnreadable({ type, key, revision }: StorageEvent, error: UnreadableError): void {
    const last = this.#tree.get(key) ?? this.#unreadable.get(key)?.last
    this.#tree = this.#tree.delete(key)
    this.#revision = revision
    if (type === 'put') {
      this.#setUnreadable(new Map(this.#unreadable).set(key, { error, revision, last }))
      this.#deps.onError?.(error)
      return
    }
    this.#setUnreadable(without(this.#unreadable, key))
    this.#endWatchesOf(key)
  }

  /** Watchers who may have missed something of an object start over. */
  #endWatchesOf(key: string): void {
    for (const watcher of [...this.#watchers])
      if (watcher.covers(key)) watcher.fail(new CompactedError(this.#revision, this.#revision))
  }

  /**
   * What a key holds, after asking for it has failed with this error: perhaps it can be read by now.
   * @throws the error, or what reading it fails with this time
   */
  async healed(error: unknown): Promise<CacheEntry | undefined> {
    if (!(error instanceof UnreadableError)) throw error
    const item = await this.#deps.storage.get(error.key)
    if (!item) return undefined
    const entry = this.#current(item)
    const known = this.#unreadable.get(error.key)
    if (known?.revision === item.revision) {
      this.#tree = this.#tree.set(error.key, entry)
      this.#setUnreadable(without(this.#unreadable, error.key))
      this.#endWatchesOf(error.key)
    }
    return entry
  }

  async #healSome(): Promise<void> {
    for (const { error } of [...this.#unreadable.values()].slice(0, HEAL_AT_ONCE)) {
      if (this.#closed) return
      await this.healed(error).catch(() => {})
    }
  }

  #progress(revision: number): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    for (const watcher of this.#watchers) watcher.progress(revision)
    this.#waiting.reached(this.#revision)
  }

  /** The resource as of the newest acknowledged write of the whole store: what a consistent list shows. */
  async consistentSnapshot(): Promise<Snapshot> {
    if (await this.#fresh()) return this.snapshot()
    const { revision, items } = await this.#deps.storage.list(this.#deps.prefix)
    return this.#snapshotOf(revision, items)
  }

  /** What a key holds as of the newest acknowledged write, whoever made it. Call `ready` first. @throws UnreadableError */
  async newest(key: string): Promise<CacheEntry | undefined> {
    if (await this.#fresh()) {
      const bad = this.#unreadable.size > 0 ? this.#unreadable.get(key) : undefined
      return bad ? await this.healed(bad.error) : this.#tree.get(key)
    }
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
    if (revision > this.#revision) this.#subscription?.hurry?.(revision)
    return revision <= this.#revision || this.#waiting.wait(revision, FRESH_WITHIN)
  }

  /** Whether what `get` says is what was last acknowledged in this process, so that `newest` tells nothing more. */
  get eager(): boolean {
    return this.#deps.storage.eager
  }

  /** What a key holds now. Call `ready` first. @throws UnreadableError, upon which `healed` may know more */
  get(key: string): CacheEntry | undefined {
    if (this.#unreadable.size > 0) {
      const bad = this.#unreadable.get(key)
      if (bad) throw bad.error
    }
    return this.#tree.get(key)
  }

  snapshot(): Snapshot {
    return { revision: this.#revision, tree: this.#tree, unreadable: this.#unreadable }
  }

  /** The resource as it was at `revision`, from the window or the storage's history. @throws CompactedError, FutureRevisionError */
  async snapshotAt(revision: number): Promise<Snapshot> {
    if (revision >= this.#revision) {
      if (revision > this.#revision) await this.#catchUp(revision)
      if (revision === this.#revision || (revision > this.#revision && this.eager))
        return { revision, tree: this.#tree, unreadable: this.#unreadable }
    }
    if (revision >= this.#window.start && revision <= this.#revision)
      return { revision, tree: this.#window.treeAt(revision), unreadable: this.#unreadable }
    const { items } = await this.#deps.storage.list(this.#deps.prefix, { revision })
    return this.#snapshotOf(revision, items)
  }

  /** @param share whether entries of the present tree are used where the object is the same */
  #snapshotOf(revision: number, items: readonly KeyValue[], share = true): Snapshot {
    const keys: string[] = []
    const entries: CacheEntry[] = []
    let unreadable: Map<string, Unreadable<CacheEntry>> | undefined
    for (const item of items) {
      const { key } = item
      let entry: CacheEntry
      try {
        entry = share ? this.#current(item) : this.#entry(key, item.value, item.revision, item.unreadable)
      } catch (error) {
        unreadable ??= new Map()
        unreadable.set(key, { error: error as UnreadableError, revision: item.revision, last: undefined })
        continue
      }
      keys.push(key)
      entries.push(entry)
    }
    return { revision, tree: SortedTree.fromSorted(keys, entries), unreadable: unreadable ?? ALL_READABLE }
  }

  /** Shares the entry when the object hasn't changed since. @throws UnreadableError */
  #current(item: KeyValue): CacheEntry {
    const now = this.#tree.get(item.key)
    return now?.revision === item.revision ? now : this.#entry(item.key, item.value, item.revision, item.unreadable)
  }

  /** Other resources' writes raise the store's revision without an event here. */
  async #catchUp(revision: number): Promise<void> {
    const current = await this.#deps.storage.currentRevision()
    if (revision > current) throw new FutureRevisionError(revision, current)
    if (!this.eager) await this.#reaches(revision)
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
    while (from < this.#window.start) {
      const end = this.#window.start
      past.push(...(await this.#history(from, end)))
      from = end
    }
    const watcher = new CacheWatcher(options, () => this.#watchers.delete(watcher))
    for (const event of past) watcher.offer(event)
    this.#window.forEachAfter(from, (event) => watcher.offer(event))
    this.#watchers.add(watcher)
    return watcher
  }

  /** Starts a watch at what a snapshot holds: the caller sends the snapshot itself. */
  watchFrom(snapshot: Snapshot, options: WatcherOptions): CacheWatcher {
    const watcher = new CacheWatcher(options, () => this.#watchers.delete(watcher))
    this.#window.forEachAfter(snapshot.revision, (event) => watcher.offer(event))
    this.#watchers.add(watcher)
    return watcher
  }

  /** Events in (afterRevision, end] from the storage's history: after a restart, or for a watch that was away long. */
  async #history(afterRevision: number, end: number): Promise<CacheEvent[]> {
    const events: CacheEvent[] = []
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const subscription = await this.#deps.storage.watch(this.#deps.prefix, afterRevision, {
      onEvents: (batch) => {
        for (const event of batch) {
          if (event.revision > end) break
          try {
            events.push(this.#toCacheEvent(event, undefined))
          } catch (error) {
            // A value that can't be read isn't told; the end of one must be.
            if (event.type === 'delete') reject(new CompactedError(afterRevision, event.revision))
            else this.#deps.onError?.(error as Error)
          }
        }
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

  /** What is stored is to be read otherwise from now on: ends the watches that there are, and forgets what was made of objects. */
  startOver(reason: Error): void {
    for (const watcher of [...this.#watchers]) watcher.fail(reason)
    this.#tree.forEach('', undefined, (entry) => {
      entry.dropForms()
      return true
    })
  }

  /** Ends the watches and the subscription. */
  close(reason: Error): void {
    this.#closed = true
    this.#stopHealing()
    this.#subscription?.close()
    for (const watcher of [...this.#watchers]) watcher.fail(reason)
  }
}

/** The reference's messages begin with `k8s` and a zero. */
const isProtobuf = (value: Buffer): boolean => value[0] === 0x6b && value[1] === 0x38 && value[2] === 0x73 && value[3] === 0

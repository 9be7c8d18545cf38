import { setTimeout as sleep } from 'node:timers/promises'
import { ProgressRounds } from '../progress-rounds.ts'
import {
  CompactedError,
  FutureRevisionError,
  type StorageEvent,
  StorageUnavailableError,
  type Subscription,
  type WatchHandler,
} from '../storage.ts'
import { backoff, type EtcdClient } from './client.ts'
import { Feed } from './feed.ts'
import type { EtcdEvent } from './messages.ts'

export interface WatchHubDeps {
  readonly client: EtcdClient
  /** What all keys of ours begin with; ends in `/`. */
  readonly prefix: string
  readonly revision: number
  readonly currentRevision: () => Promise<number>
  /** The buffer that a writer of this process has just stored, when it is the same as the value of an event. */
  readonly written: (key: string, value: Buffer) => Buffer
  readonly log: (message: string, fields?: object) => void
}

interface Watcher {
  readonly prefix: string
  readonly handler: WatchHandler
  /** Everything up to here was delivered. */
  position: number
  /** The revision that it wants to hear of at once; 0 for none. */
  awaited: number
  closed: boolean
}

interface Group {
  readonly watchers: Set<Watcher>
  /** The events of the batch that is being delivered. */
  events: StorageEvent[]
}

const NONE: readonly StorageEvent[] = []

/** Bounds of the past that is kept, for watches that begin a little behind. */
const maxRecentEvents = 4096
const maxRecentBytes = 16 << 20
/** Revisions that a watch may lie behind. Beyond that starting over is faster than reading every change. */
const maxReplay = 50_000

/**
 * Delivers changes to any number of watches from one feed. Watches are found by the `/`-ended beginnings of a changed key, so that a
 * change costs the same however many prefixes are watched. One that starts in the past reads a feed of its own until it has come to the
 * recent past that is kept here.
 */
export class WatchHub {
  readonly #deps: WatchHubDeps
  readonly #groups = new Map<string, Group>()
  /** Groups with events of the batch that is being delivered. */
  #touched: Group[] = []
  /** Watchers that wait for a revision, most of them without events of their own. */
  readonly #hurried = new Set<Watcher>()
  readonly #rounds = new ProgressRounds(() => this.#tellAll())
  /** Feeds of watches that aren't live yet, and how to end them. */
  readonly #replays = new Set<(error: Error) => void>()
  #feed: Feed
  #position: number
  #recent: StorageEvent[] = []
  #recentBytes = 0
  /** All our events after this revision are in `#recent`. */
  #recentStart: number
  #compacted = 0
  /** How often the feed started over without getting anywhere. */
  #startedOver = 0
  #closed = false

  constructor(deps: WatchHubDeps) {
    this.#deps = deps
    this.#position = deps.revision
    this.#recentStart = deps.revision
    this.#feed = this.#follow()
  }

  /** Resolves when changes come in. @throws StorageUnavailableError */
  begun(): Promise<void> {
    return this.#feed.begun
  }

  /**
   * Starts a watch. It may get events before this resolves.
   * @throws CompactedError, FutureRevisionError
   */
  async add(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription> {
    if (afterRevision < this.#compacted) throw new CompactedError(afterRevision, this.#compacted)
    if (afterRevision > this.#position) {
      const current = await this.#deps.currentRevision()
      if (afterRevision > current) throw new FutureRevisionError(afterRevision, current)
    }
    const watcher: Watcher = { prefix, handler, position: afterRevision, awaited: 0, closed: false }
    if (!this.#join(watcher)) await this.#replay(watcher)
    return { close: () => this.#remove(watcher), hurry: (revision) => this.#hurry(watcher, revision) }
  }

  /** Lets no watch begin before a revision that was compacted by this process. */
  forget(revision: number): void {
    this.#compacted = Math.max(this.#compacted, revision)
  }

  /** Ends all watches. */
  close(error: Error): void {
    this.#closed = true
    this.#feed.close()
    this.#rounds.close()
    for (const end of [...this.#replays]) end(error)
    this.#endAll(error)
  }

  #follow(): Feed {
    return new Feed({
      client: this.#deps.client,
      after: this.#position,
      newest: true,
      onEvents: (events, revision) => this.#publish(events, revision),
      onEnd: (error) => void this.#startOver(error),
      log: this.#deps.log,
    })
  }

  /** Changes were compacted before they came: nobody can go on, and what is watched from now on begins with now. */
  async #startOver(error: Error): Promise<void> {
    this.#feed.close()
    this.#deps.log('the watch of etcd starts over', { error: error.message })
    while (!this.#closed) {
      await sleep(backoff(this.#startedOver++))
      try {
        const revision = await this.#deps.currentRevision()
        this.#drop(this.#recent.length)
        this.#touched = []
        this.#position = revision
        this.#recentStart = revision
        if (!this.#closed) this.#feed = this.#follow()
        break
      } catch {
        // Until etcd can be asked again.
      }
    }
    this.#endAll(error)
  }

  #publish(events: readonly EtcdEvent[], revision: number): void {
    try {
      for (const event of events) this.#sort(event)
    } catch (error) {
      void this.#startOver(error as Error)
      return
    }
    this.#position = revision
    this.#startedOver = 0
    if (this.#recent.length > maxRecentEvents || this.#recentBytes > maxRecentBytes) this.#trim()
    for (const group of this.#touched) {
      const { events: fresh } = group
      group.events = []
      for (const watcher of group.watchers) this.#deliver(watcher, fresh, revision)
    }
    this.#touched = []
    if (this.#hurried.size > 0) for (const watcher of this.#hurried) this.#hurry(watcher, watcher.awaited)
    this.#rounds.due()
  }

  /** Tells a watcher that it has everything up to a revision, now or once that has come. */
  #hurry(watcher: Watcher, revision: number): void {
    // While a batch is being delivered, its events come first.
    if (this.#position < revision || this.#touched.length > 0) {
      watcher.awaited = Math.max(watcher.awaited, revision)
      this.#hurried.add(watcher)
      return
    }
    this.#hurried.delete(watcher)
    watcher.awaited = 0
    this.#deliver(watcher, NONE, this.#position)
  }

  #tellAll(): void {
    for (const { watchers } of [...this.#groups.values()])
      for (const watcher of watchers) this.#deliver(watcher, NONE, this.#position)
  }

  /** Keeps an event, and appends it to all groups whose prefix it is under. */
  #sort(given: EtcdEvent): void {
    const { key } = given.current!
    if (!key.startsWith(this.#deps.prefix)) return
    const event = this.#event(given)
    this.#recent.push(event)
    this.#recentBytes += sizeOf(event)
    for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) {
      const group = this.#groups.get(key.slice(0, slash + 1))
      if (group && group.events.push(event) === 1) this.#touched.push(group)
    }
  }

  /** @throws CompactedError when etcd has already forgotten what was there before */
  #event({ type, current, previous: before }: EtcdEvent): StorageEvent {
    const { key, modRevision: revision, createRevision } = current!
    const previous = before && { value: before.value, revision: before.modRevision }
    if (type === 0) {
      const value = this.#deps.written(key, current!.value)
      if (createRevision === revision) return { type: 'put', key, value, revision, createRevision }
      if (previous) return { type: 'put', key, value, revision, createRevision, previous }
    } else if (previous) {
      return { type: 'delete', key, value: previous.value, revision, createRevision: before.createRevision, previous }
    }
    throw new CompactedError(revision - 1, revision)
  }

  #trim(): void {
    let drop = 0
    for (let bytes = this.#recentBytes; bytes > maxRecentBytes / 2; drop++) bytes -= sizeOf(this.#recent[drop]!)
    drop = Math.max(drop, this.#recent.length - maxRecentEvents / 2)
    this.#recentStart = this.#recent[drop - 1]!.revision
    // Several keys can change in one revision: what is kept of it is kept whole.
    while (this.#recent[drop]?.revision === this.#recentStart) drop++
    this.#drop(drop)
  }

  #drop(count: number): void {
    for (let i = 0; i < count; i++) this.#recentBytes -= sizeOf(this.#recent[i]!)
    this.#recent = this.#recent.slice(count)
  }

  /** Makes a watch live, if what it doesn't have yet is at hand. */
  #join(watcher: Watcher): boolean {
    if (watcher.position < this.#recentStart) return false
    const { prefix, position } = watcher
    const missed = this.#recent.filter(({ key, revision }) => revision > position && key.startsWith(prefix))
    let group = this.#groups.get(prefix)
    if (!group) {
      group = { watchers: new Set(), events: [] }
      this.#groups.set(prefix, group)
    }
    group.watchers.add(watcher)
    this.#deliver(watcher, missed, this.#position)
    return true
  }

  /** Reads the changes that a watch missed from etcd, until it is live. */
  #replay(watcher: Watcher): Promise<void> {
    const { prefix, position } = watcher
    if (this.#position - position > maxReplay) throw new CompactedError(position, this.#position - maxReplay)
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        feed.close()
        this.#replays.delete(done)
        if (error) reject(error)
        else resolve()
      }
      const feed = new Feed({
        client: this.#deps.client,
        after: position,
        onEvents: (events, revision) => {
          try {
            const ours = events.filter(({ current }) => current!.key.startsWith(prefix)).map((event) => this.#event(event))
            this.#deliver(watcher, ours, revision)
          } catch (error) {
            done(error as Error)
            return
          }
          if (watcher.closed || this.#join(watcher)) done()
        },
        onEnd: done,
        log: this.#deps.log,
      })
      this.#replays.add(done)
    })
  }

  /** Hands over what the watcher doesn't have yet; then it has everything up to `revision`. */
  #deliver(watcher: Watcher, events: readonly StorageEvent[], revision: number): void {
    const { handler, position, closed } = watcher
    if (closed || revision <= position) return
    const fresh =
      events.length > 0 && events[0]!.revision <= position ? events.filter((event) => event.revision > position) : events
    watcher.position = revision
    try {
      if (fresh.length > 0) handler.onEvents(fresh)
      if (!watcher.closed) handler.onProgress?.(revision)
    } catch (error) {
      this.#deps.log('a watch handler threw', { prefix: watcher.prefix, error: String(error) })
      this.#end(watcher, error as Error)
    }
  }

  #endAll(error: Error): void {
    for (const { watchers } of [...this.#groups.values()]) for (const watcher of [...watchers]) this.#end(watcher, error)
  }

  #end(watcher: Watcher, error: Error): void {
    if (watcher.closed) return
    this.#remove(watcher)
    try {
      watcher.handler.onError(error)
    } catch (thrown) {
      this.#deps.log('a watch handler threw', { prefix: watcher.prefix, error: String(thrown) })
    }
  }

  #remove(watcher: Watcher): void {
    watcher.closed = true
    this.#hurried.delete(watcher)
    const group = this.#groups.get(watcher.prefix)
    if (group?.watchers.delete(watcher) && group.watchers.size === 0) this.#groups.delete(watcher.prefix)
  }
}

/** What ends a watch when the store is closed. */
export const closedError = (): StorageUnavailableError => new StorageUnavailableError('the store is closed')

const sizeOf = ({ value, previous }: StorageEvent): number => 200 + value.length + (previous?.value.length ?? 0)

import { ProgressRounds } from '../progress-rounds.ts'
import {
  CompactedError,
  FutureRevisionError,
  StorageError,
  type StorageEvent,
  type Subscription,
  type WatchHandler,
} from '../storage.ts'
import type { Change } from './batch.ts'
import { decodeChange, readState, type State, type Tables } from './tables.ts'

interface Group {
  readonly prefix: string
  readonly watchers: Set<Watcher>
  /** The events of the batch that is being published. */
  events: StorageEvent[]
}

interface Watcher {
  readonly handler: WatchHandler
  readonly group: Group
  /** Everything up to here was delivered. */
  position: number
  /** False while history is replayed. */
  live: boolean
  closed: boolean
}

/** How long a replay may keep the event loop, in milliseconds. */
const slice = 4

/**
 * Delivers changes to watches. Watches are found by the `/`-ended beginnings of a changed key, so that a change costs the
 * same however many prefixes are watched. A watch that starts in the past reads history in slices until it has caught up
 * with what is published, and gets published batches from then on; as both happen in order on one thread, there is no gap.
 */
export class WatchHub {
  readonly #tables: Tables
  readonly #log: (message: string, fields?: object) => void
  readonly #groups = new Map<string, Group>()
  /** Groups with events of the batch that is being published. */
  #touched: Group[] = []
  readonly #rounds = new ProgressRounds(() => this.#tellAll())
  #published: number

  constructor(deps: { tables: Tables; revision: number; log: (message: string, fields?: object) => void }) {
    this.#tables = deps.tables
    this.#log = deps.log
    this.#published = deps.revision
  }

  /**
   * Starts a watch. Events come only after the caller's turn.
   *
   * @throws CompactedError, FutureRevisionError
   */
  add(prefix: string, afterRevision: number, handler: WatchHandler): Subscription {
    // The stored state may be a batch ahead of the published one; then the watch skips that batch's events.
    const { compacted, revision } = readState(this.#tables)!
    if (afterRevision < compacted) throw new CompactedError(afterRevision, compacted)
    if (afterRevision > revision) throw new FutureRevisionError(afterRevision, revision)
    let group = this.#groups.get(prefix)
    if (!group) {
      group = { prefix, watchers: new Set(), events: [] }
      this.#groups.set(prefix, group)
    }
    const live = afterRevision >= this.#published
    const watcher: Watcher = { handler, group, position: afterRevision, live, closed: false }
    group.watchers.add(watcher)
    if (!live) setImmediate(() => this.#replay(watcher))
    return { close: () => this.#remove(watcher) }
  }

  /** Delivers a batch that is on disk. */
  publish(changes: readonly Change[], state: State): void {
    this.#published = state.revision
    if (this.#groups.size === 0) return
    try {
      for (const change of changes) this.#sort(change)
    } catch (error) {
      // A value that can't be read: nobody may go on without its event.
      this.#log('the store lacks a value for its watches', { error: String(error) })
      this.close(error as Error)
      return
    }
    const touched = this.#touched
    this.#touched = []
    for (const group of touched) {
      const { events } = group
      group.events = []
      for (const watcher of group.watchers) if (watcher.live) this.#deliver(watcher, events, state.revision)
    }
    this.#rounds.due()
  }

  #tellAll(): void {
    for (const { watchers } of [...this.#groups.values()])
      for (const watcher of watchers) if (watcher.live) this.#deliver(watcher, [], this.#published)
  }

  /** Ends all watches. */
  close(error: Error): void {
    this.#rounds.close()
    for (const group of this.#groups.values()) {
      for (const watcher of group.watchers) this.#end(watcher, error)
    }
  }

  /** Appends the change's event to all groups whose prefix it is under. */
  #sort(change: Change): void {
    const { key } = change.write
    let event: StorageEvent | undefined
    for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) {
      const group = this.#groups.get(key.slice(0, slash + 1))
      if (group && group.events.push((event ??= this.#event(change))) === 1) this.#touched.push(group)
    }
  }

  #event({ write, revision, createRevision, replaced, replacedValue }: Change): StorageEvent {
    const { key } = write
    if (!replaced || replaced.deleted) return { type: 'put', key, value: write.value!, revision, createRevision }
    const previous = { value: replacedValue ?? this.#value(key, replaced.revision), revision: replaced.revision }
    return { type: write.value ? 'put' : 'delete', key, value: write.value ?? previous.value, revision, createRevision, previous }
  }

  /** Hands over what the watcher doesn't have yet; then it has everything up to `revision`. */
  #deliver(watcher: Watcher, events: readonly StorageEvent[], revision: number): void {
    if (watcher.closed || revision <= watcher.position) return
    const { handler, position } = watcher
    const fresh =
      events.length > 0 && events[0]!.revision <= position ? events.filter((event) => event.revision > position) : events
    watcher.position = revision
    try {
      if (fresh.length > 0) handler.onEvents(fresh)
      if (!watcher.closed) handler.onProgress?.(revision)
    } catch (error) {
      this.#log('a watch handler threw', { prefix: watcher.group.prefix, error: String(error) })
      this.#end(watcher, error as Error)
    }
  }

  #replay(watcher: Watcher): void {
    if (watcher.closed) return
    const published = this.#published
    try {
      const { compacted } = readState(this.#tables)!
      if (compacted > watcher.position) throw new CompactedError(watcher.position, compacted)
      const deadline = performance.now() + slice
      const events: StorageEvent[] = []
      let reached = published
      let rows = 0
      for (const { key: revision, value } of this.#tables.changes.getRange({ start: watcher.position + 1, end: published + 1 })) {
        const event = this.#replayed(revision, value, watcher.group.prefix)
        if (event) events.push(event)
        if ((++rows & 63) === 0 && performance.now() > deadline) {
          reached = revision
          break
        }
      }
      this.#deliver(watcher, events, reached)
    } catch (error) {
      this.#end(watcher, error as Error)
    }
    if (watcher.position >= this.#published) watcher.live = true
    else setImmediate(() => this.#replay(watcher))
  }

  #replayed(revision: number, record: Buffer, prefix: string): StorageEvent | undefined {
    const { key, deleted, createRevision, previousRevision } = decodeChange(record)
    if (!key.startsWith(prefix)) return undefined
    const previous =
      createRevision === revision ? undefined : { value: this.#value(key, previousRevision), revision: previousRevision }
    const value = deleted ? previous!.value : this.#value(key, revision)
    const event = { type: deleted ? 'delete' : 'put', key, value, revision, createRevision } as const
    return previous ? { ...event, previous } : event
  }

  #value(key: string, revision: number): Buffer {
    const value = this.#tables.values.get(revision)
    if (!value) throw new StorageError(`the store lacks the value of ${key} at revision ${revision}`)
    return value
  }

  #end(watcher: Watcher, error: Error): void {
    if (watcher.closed) return
    this.#remove(watcher)
    try {
      watcher.handler.onError(error)
    } catch (thrown) {
      this.#log('a watch handler threw', { prefix: watcher.group.prefix, error: String(thrown) })
    }
  }

  #remove(watcher: Watcher): void {
    watcher.closed = true
    const { group } = watcher
    group.watchers.delete(watcher)
    if (group.watchers.size === 0 && this.#groups.get(group.prefix) === group) this.#groups.delete(group.prefix)
  }
}

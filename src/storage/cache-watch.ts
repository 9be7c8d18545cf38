import type { CacheEntry } from './cache-entry.ts'

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** A change of one object, shared by all watchers, with the bytes that were framed for any of them. */
export class CacheEvent {
  /** The object after the change; for a deletion its last state at the deletion's revision. */
  readonly entry: CacheEntry
  readonly previous: CacheEntry | undefined
  readonly deleted: boolean
  #frames: Map<string, Buffer> | undefined
  /** The last state at this event's revision: what watchers whose selector it left are told. */
  #left: CacheEntry | undefined

  constructor(entry: CacheEntry, previous: CacheEntry | undefined, deleted: boolean) {
    this.entry = entry
    this.previous = previous
    this.deleted = deleted
  }

  /** The bytes of this event in one form, made by the first who asks. */
  frame(name: string, make: () => Buffer): Buffer {
    let frame = this.#frames?.get(name)
    if (!frame) {
      frame = make()
      this.#frames ??= new Map()
      this.#frames.set(name, frame)
    }
    return frame
  }

  /** The object to tell of: `DELETED` shows the last state, at this event's revision. */
  shown(type: WatchEventType): CacheEntry {
    if (type !== 'DELETED' || this.deleted) return this.entry
    this.#left ??= (this.previous as CacheEntry).at(this.entry.revision)
    return this.#left
  }
}

export interface WatcherOptions {
  /** Keys that start with this are watched; a key itself for one object. */
  prefix: string
  /** Whether the prefix is one object's whole key. */
  exact: boolean
  /** Unset matches all. */
  matches?: ((entry: CacheEntry) => boolean) | undefined
  onEvent(type: WatchEventType, event: CacheEvent): void
  /** Nothing the watcher hasn't seen exists up to this revision. */
  onProgress?(revision: number): void
  /** The watch can't go on; the client must start over. */
  onFail(error: Error): void
}

/** The watch is over without anything being wrong: what was watched is served otherwise now, or no more. */
export class WatchEndedError extends Error {
  override name = 'WatchEndedError'

  constructor() {
    super('the watch is over')
  }
}

export class CacheWatcher {
  readonly #options: WatcherOptions
  readonly #remove: () => void

  constructor(options: WatcherOptions, remove: () => void) {
    this.#options = options
    this.#remove = remove
  }

  offer(event: CacheEvent): void {
    const { prefix, exact, matches, onEvent } = this.#options
    const key = event.entry.key
    if (exact ? key !== prefix : !key.startsWith(prefix)) return
    if (!matches) {
      onEvent(event.deleted ? 'DELETED' : event.previous ? 'MODIFIED' : 'ADDED', event)
      return
    }
    const before = event.previous !== undefined && matches(event.previous)
    const after = !event.deleted && matches(event.entry)
    if (after) onEvent(before ? 'MODIFIED' : 'ADDED', event)
    else if (before) onEvent('DELETED', event)
  }

  /** Whether changes of this key are for this watcher, as far as the key tells. */
  covers(key: string): boolean {
    const { prefix, exact } = this.#options
    return exact ? key === prefix : key.startsWith(prefix)
  }

  progress(revision: number): void {
    this.#options.onProgress?.(revision)
  }

  fail(error: Error): void {
    this.#remove()
    this.#options.onFail(error)
  }

  close(): void {
    this.#remove()
  }
}

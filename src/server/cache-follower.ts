import { setTimeout } from 'node:timers/promises'
import { afterPrefix } from '../registry/resource.ts'
import type { KindStore } from '../registry/store.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { CacheWatcher } from '../storage/cache-watch.ts'

export interface FollowHandler {
  put(entry: CacheEntry): void
  /** @param last the object's last state; unset when it went during a break of the store's watch */
  remove(namespace: string, name: string, key: string, last: CacheEntry | undefined): void
  /** Told after such a break, once all that changed meanwhile was told. */
  caughtUp?(): void
}

const RETRY_MS = 500

/**
 * Tells of every object of a kind and of every later change, before the write that made it is acknowledged. After a break of the store's
 * watch it tells what changed meanwhile; until then what was told last stands.
 */
export class CacheFollower {
  readonly #store: KindStore
  readonly #handler: FollowHandler
  readonly #onError: (error: unknown) => void
  /** What was told of, by key, with its revision. */
  readonly #told = new Map<string, number>()
  #watcher: CacheWatcher | undefined
  #closed = false

  constructor(store: KindStore, handler: FollowHandler, onError: (error: unknown) => void) {
    this.#store = store
    this.#handler = handler
    this.#onError = onError
  }

  /** Resolves once all that is stored was told. */
  async start(): Promise<void> {
    const { cache } = this.#store
    await cache.ready()
    if (this.#closed) return
    const snapshot = cache.snapshot()
    const prefix = this.#store.prefix('')
    const gone = new Set(this.#told.keys())
    snapshot.tree.forEach(prefix, afterPrefix(prefix), (entry) => {
      gone.delete(entry.key)
      if (this.#told.get(entry.key) !== entry.revision) this.#put(entry)
      return true
    })
    for (const key of gone) this.#remove(key, undefined)
    this.#watcher = cache.watchFrom(snapshot, {
      prefix,
      exact: false,
      onEvent: (type, { entry }) => (type === 'DELETED' ? this.#remove(entry.key, entry) : this.#put(entry)),
      onFail: () => {
        if (!this.#closed) void this.#again()
      },
    })
  }

  async #again(): Promise<void> {
    while (!this.#closed) {
      try {
        await setTimeout(RETRY_MS, undefined, { ref: false })
        await this.start()
        this.#handler.caughtUp?.()
        return
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  #put(entry: CacheEntry): void {
    this.#told.set(entry.key, entry.revision)
    this.#handler.put(entry)
  }

  #remove(key: string, last: CacheEntry | undefined): void {
    this.#told.delete(key)
    const parts = key.slice(this.#store.prefix('').length).split('/')
    const name = parts.pop() ?? ''
    this.#handler.remove(parts[0] ?? '', name, key, last)
  }

  close(): void {
    this.#closed = true
    this.#watcher?.close()
  }
}

import type { CacheEntry } from './cache-entry.ts'

/** How many wait at most: with a storage whose watch doesn't come, the rest are made again. */
const MAX_WAITING = 1000

/**
 * What writers of this process have stored and the storage's watch hasn't told of yet. The cache takes their entries when it does, so that
 * an object's bytes are made and held once.
 */
export class OwnWrites {
  /** By key, the oldest first. */
  readonly #waiting = new Map<string, CacheEntry>()

  add(entry: CacheEntry): void {
    this.#waiting.delete(entry.key)
    this.#waiting.set(entry.key, entry)
    if (this.#waiting.size <= MAX_WAITING) return
    const [oldest] = this.#waiting.keys()
    this.#waiting.delete(oldest as string)
  }

  /** For when the cache starts over: what was written by then comes with the list. */
  clear(): void {
    this.#waiting.clear()
  }

  /** The entry for an event, if it is of a write of ours. */
  take(key: string, revision: number): CacheEntry | undefined {
    const entry = this.#waiting.get(key)
    if (!entry || entry.revision > revision) return undefined
    this.#waiting.delete(key)
    return entry.revision === revision ? entry : undefined
  }
}

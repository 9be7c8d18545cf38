/**
 * What was used lately, by a text: the last `size` at least, and twice as many at most. A use moves an entry only now and then, so that
 * finding one is little more than a look into a map.
 */
export class RecentMap<T extends object> {
  readonly #size: number
  /** Those that were used since the last time that it was full. */
  #recent = new Map<string, Entry<T>>()
  /** Those that were used before. */
  #older = new Map<string, Entry<T>>()

  constructor(size: number) {
    this.#size = size
  }

  find(key: string): T | undefined {
    const recent = this.#recent.get(key)
    if (recent) return recent.value
    const older = this.#older.get(key)
    if (older) this.#put(older)
    return older?.value
  }

  /** @param key stays in memory: not a part of a longer text, which would stay with it */
  keep(key: string, value: T): void {
    this.#put({ key, value })
  }

  clear(): void {
    this.#recent.clear()
    this.#older.clear()
  }

  #put(entry: Entry<T>): void {
    if (this.#recent.size >= this.#size) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(entry.key, entry)
  }
}

interface Entry<T> {
  readonly key: string
  readonly value: T
}

import type { ReadOptions, Table } from './tables.ts'

/**
 * Bytes of a value's part: what one page of the store holds, headers taken off.
 *
 * LMDB gives a value that takes several pages ones that lie side by side. It finds them by looking through its list of free
 * pages, which gets long and slow where all free runs are too short, so that updates of 8 kB took four times the CPU of
 * those of 3 kB. Single pages are at hand.
 */
export const partBytes = 8192 - 64

export interface PartKey {
  readonly revision: number
  /** From 1 on: the first part is in the values themselves. */
  readonly part: number
}

/** Values by revision. What is longer than a page goes on in a table of parts. */
export class Values {
  /** Whole values, or what they begin with. */
  readonly firsts: Table<number>
  readonly parts: Table<PartKey>

  constructor(firsts: Table<number>, parts: Table<PartKey>) {
    this.firsts = firsts
    this.parts = parts
  }

  get(revision: number, options?: ReadOptions): Buffer | undefined {
    const first = this.firsts.get(revision, options)
    // Stores of format 1 hold longer ones, as a whole.
    if (first?.length !== partBytes) return first
    const parts = [first]
    for (let part = 1, last = first; last.length === partBytes; part++) {
      const next = this.parts.get({ revision, part }, options)
      if (!next) break
      parts.push(next)
      last = next
    }
    return Buffer.concat(parts)
  }

  /**
   * Only within `transact`.
   *
   * @param revision greater than all others
   */
  put(revision: number, value: Buffer): void {
    if (value.length <= partBytes) {
      this.firsts.put(revision, value, append).catch(ignore)
      return
    }
    this.firsts.put(revision, value.subarray(0, partBytes), append).catch(ignore)
    for (let part = 1; part * partBytes < value.length; part++) {
      const bytes = value.subarray(part * partBytes, (part + 1) * partBytes)
      this.parts.put({ revision, part }, bytes, append).catch(ignore)
    }
  }

  /**
   * Only within `transact`.
   *
   * @param size of the value
   */
  remove(revision: number, size: number): void {
    void this.firsts.remove(revision)
    for (let part = 1; part * partBytes < size; part++) void this.parts.remove({ revision, part })
  }
}

export const append = { append: true }

/** The transaction's own promise tells. */
export function ignore(): void {}

import type { SortedTree } from '../util/sorted-tree.ts'
import type { CacheEntry } from './cache-entry.ts'
import type { CacheEvent } from './cache-watch.ts'

type Tree = SortedTree<CacheEntry>

interface Item {
  readonly event: CacheEvent
  /** The tree after the event. */
  readonly tree: Tree
}

/** The recent past of a resource: every event after a revision, and what was there at each of them, within a bound of bytes. */
export class CacheWindow {
  readonly #limit: number
  #items: Item[] = []
  #bytes = 0
  #start = 0
  /** What was there at the start. */
  #startTree: Tree

  /** @param limit bytes that the objects of the events may have */
  constructor(limit: number, tree: Tree) {
    this.#limit = limit
    this.#startTree = tree
  }

  /** Events after this revision are here. */
  get start(): number {
    return this.#start
  }

  get length(): number {
    return this.#items.length
  }

  /** Starts anew: nothing before is known any more. */
  reset(revision: number, tree: Tree): void {
    this.#start = revision
    this.#startTree = tree
    this.#items = []
    this.#bytes = 0
  }

  push(event: CacheEvent, tree: Tree): void {
    this.#items.push({ event, tree })
    this.#bytes += event.entry.body.length
  }

  /** What was there at a revision that is not before the start. */
  treeAt(revision: number): Tree {
    const at = this.#index(revision)
    return at === 0 ? this.#startTree : (this.#items[at - 1] as Item).tree
  }

  /** Hands over each event after a revision that is not before the start, in order. */
  forEachAfter(revision: number, use: (event: CacheEvent) => void): void {
    for (let i = this.#index(revision); i < this.#items.length; i++) use((this.#items[i] as Item).event)
  }

  /** Drops the oldest events that are beyond the bound; the newest one stays. */
  trim(): void {
    // Dropping in larger steps keeps the cost of finding out how much to drop, and of shifting the array, down.
    if (this.#bytes <= this.#limit * 1.125) return
    let drop = 0
    let bytes = this.#bytes
    while (bytes > this.#limit && drop < this.#items.length - 1) bytes -= (this.#items[drop++] as Item).event.entry.body.length
    const last = this.#items[drop - 1]
    if (!last) return
    this.#start = last.event.entry.revision
    this.#startTree = last.tree
    this.#items = this.#items.slice(drop)
    this.#bytes = bytes
  }

  /** The number of events with a revision of at most `revision`. */
  #index(revision: number): number {
    let low = 0
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#items[middle] as Item).event.entry.revision <= revision) low = middle + 1
      else high = middle
    }
    return low
  }
}

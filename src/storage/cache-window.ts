import type { SortedTree } from '../util/sorted-tree.ts'
import type { CacheEntry } from './cache-entry.ts'
import type { CacheEvent } from './cache-watch.ts'

type Tree = SortedTree<CacheEntry>

interface Item {
  readonly event: CacheEvent
  /** The tree after the event, at every `TREE_EVERY`th. */
  readonly tree: Tree | undefined
}

/**
 * How often the tree is kept. Those in between are made of the last one and the events since when somebody asks: each tree that is kept
 * keeps some two kilobytes that only it has, until it is old and costs the garbage collector most.
 */
const TREE_EVERY = 64

/** The recent past of a resource: every event after a revision, and what was there at each of them, within a bound of bytes. */
export class CacheWindow {
  readonly #limit: number
  #items: Item[] = []
  #bytes = 0
  #start = 0
  /** Events since the tree was kept. */
  #sinceTree = 0
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
    this.#sinceTree = 0
  }

  push(event: CacheEvent, tree: Tree): void {
    const keep = ++this.#sinceTree === TREE_EVERY
    if (keep) this.#sinceTree = 0
    this.#items.push({ event, tree: keep ? tree : undefined })
    this.#bytes += event.entry.body.length
  }

  /** What was there at a revision that is not before the start. */
  treeAt(revision: number): Tree {
    const end = this.#index(revision)
    let at = end
    while (at > 0 && !this.#items[at - 1]?.tree) at--
    let tree = at > 0 ? (this.#items[at - 1]?.tree as Tree) : this.#startTree
    for (; at < end; at++) {
      const { entry, deleted } = (this.#items[at] as Item).event
      tree = deleted ? tree.delete(entry.key) : tree.set(entry.key, entry)
    }
    return tree
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
    const { revision } = last.event.entry
    this.#startTree = this.treeAt(revision)
    this.#start = revision
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

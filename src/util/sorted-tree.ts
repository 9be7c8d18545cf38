/**
 * A persistent sorted map from strings to values: every change gives a new tree that shares all but one path with the old one, so
 * that a snapshot is a reference. A B+ tree, since wide leaves make iteration and memory cheap.
 */
export class SortedTree<V> {
  static readonly #EMPTY = new SortedTree<never>({ keys: [], values: [], size: 0 })
  readonly #root: Node<V>

  private constructor(root: Node<V>) {
    this.#root = root
  }

  static empty<V>(): SortedTree<V> {
    return SortedTree.#EMPTY as SortedTree<V>
  }

  /** Builds from entries that are already in ascending key order, without repeats. */
  static fromSorted<V>(keys: readonly string[], values: readonly V[]): SortedTree<V> {
    let level: Node<V>[] = []
    for (let i = 0; i < keys.length; i += FILL) {
      const part = keys.slice(i, i + FILL)
      level.push({ keys: part, values: values.slice(i, i + FILL), size: part.length })
    }
    if (level.length === 0) return SortedTree.empty()
    while (level.length > 1) {
      const next: Node<V>[] = []
      for (let i = 0; i < level.length; i += FILL) next.push(branch(level.slice(i, i + FILL)))
      level = next
    }
    return new SortedTree(level[0] as Node<V>)
  }

  get size(): number {
    return this.#root.size
  }

  get(key: string): V | undefined {
    let node = this.#root
    while (isBranch(node)) node = node.children[childFor(node, key)] as Node<V>
    const at = lowerBound(node.keys, key)
    return node.keys[at] === key ? node.values[at] : undefined
  }

  set(key: string, value: V): SortedTree<V> {
    const made = put(this.#root, key, value)
    return new SortedTree(made.length === 1 ? (made[0] as Node<V>) : branch(made))
  }

  delete(key: string): SortedTree<V> {
    if (this.get(key) === undefined) return this
    let root = remove(this.#root, key)
    while (root && isBranch(root) && root.children.length === 1) root = root.children[0] as Node<V>
    return root ? new SortedTree(root) : SortedTree.empty()
  }

  /**
   * Calls back for every entry from `start` (inclusive) to `end` (exclusive; unset means all), in order, until `visit` returns false.
   */
  forEach(start: string, end: string | undefined, visit: (value: V, key: string) => boolean | undefined): void {
    walk(this.#root, start, end, visit)
  }

  /** How many keys lie in [start, end). */
  count(start: string, end: string | undefined): number {
    return (end === undefined ? this.size : rank(this.#root, end)) - rank(this.#root, start)
  }
}

interface Leaf<V> {
  readonly keys: readonly string[]
  readonly values: readonly V[]
  readonly size: number
}

interface Branch<V> {
  /** The smallest key of each child. */
  readonly keys: readonly string[]
  readonly children: readonly Node<V>[]
  readonly size: number
}

type Node<V> = Leaf<V> | Branch<V>

const MAX = 32
/** How full a bulk load packs its nodes, so that the next writes don't split them all. */
const FILL = 24

const isBranch = <V>(node: Node<V>): node is Branch<V> => 'children' in node

function branch<V>(children: readonly Node<V>[]): Branch<V> {
  let size = 0
  for (const child of children) size += child.size
  return { keys: children.map((c) => c.keys[0] as string), children, size }
}

/** The branch with another child in the place of one. */
function replaced<V>(node: Branch<V>, at: number, before: Node<V>, after: Node<V>): Branch<V> {
  const first = after.keys[0] as string
  return {
    keys: first === node.keys[at] ? node.keys : node.keys.with(at, first),
    children: node.children.with(at, after),
    size: node.size - before.size + after.size,
  }
}

/** The first index whose key is not less than `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

function childFor<V>(node: Branch<V>, key: string): number {
  const at = lowerBound(node.keys, key)
  return node.keys[at] === key ? at : Math.max(0, at - 1)
}

function put<V>(node: Node<V>, key: string, value: V): Node<V>[] {
  if (isBranch(node)) {
    const at = childFor(node, key)
    const before = node.children[at] as Node<V>
    const made = put(before, key, value)
    if (made.length === 1) return [replaced(node, at, before, made[0] as Node<V>)]
    const children = node.children.toSpliced(at, 1, ...made)
    if (children.length <= MAX) return [branch(children)]
    const half = children.length >> 1
    return [branch(children.slice(0, half)), branch(children.slice(half))]
  }
  const at = lowerBound(node.keys, key)
  if (node.keys[at] === key) return [{ keys: node.keys, values: node.values.with(at, value), size: node.size }]
  const keys = node.keys.toSpliced(at, 0, key)
  const values = node.values.toSpliced(at, 0, value)
  if (keys.length <= MAX) return [{ keys, values, size: keys.length }]
  // Keys often come in rising order: splitting at the end keeps leaves full then.
  const half = at === node.keys.length ? FILL : keys.length >> 1
  return [
    { keys: keys.slice(0, half), values: values.slice(0, half), size: half },
    { keys: keys.slice(half), values: values.slice(half), size: keys.length - half },
  ]
}

function remove<V>(node: Node<V>, key: string): Node<V> | undefined {
  if (!isBranch(node)) {
    const at = lowerBound(node.keys, key)
    if (node.keys.length === 1) return undefined
    return { keys: node.keys.toSpliced(at, 1), values: node.values.toSpliced(at, 1), size: node.size - 1 }
  }
  const at = childFor(node, key)
  const left = remove(node.children[at] as Node<V>, key)
  if (!left && node.children.length === 1) return undefined
  return left ? replaced(node, at, node.children[at] as Node<V>, left) : branch(node.children.toSpliced(at, 1))
}

function walk<V>(
  node: Node<V>,
  start: string,
  end: string | undefined,
  visit: (value: V, key: string) => boolean | undefined,
): boolean {
  if (isBranch(node)) {
    for (let i = childFor(node, start); i < node.children.length; i++) {
      if (end !== undefined && (node.keys[i] as string) >= end) return false
      if (!walk(node.children[i] as Node<V>, start, end, visit)) return false
    }
    return true
  }
  const { keys, values } = node
  // Most leaves lie within the range as a whole: two comparisons instead of one for every key.
  const from = (keys[0] as string) >= start ? 0 : lowerBound(keys, start)
  const to = end === undefined || (keys.at(-1) as string) < end ? keys.length : lowerBound(keys, end)
  for (let i = from; i < to; i++) if (visit(values[i] as V, keys[i] as string) === false) return false
  return to === keys.length
}

/** How many keys are less than `key`. */
function rank<V>(node: Node<V>, key: string): number {
  if (!isBranch(node)) return lowerBound(node.keys, key)
  const at = childFor(node, key)
  let before = 0
  for (let i = 0; i < at; i++) before += (node.children[i] as Node<V>).size
  return before + rank(node.children[at] as Node<V>, key)
}

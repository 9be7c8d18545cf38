import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SortedTree } from '../util/sorted-tree.ts'
import { CacheEntry } from './cache-entry.ts'
import { CacheEvent } from './cache-watch.ts'
import { CacheWindow } from './cache-window.ts'

const entryOf = (key: string, revision: number): CacheEntry =>
  new CacheEntry(key, Buffer.from(`{"r":${String(revision).padStart(93)}}`), revision, () => ({
    labels: undefined,
    field: () => '',
  }))

test('what was there at each revision, whether its tree was kept or not, also after the oldest events were dropped', () => {
  // Room for 200 events of 100 bytes.
  const window = new CacheWindow(20_000, SortedTree.empty())
  let tree = SortedTree.empty<CacheEntry>()
  const trees = [tree]
  for (let revision = 1; revision <= 1000; revision++) {
    const key = `k${(revision * 7) % 50}`
    const previous = tree.get(key)
    const deleted = previous !== undefined && revision % 3 === 0
    const event = new CacheEvent(entryOf(key, revision), previous, deleted)
    tree = deleted ? tree.delete(key) : tree.set(key, event.entry)
    trees.push(tree)
    window.push(event, tree)
    window.trim()
    if (revision % 97 === 0) compare(revision)
  }
  compare(1000)

  function compare(newest: number): void {
    assert.ok(window.length >= Math.min(newest, 200) - 1 && window.length <= 226, `${window.length} events`)
    for (let at = window.start; at <= newest; at++)
      assert.deepEqual(contents(window.treeAt(at)), contents(trees[at]!), `at ${at}`)
  }
})

function contents(tree: SortedTree<CacheEntry>): [string, number][] {
  const all: [string, number][] = []
  tree.forEach('', undefined, ({ revision }, key) => {
    all.push([key, revision])
    return true
  })
  return all
}

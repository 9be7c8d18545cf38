import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SortedTree } from './sorted-tree.ts'

/** A small generator, so that a failure can be run again. */
function random(seed: number): () => number {
  return () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed / 0x7fffffff
  }
}

test('agrees with a plain map over thousands of random changes, and snapshots stay as they were', () => {
  const next = random(7)
  let tree = SortedTree.empty<number>()
  const model = new Map<string, number>()
  const snapshots: { tree: SortedTree<number>; model: [string, number][] }[] = []
  const sorted = () => [...model].sort(([a], [b]) => (a < b ? -1 : 1))
  for (let i = 0; i < 20_000; i++) {
    const key = `k${Math.floor(next() * 3000)}`
    if (next() < 0.4) {
      tree = tree.delete(key)
      model.delete(key)
    } else {
      tree = tree.set(key, i)
      model.set(key, i)
    }
    if (i % 4000 === 0) snapshots.push({ tree, model: sorted() })
  }
  snapshots.push({ tree, model: sorted() })
  for (const { tree, model } of snapshots) {
    const seen: [string, number][] = []
    tree.forEach('', undefined, (value, key) => {
      seen.push([key, value])
      return true
    })
    assert.deepEqual(seen, model)
    assert.equal(tree.size, model.length)
    for (const [key, value] of model) assert.equal(tree.get(key), value)
  }
})

test('ranges and counts include their start and leave out their end', () => {
  const keys = Array.from({ length: 500 }, (_, i) => `n${String(i).padStart(4, '0')}`)
  const tree = SortedTree.fromSorted(
    keys,
    keys.map((_, i) => i),
  )
  const seen: number[] = []
  tree.forEach('n0100', 'n0103', (value) => {
    seen.push(value)
    return true
  })
  assert.deepEqual(seen, [100, 101, 102])
  assert.equal(tree.count('n0100', 'n0103'), 3)
  assert.equal(tree.count('', undefined), 500)
  assert.equal(tree.count('n0490', undefined), 10)
  assert.equal(tree.count('zzz', undefined), 0)
})

test('an emptied tree takes new keys', () => {
  let tree = SortedTree.empty<number>()
  for (let i = 0; i < 300; i++) tree = tree.set(`a${i}`, i)
  for (let i = 0; i < 300; i++) tree = tree.delete(`a${i}`)
  assert.equal(tree.size, 0)
  assert.equal(tree.set('x', 1).get('x'), 1)
})

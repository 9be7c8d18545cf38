import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheEntry } from './cache-entry.ts'
import { OwnWrites } from './own-writes.ts'

const entry = (key: string, revision: number): CacheEntry =>
  new CacheEntry(key, Buffer.from('{}'), revision, () => ({ labels: undefined, field: () => '' }))

test('an entry is taken once, by the event of its own revision', () => {
  const own = new OwnWrites()
  const mine = entry('/a', 5)
  own.add(mine)
  assert.equal(own.take('/b', 5), undefined)
  assert.equal(own.take('/a', 4), undefined, 'an event from before')
  assert.equal(own.take('/a', 5), mine)
  assert.equal(own.take('/a', 5), undefined)
})

test('an entry whose event was missed is let go by a later one', () => {
  const own = new OwnWrites()
  own.add(entry('/a', 5))
  assert.equal(own.take('/a', 7), undefined)
  assert.equal(own.take('/a', 5), undefined)
})

test('of many that wait, the oldest go', () => {
  const own = new OwnWrites()
  for (let i = 1; i <= 1500; i++) own.add(entry(`/${i}`, i))
  assert.equal(own.take('/500', 500), undefined)
  assert.ok(own.take('/501', 501))
  assert.ok(own.take('/1500', 1500))
})

test('nothing waits any more once the cache has started over', () => {
  const own = new OwnWrites()
  own.add(entry('/a', 5))
  own.clear()
  assert.equal(own.take('/a', 5), undefined)
})

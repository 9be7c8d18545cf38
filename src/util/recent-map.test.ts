import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentMap } from './recent-map.ts'

test('keeps what is used again, and forgets the rest', () => {
  const map = new RecentMap<{ key: string }>(3)
  const made: string[] = []
  const get = (key: string) => {
    const known = map.find(key)
    if (known) return known
    made.push(key)
    const value = { key }
    map.keep(key, value)
    return value
  }
  const first = get('a')
  for (const key of ['b', 'c', 'd', 'a', 'e', 'f', 'a', 'g', 'h', 'a']) get(key)
  assert.equal(get('a'), first)
  assert.deepEqual(made, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  get('b')
  assert.deepEqual(made.slice(8), ['b'], 'what was not used again was forgotten')
  map.clear()
  assert.equal(map.find('a'), undefined)
  assert.equal(map.find('h'), undefined)
})

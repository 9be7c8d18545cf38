import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheEntry } from './cache-entry.ts'
import type { CacheEvent, WatchEventType } from './cache-watch.ts'
import { MemoryStorage } from './memory.ts'
import { CompactedError, type Storage } from './storage.ts'
import { WatchCache } from './watch-cache.ts'

const PREFIX = '/registry/things/'

interface Thing {
  metadata: { name: string; uid: string; labels?: Record<string, string>; resourceVersion?: string }
  n?: number
}

const bytes = (name: string, n: number, labels?: Record<string, string>): Buffer =>
  Buffer.from(
    JSON.stringify({ kind: 'Thing', apiVersion: 'v1', metadata: { name, uid: `u-${name}`, ...(labels ? { labels } : {}) }, n }),
  )

function cacheOver(storage: Storage, windowBytes?: number): WatchCache {
  return new WatchCache({
    storage,
    prefix: PREFIX,
    ...(windowBytes ? { windowBytes } : {}),
    describe: (object) => {
      const { metadata } = object as Thing
      return { labels: metadata.labels, field: (name) => (name === 'metadata.name' ? metadata.name : '') }
    },
  })
}

/** A watch that writes down what it is told. */
function recorder(matches?: (entry: CacheEntry) => boolean) {
  const seen: string[] = []
  const errors: Error[] = []
  return {
    seen,
    errors,
    options: {
      prefix: PREFIX,
      exact: false,
      ...(matches ? { matches } : {}),
      onEvent: (type: WatchEventType, event: CacheEvent) => {
        const { metadata, n } = event.shown(type).object<Thing>()
        assert.equal(metadata.resourceVersion, String(event.entry.revision))
        seen.push(`${type} ${metadata.name} ${n}`)
      },
      onFail: (error: Error) => errors.push(error),
    },
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5))

test('serves what is stored, and follows every write in order', async () => {
  await using storage = new MemoryStorage()
  await storage.create(`${PREFIX}a`, bytes('a', 1))
  const cache = cacheOver(storage)
  await cache.ready()
  const { seen, options } = recorder()
  await cache.watch(cache.revision, options)
  const first = await storage.create(`${PREFIX}b`, bytes('b', 1))
  const second = await storage.update(`${PREFIX}b`, bytes('b', 2), first)
  await storage.delete(`${PREFIX}b`, second)
  await settled()
  assert.deepEqual(seen, ['ADDED b 1', 'MODIFIED b 2', 'DELETED b 2'])
  assert.equal(cache.get(`${PREFIX}b`), undefined)
  assert.equal(cache.get(`${PREFIX}a`)?.object<Thing>().n, 1)
})

test('a selector turns changes into objects coming and going', async () => {
  await using storage = new MemoryStorage()
  const cache = cacheOver(storage)
  await cache.ready()
  const { seen, options } = recorder((entry) => entry.selectable.labels?.app === 'x')
  await cache.watch(cache.revision, options)
  let revision = await storage.create(`${PREFIX}a`, bytes('a', 1, { app: 'y' }))
  revision = await storage.update(`${PREFIX}a`, bytes('a', 2, { app: 'x' }), revision)
  revision = await storage.update(`${PREFIX}a`, bytes('a', 3, { app: 'x' }), revision)
  revision = await storage.update(`${PREFIX}a`, bytes('a', 4, { app: 'y' }), revision)
  await storage.delete(`${PREFIX}a`, revision)
  await settled()
  // What left the selector is told in its last state that matched.
  assert.deepEqual(seen, ['ADDED a 2', 'MODIFIED a 3', 'DELETED a 3'])
})

test('snapshots of past revisions come from the window, and from the store beyond it', async () => {
  await using storage = new MemoryStorage()
  const cache = cacheOver(storage, 200)
  await cache.ready()
  const revisions: number[] = []
  for (let n = 1; n <= 20; n++) {
    const last = revisions.at(-1)
    revisions.push(
      last ? await storage.update(`${PREFIX}a`, bytes('a', n), last) : await storage.create(`${PREFIX}a`, bytes('a', n)),
    )
  }
  await settled()
  for (const [i, revision] of revisions.entries()) {
    const { tree } = await cache.snapshotAt(revision)
    assert.equal(tree.get(`${PREFIX}a`)?.object<Thing>().n, i + 1)
  }
})

test('a watch from before the window gets the whole history once, then live events', async () => {
  await using storage = new MemoryStorage()
  const before = await storage.create(`${PREFIX}a`, bytes('a', 0))
  let revision = before
  for (let n = 1; n <= 5; n++) revision = await storage.update(`${PREFIX}a`, bytes('a', n), revision)
  // As after a restart: this cache has seen none of it.
  const cache = cacheOver(storage)
  await cache.ready()
  const { seen, options } = recorder()
  await cache.watch(before, options)
  await storage.update(`${PREFIX}a`, bytes('a', 6), revision)
  await settled()
  assert.deepEqual(
    seen,
    [1, 2, 3, 4, 5, 6].map((n) => `MODIFIED a ${n}`),
  )
})

test('history that is compacted away is said to be so', async () => {
  await using storage = new MemoryStorage()
  const before = await storage.create(`${PREFIX}a`, bytes('a', 0))
  let revision = before
  for (let n = 1; n <= 5; n++) revision = await storage.update(`${PREFIX}a`, bytes('a', n), revision)
  await storage.compact(revision)
  const cache = cacheOver(storage)
  await cache.ready()
  await assert.rejects(cache.watch(before, recorder().options), CompactedError)
  await assert.rejects(cache.snapshotAt(before), CompactedError)
})

test('a watch from a snapshot misses nothing that came while the snapshot was sent', async () => {
  await using storage = new MemoryStorage()
  const cache = cacheOver(storage)
  await cache.ready()
  const snapshot = await cache.consistentSnapshot()
  await storage.create(`${PREFIX}a`, bytes('a', 1))
  const { seen, options } = recorder()
  cache.watchFrom(snapshot, options)
  await storage.create(`${PREFIX}b`, bytes('b', 1))
  await settled()
  assert.deepEqual(seen, ['ADDED a 1', 'ADDED b 1'])
})

test('what this process wrote is the same entry before and after the watch tells of it', async () => {
  const storage = new MemoryStorage()
  const cache = cacheOver(storage)
  await cache.ready()
  const key = `${PREFIX}a`
  const value = bytes('a', 1)
  const revision = await storage.create(key, value)
  // Whoever came first, the write's answer and the event are about one entry.
  assert.equal(cache.written(key, value, revision), cache.get(key))
  const early = cache.written(`${PREFIX}b`, bytes('b', 1), revision + 1)
  assert.equal(cache.get(`${PREFIX}b`), undefined)
  assert.equal(await storage.create(`${PREFIX}b`, bytes('b', 1)), revision + 1)
  assert.equal(cache.get(`${PREFIX}b`), early)
  cache.close(new Error('over'))
})

test('closing tells every watch', async () => {
  await using storage = new MemoryStorage()
  const cache = cacheOver(storage)
  await cache.ready()
  const { errors, options } = recorder()
  await cache.watch(cache.revision, options)
  cache.close(new Error('over'))
  assert.deepEqual(
    errors.map((e) => e.message),
    ['over'],
  )
  assert.equal(cache.watcherCount, 0)
})

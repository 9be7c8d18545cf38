import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompactedError,
  RevisionConflictError,
  type Storage,
  StorageError,
  type StorageEvent,
  StorageFullError,
  StorageUnavailableError,
} from '../storage.ts'
import { storageContract } from '../storage-contract.ts'
import { openEmbedded } from './embedded.ts'
import { encodeChange, encodeKeyRecord, openTables } from './tables.ts'
import { partBytes } from './values.ts'

storageContract('embedded', async () => {
  const path = mkdtempSync(join(tmpdir(), 'embedded-'))
  let storage = await openEmbedded({ path })
  return {
    storage,
    reopen: async () => {
      await storage.close()
      storage = await openEmbedded({ path })
      return storage
    },
    remove: () => rmSync(path, { recursive: true }),
  }
})

const prefix = '/registry/things/'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'embedded-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function watchAll(storage: Storage): Promise<StorageEvent[]> {
  const seen: StorageEvent[] = []
  await storage.watch(prefix, await storage.currentRevision(), { onEvents: (events) => void seen.push(...events), onError() {} })
  return seen
}

/** Creates a key and updates it `times` times; returns its last revision. */
async function churn(storage: Storage, key: string, times: number, size: number): Promise<number> {
  let revision = await storage.create(key, Buffer.alloc(size, 'a'))
  for (let i = 0; i < times; i++) revision = await storage.update(key, Buffer.alloc(size, String(i)), revision)
  return revision
}

/** The rows of a closed store's tables. */
async function rows(path: string): Promise<Record<'keys' | 'changes' | 'values' | 'parts' | 'expiry', number>> {
  const tables = openTables(path, 2 ** 30)
  const counts = {
    keys: [...tables.keys.getRange({ start: ' ' })].length,
    changes: [...tables.changes.getRange({ start: 0 })].length,
    values: [...tables.values.firsts.getRange({ start: 0 })].length,
    parts: [...tables.values.parts.getRange({ start: { revision: 0, part: 0 } })].length,
    expiry: [...tables.expiry.getRange({ start: { expiresAt: 0, revision: 0 } })].length,
  }
  await tables.close()
  return counts
}

test('refuses a store that is open already, and takes it once it is free', async (t) => {
  const path = folder(t)
  const first = await openEmbedded({ path })
  await assert.rejects(
    openEmbedded({ path }),
    (error) => error instanceof StorageUnavailableError && error.message === `the store ${path} is in use by another server`,
  )
  await first.create(`${prefix}a`, Buffer.from('still works'))
  await first.close()
  await using second = await openEmbedded({ path })
  assert.equal(await second.count(prefix), 1)
})

test('says clearly what can not be opened', async (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'file'), '')
  await assert.rejects(openEmbedded({ path: join(path, 'file') }), StorageUnavailableError)
  const store = join(path, 'store')
  await using whole = await openEmbedded({ path: store })
  for (let i = 0; i < 100; i++) await whole.create(prefix + i, Buffer.alloc(60_000))
  await whole.close()
  const good = readFileSync(join(store, 'data.mdb'))
  await (await openEmbedded({ path: store })).close()
  const broken: [Buffer, string][] = [
    [Buffer.alloc(16384, 'no database'), 'data.mdb is not a store or is damaged'],
    [good.subarray(0, 1000), 'data.mdb is not a store or is damaged'],
    [good.subarray(0, 1 << 20), 'data.mdb is cut off'],
  ]
  for (const [content, reason] of [...broken, ...broken]) {
    writeFileSync(join(store, 'data.mdb'), content)
    await assert.rejects(
      openEmbedded({ path: store }),
      (error) => error instanceof StorageUnavailableError && error.message.startsWith(`can't open the store ${store}: ${reason}`),
    )
  }
})

test('keeps values of several megabytes and refuses keys beyond the limit', async (t) => {
  await using storage = await openEmbedded({ path: folder(t) })
  const value = Buffer.alloc(5 << 20, 'value')
  const key = prefix + 'k'.repeat(1978 - prefix.length)
  const revision = await storage.create(key, value)
  assert.ok((await storage.get(key))!.value.equals(value))
  assert.equal((await storage.list(prefix)).items[0]!.key, key)
  await storage.delete(key, revision)
  const tooLong = `${key}k`
  await assert.rejects(storage.create(tooLong, value), (error) => error instanceof StorageError && error.message.includes('1978'))
  await assert.rejects(storage.create('', value), StorageError)
  assert.equal(await storage.get(tooLong), undefined)
  await assert.rejects(storage.update(tooLong, value, 1), RevisionConflictError)
})

/** Around the ends of parts. */
const sizes = [0, 1, partBytes - 1, partBytes, partBytes + 1, 2 * partBytes, 2 * partBytes + 1, 5 * partBytes + 7]

const filled = (size: number, seed: number) => Buffer.alloc(size, `value ${seed} of ${size} bytes;`)

test('keeps values of any size in parts, for reads, lists, past revisions, watches and after a restart', async (t) => {
  const path = folder(t)
  let storage = await openEmbedded({ path })
  const key = (size: number) => `${prefix}${String(size).padStart(8, '0')}`
  const made = await Promise.all(sizes.map((size) => storage.create(key(size), filled(size, 1))))
  const before = await storage.currentRevision()
  await Promise.all(sizes.map((size, i) => storage.update(key(size), filled(size, 2), made[i]!)))
  const check = async () => {
    for (const size of sizes) {
      assert.ok((await storage.get(key(size)))!.value.equals(filled(size, 2)), `${size}`)
      assert.ok((await storage.get(key(size), before))!.value.equals(filled(size, 1)), `${size} before`)
    }
    for (const { key: name, value } of (await storage.list(prefix)).items) assert.equal(name, key(value.length))
  }
  await check()
  const seen: number[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const subscription = await storage.watch(prefix, before, {
    onEvents: (events) => {
      for (const { value, previous } of events) {
        assert.ok(value.equals(filled(value.length, 2)) && previous!.value.equals(filled(value.length, 1)))
        seen.push(value.length)
      }
      if (seen.length === sizes.length) resolve()
    },
    onError: reject,
  })
  await promise
  subscription.close()
  assert.deepEqual(seen, sizes)
  await storage.close()
  storage = await openEmbedded({ path })
  await check()
  await storage.close()
})

test('sweeps all parts of what was replaced or deleted', async (t) => {
  const path = folder(t)
  const storage = await openEmbedded({ path })
  for (const size of sizes) {
    const revision = await churn(storage, `${prefix}${size}`, 3, size)
    if (size !== sizes.at(-1)) await storage.delete(`${prefix}${size}`, revision)
  }
  await storage.compact(await storage.currentRevision())
  await sleep(400)
  await storage.close()
  assert.deepEqual(await rows(path), { keys: 1, changes: 1, values: 1, parts: 5, expiry: 0 })
})

test('opens a store of format 1, which has long values as a whole, and refuses one of a later format', async (t) => {
  const path = folder(t)
  const long = filled(3 * partBytes, 1)
  let tables = openTables(path, 2 ** 30)
  const record = { revision: 2, createRevision: 2, expiresAt: 0, size: long.length, deleted: false }
  const change = { deleted: false, key: `${prefix}a`, createRevision: 2, previousRevision: 0, previousSize: 0 }
  const state = { format: 1, revision: 2, compacted: 0, swept: 1, historyBytes: 0 }
  await tables.transact(() => {
    void tables.keys.put(change.key, encodeKeyRecord(record))
    void tables.changes.put(2, encodeChange(change))
    void tables.values.firsts.put(2, long)
    void tables.meta.put('state', Buffer.from(JSON.stringify(state)))
  })
  await tables.close()
  const storage = await openEmbedded({ path })
  assert.ok((await storage.get(change.key))!.value.equals(long))
  const revision = await storage.update(change.key, filled(3 * partBytes, 2), 2)
  assert.ok((await storage.get(change.key, 2))!.value.equals(long))
  await storage.compact(revision)
  await sleep(100)
  await storage.close()
  assert.deepEqual(await rows(path), { keys: 1, changes: 1, values: 1, parts: 2, expiry: 0 })
  tables = openTables(path, 2 ** 30)
  await tables.transact(() => void tables.meta.put('state', Buffer.from(JSON.stringify({ ...state, format: 3 }))))
  await tables.close()
  await assert.rejects(openEmbedded({ path }), /the store has format 3, this server knows 2/)
})

test('keeps history within its number of revisions', async (t) => {
  const path = folder(t)
  const storage = await openEmbedded({ path, historyRevisions: 50 })
  await storage.create(`${prefix}old`, Buffer.from('old'))
  const gone = await storage.create(`${prefix}gone`, Buffer.from('gone'))
  await storage.delete(`${prefix}gone`, gone)
  const last = await churn(storage, `${prefix}a`, 300, 100)
  const compacted = await storage.compactedRevision()
  assert.ok(compacted <= last - 50 && compacted >= last - 52, `compacted ${compacted} of ${last}`)
  await assert.rejects(storage.get(`${prefix}a`, compacted - 1), CompactedError)
  assert.equal((await storage.get(`${prefix}a`, compacted))!.revision, compacted)
  assert.equal((await storage.list(prefix, { revision: compacted })).items.length, 2)
  await storage.close()
  const left = await rows(path)
  assert.equal(left.keys, 2)
  assert.ok(left.changes <= 54 && left.values <= 54, JSON.stringify(left))
})

test('keeps history within its bytes', async (t) => {
  await using storage = await openEmbedded({ path: folder(t), historyBytes: 200_000 })
  const last = await churn(storage, `${prefix}a`, 200, 5000)
  const kept = last - (await storage.compactedRevision())
  assert.ok(kept >= 35 && kept <= 41, `${kept} revisions of 5 kB kept`)
  // Deletions and small values count as well, if less.
  for (let i = 0; i < 200; i++) await storage.create(`${prefix}b${i}`, Buffer.from('b'))
  assert.ok((await storage.currentRevision()) - (await storage.compactedRevision()) > 200)
})

test('sweeps what was compacted, all of it, while idle', async (t) => {
  const path = folder(t)
  const storage = await openEmbedded({ path })
  for (let i = 0; i < 100; i++) await storage.create(`${prefix}${i}`, Buffer.from('value'), { ttlSeconds: 1000 })
  const { items } = await storage.list(prefix)
  await Promise.all(items.map(({ key, revision }) => storage.update(key, Buffer.from('new'), revision)))
  const gone = (await storage.list(prefix)).items.slice(0, 50)
  await Promise.all(gone.map(({ key, revision }) => storage.delete(key, revision)))
  await churn(storage, `${prefix}hot`, 500, 10)
  await storage.compact(await storage.currentRevision())
  await sleep(400)
  await storage.close()
  assert.deepEqual(await rows(path), { keys: 51, changes: 51, values: 51, parts: 0, expiry: 0 })
  await using again = await openEmbedded({ path })
  assert.equal((await again.list(prefix)).items.length, 51)
})

test('expires by the clock it is given, also what fell due while it was closed', async (t) => {
  const path = folder(t)
  let now = 1_000_000
  const first = await openEmbedded({ path, clock: () => now })
  for (let i = 0; i < 1200; i++) void first.create(`${prefix}${i}`, Buffer.from('event'), { ttlSeconds: 3600 })
  await first.create(`${prefix}kept`, Buffer.from('kept'), { ttlSeconds: 7200 })
  const revision = await first.currentRevision()
  await first.close()
  now += 3_600_000
  await using second = await openEmbedded({ path, clock: () => now })
  const seen = await watchAll(second)
  for (let i = 0; i < 200 && seen.length < 1200; i++) await sleep(10)
  assert.equal(seen.length, 1200)
  assert.ok(seen.every((event, index) => event.type === 'delete' && event.revision === revision + 1 + index))
  assert.deepEqual(
    (await second.list(prefix)).items.map(({ key }) => key),
    [`${prefix}kept`],
  )
})

test('a full disk fails writes clearly and harms nothing', async (t) => {
  const path = folder(t)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', path], { stdio: 'ignore' }).status === 0
  if (!mounted) return t.skip('no right to mount a small file system')
  try {
    const ballast = join(path, 'ballast')
    writeFileSync(ballast, Buffer.alloc(2 << 20))
    const store = join(path, 'store')
    const storage = await openEmbedded({ path: store })
    const seen = await watchAll(storage)
    const stored = new Map<string, number>()
    let failures = 0
    async function writer(id: number): Promise<void> {
      for (let i = 0; failures < 40 && i < 1000; i++) {
        const key = `${prefix}${id}-${i}`
        try {
          stored.set(key, await storage.create(key, Buffer.alloc(6000, key)))
        } catch (error) {
          assert.ok(error instanceof StorageFullError, String(error))
          failures++
        }
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, id) => writer(id)))
    assert.ok(failures >= 40 && stored.size > 100)
    await storage.ping()
    const current = await storage.currentRevision()
    assert.equal(current, Math.max(...stored.values()))
    const { items } = await storage.list(prefix)
    assert.deepEqual(new Map(items.map(({ key, revision }) => [key, revision])), stored)
    assert.ok(items.every(({ key, value }) => value.equals(Buffer.alloc(6000, key))))
    assert.deepEqual(
      seen.map(({ revision }) => revision),
      Array.from({ length: stored.size }, (_, i) => current - stored.size + 1 + i),
    )
    rmSync(ballast)
    assert.equal(await storage.create(`${prefix}again`, Buffer.alloc(6000)), current + 1)
    await storage.close()
    await using reopened = await openEmbedded({ path: store })
    assert.equal(await reopened.count(prefix), stored.size + 1)
  } finally {
    spawnSync('umount', ['-l', path])
  }
})

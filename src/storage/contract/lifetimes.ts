import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { CompactedError } from '../storage.ts'
import { brief, bytes, ignoreEvents, type Rule } from './rule.ts'

/** What closing, restarts and time do. */
export const lifetimes: readonly Rule[] = [
  {
    title: 'expires keys by a deletion with its own revision',
    run: async ({ storage, prefix, collect }) => {
      const watch = await collect()
      const short = await storage.create(`${prefix}short`, bytes('short'), { ttlSeconds: 1 })
      const kept = await storage.create(`${prefix}kept`, bytes('kept'), { ttlSeconds: 1 })
      const kept2 = await storage.update(`${prefix}kept`, bytes('for good'), kept)
      const replaced = await storage.create(`${prefix}replaced`, bytes('1'), { ttlSeconds: 1 })
      await storage.delete(`${prefix}replaced`, replaced)
      const again = await storage.create(`${prefix}replaced`, bytes('2'))
      const before = await storage.currentRevision()
      await sleep(500)
      assert.ok(await storage.get(`${prefix}short`), 'not before its time')
      const seen = watch.events.length
      await watch.count(seen + 1)
      const event = watch.events.at(-1)!
      assert.deepEqual([event.type, event.key, event.createRevision], ['delete', `${prefix}short`, short])
      assert.equal(event.value.toString(), 'short')
      assert.ok(event.revision > before)
      assert.equal(await storage.get(`${prefix}short`), undefined)
      assert.ok((await storage.currentRevision()) >= event.revision)
      await sleep(700)
      assert.equal((await storage.get(`${prefix}kept`))!.revision, kept2)
      assert.equal((await storage.get(`${prefix}replaced`))!.revision, again)
      assert.equal(watch.events.length, seen + 1)
    },
  },
  {
    title: 'ends with close',
    run: async ({ storage, prefix, collect }) => {
      const watch = await collect()
      const pending = storage.create(`${prefix}a`, bytes('x'))
      await storage.close()
      assert.ok((await pending) > 0, 'what was accepted is finished')
      await storage.close()
      assert.equal(watch.errors.length, 1)
      for (const call of [
        () => storage.get(`${prefix}a`),
        () => storage.list(prefix),
        () => storage.create(`${prefix}b`, bytes('x')),
        () => storage.update(`${prefix}a`, bytes('x'), 1),
        () => storage.delete(`${prefix}a`, 1),
        () => storage.currentRevision(),
        () => storage.ping(),
        () => storage.watch(prefix, 1, ignoreEvents),
      ]) {
        await assert.rejects(call, { name: 'StorageUnavailableError' })
      }
    },
  },
  {
    title: 'has everything again after a restart',
    restarts: true,
    run: async (given) => {
      const { prefix } = given
      const key = `${prefix}a`
      const start = await given.storage.currentRevision()
      const r1 = await given.storage.create(key, bytes('1'))
      const r2 = await given.storage.update(key, bytes('2'), r1)
      const gone = await given.storage.create(`${prefix}gone`, bytes('gone'))
      const last = await given.storage.delete(`${prefix}gone`, gone)
      await given.restart()
      assert.equal(await given.storage.currentRevision(), last)
      assert.deepEqual(await given.storage.get(key), { key, value: bytes('2'), revision: r2, createRevision: r1 })
      assert.equal((await given.storage.get(key, r1))!.value.toString(), '1')
      const watch = await given.collect(start)
      await watch.count(4)
      assert.deepEqual(brief(watch.events, prefix), ['put a=1', 'put a=2', 'put gone=gone', 'delete gone=gone'])
      assert.ok((await given.storage.create(`${prefix}b`, bytes('b'))) > last)
      await given.storage.compact(r2)
      await given.restart()
      assert.equal(await given.storage.compactedRevision(), r2)
      await assert.rejects(given.storage.get(key, r1), CompactedError)
      assert.equal((await given.storage.list(prefix)).items.length, 2)
    },
  },
  {
    title: 'expires keys across a restart',
    restarts: true,
    run: async (given) => {
      const { prefix } = given
      const soon = await given.storage.create(`${prefix}soon`, bytes('soon'), { ttlSeconds: 1 })
      await given.storage.create(`${prefix}later`, bytes('later'), { ttlSeconds: 100 })
      await given.restart()
      const watch = await given.collect(soon)
      await watch.count(2)
      assert.deepEqual(brief(watch.events, prefix), ['put later=later', 'delete soon=soon'])
      assert.equal(await given.storage.count(prefix), 1)
    },
  },
]

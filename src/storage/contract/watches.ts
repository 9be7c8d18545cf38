import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { CompactedError, FutureRevisionError, KeyExistsError, RevisionConflictError, type StorageEvent } from '../storage.ts'
import { assertAscending, brief, bytes, type Collector, ignoreEvents, type Rule, reach } from './rule.ts'

/** What watches may expect. */
export const watches: readonly Rule[] = [
  {
    title: 'watches changes as they happen',
    run: async ({ storage, prefix, collect }) => {
      const watch = await collect()
      const key = `${prefix}ns/a`
      const [v1, v2] = [bytes('1'), bytes('2')]
      const r1 = await storage.create(key, v1)
      if (storage.eager) assert.equal(watch.events.length, 1, 'the event comes before the write resolves')
      const r2 = await storage.update(key, v2, r1)
      const r3 = await storage.delete(key, r2)
      await storage.create(`${prefix.slice(0, -1)}x/outside`, v1)
      if (!storage.eager) await watch.count(3)
      assert.deepEqual(watch.events, [
        { type: 'put', key, value: v1, revision: r1, createRevision: r1 },
        { type: 'put', key, value: v2, revision: r2, createRevision: r1, previous: { value: v1, revision: r1 } },
        { type: 'delete', key, value: v2, revision: r3, createRevision: r1, previous: { value: v2, revision: r2 } },
      ])
      if (storage.eager) {
        assert.equal(watch.events[0]!.value, v1, "the writer's own buffer")
        assert.equal(watch.events[1]!.value, v2, "the writer's own buffer")
      }
      watch.close()
      await storage.create(key, v1)
      await sleep(20)
      assert.equal(watch.events.length, 3, 'nothing comes after close')
      assert.deepEqual(watch.errors, [])
    },
  },
  {
    title: 'replays history, then goes on live, without gap or repeat',
    run: async ({ storage, prefix, collect }) => {
      const start = await storage.currentRevision()
      const key = `${prefix}a/x`
      const r1 = await storage.create(key, bytes('1'))
      const r2 = await storage.update(key, bytes('2'), r1)
      await storage.create(`${prefix}b/y`, bytes('other'))
      await storage.delete(key, r2)
      await storage.create(key, bytes('3'))
      const expected = ['put a/x=1', 'put a/x=2', 'put b/y=other', 'delete a/x=2', 'put a/x=3']
      const all = await collect(start)
      await all.count(5)
      assert.deepEqual(brief(all.events, prefix), expected)
      assert.equal(all.events[1]!.previous!.value.toString(), '1')
      assert.equal(all.events[3]!.previous!.revision, r2)
      assert.equal(all.events[4]!.previous, undefined)
      const some = await collect(r2, `${prefix}a/`)
      await some.count(2)
      assert.deepEqual(
        brief(some.events, prefix),
        expected.slice(3).filter((line) => line.includes('a/x')),
      )

      // Watches that start at every moment while writers are at work.
      const writers = Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let i = 0; i < 25; i++) await storage.create(`${prefix}w/${writer}-${i}`, bytes('w'))
        }),
      )
      const late: { from: number; watch: Collector }[] = []
      for (let i = 0; i < 15; i++) {
        const from = i % 2 === 0 ? await storage.currentRevision() : start
        late.push({ from, watch: await collect(from) })
        await sleep(1)
      }
      await writers
      await all.count(205)
      assertAscending(all.events)
      for (const { from, watch } of late) {
        const missing = all.events.filter(({ revision }) => revision > from)
        await watch.count(missing.length)
        assert.deepEqual(
          watch.events.map(({ revision, key: changed }) => [revision, changed]),
          missing.map(({ revision, key: changed }) => [revision, changed]),
        )
      }
      await assert.rejects(storage.watch(prefix, (await storage.currentRevision()) + 1000, ignoreEvents), FutureRevisionError)
    },
  },
  {
    title: 'hands each watch its own prefix, whatever else is watched',
    run: async ({ storage, prefix, collect }) => {
      const outer = await collect()
      const inner = await Promise.all(Array.from({ length: 60 }, (_, i) => collect(undefined, `${prefix}r${i}/`)))
      const twin = await collect(undefined, `${prefix}r7/`)
      await Promise.all(Array.from({ length: 240 }, (_, i) => storage.create(`${prefix}r${i % 60}/ns/${i}`, bytes(String(i)))))
      if (!storage.eager) await outer.count(240)
      assert.equal(outer.events.length, 240)
      assertAscending(outer.events)
      for (const [index, watch] of inner.entries()) {
        assert.equal(watch.events.length, 4)
        assert.ok(watch.events.every(({ value }) => Number(value) % 60 === index))
      }
      assert.deepEqual(twin.events, inner[7]!.events)
      twin.close()
      await storage.create(`${prefix}r7/last`, bytes('last'))
      if (!storage.eager) await outer.count(241)
      assert.equal(inner[7]!.events.length, 5)
      assert.equal(twin.events.length, 4)
    },
  },
  {
    title: 'tells an idle watch how far it is',
    run: async ({ storage, prefix, collect }) => {
      const watch = await collect(undefined, `${prefix}idle/`)
      const revision = await storage.create(`${prefix}busy/a`, bytes('x'))
      await reach(() => Math.min(watch.progress, revision), revision)
      assert.equal(watch.events.length, 0)
    },
  },
  {
    title: 'rebuilds the state from events after a storm of writes',
    run: async ({ storage, prefix, collect }) => {
      const watch = await collect()
      let writes = 0
      const storm = async (writer: number) => {
        for (let i = 0; i < 60; i++) {
          const key = `${prefix}k${(writer * 7 + i * 3) % 20}`
          const current = await storage.get(key)
          const value = bytes(`${writer}.${i}`)
          try {
            if (!current) await storage.create(key, value)
            else if ((writer + i) % 4 === 0) await storage.delete(key, current.revision)
            else await storage.update(key, value, current.revision)
            writes++
          } catch (error) {
            assert.ok(error instanceof RevisionConflictError || error instanceof KeyExistsError)
          }
        }
      }
      await Promise.all(Array.from({ length: 12 }, (_, writer) => storm(writer)))
      await watch.count(writes)
      assertAscending(watch.events)
      const state = new Map<string, StorageEvent>()
      for (const event of watch.events) {
        const before = state.get(event.key)
        assert.equal(event.previous?.revision, before?.revision)
        assert.equal(event.previous?.value.toString(), before?.value.toString())
        if (event.type === 'put') state.set(event.key, event)
        else state.delete(event.key)
      }
      const { items } = await storage.list(prefix)
      assert.deepEqual(
        items.map(({ key, value, revision, createRevision }) => [key, value.toString(), revision, createRevision]),
        [...state.values()]
          .map(({ key, value, revision, createRevision }) => [key, value.toString(), revision, createRevision])
          .sort((x, y) => (x[0]! < y[0]! ? -1 : 1)),
      )
    },
  },
  {
    title: 'answers watches honestly while history is compacted under them',
    run: async ({ storage, prefix, collect }) => {
      const reference = await collect()
      const begin = await storage.currentRevision()
      let revision = await storage.create(`${prefix}a`, bytes('0'))
      let done = false
      const writer = (async () => {
        for (let i = 1; i <= 150; i++) revision = await storage.update(`${prefix}a`, bytes(String(i)), revision)
        done = true
      })()
      const compactor = (async () => {
        while (!done) {
          await sleep(3)
          await storage.compact(Math.max(1, (await storage.currentRevision()) - 5))
        }
      })()
      const watches: { from: number; watch: Collector }[] = []
      let refused = 0
      for (let i = 0; !done; i++) {
        const current = await storage.currentRevision()
        const from = Math.max(begin, current - (i % 12))
        try {
          watches.push({ from, watch: await collect(from) })
        } catch (error) {
          assert.ok(error instanceof CompactedError)
          refused++
        }
        await sleep(1)
      }
      await Promise.all([writer, compactor])
      await reference.count(151)
      let complete = 0
      for (const { from, watch } of watches) {
        const expected = reference.events.filter((event) => event.revision > from)
        if (watch.errors.length > 0) {
          assert.ok(watch.errors[0] instanceof CompactedError)
        } else {
          await watch.count(expected.length)
          complete++
        }
        assert.deepEqual(
          watch.events.map((event) => event.revision),
          expected.map((event) => event.revision).slice(0, watch.events.length),
        )
      }
      assert.ok(complete > 0, `${complete} complete, ${refused} refused`)
      assert.deepEqual(reference.errors, [], 'a live watch is not touched by compaction')
    },
  },
]

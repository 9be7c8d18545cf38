import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { CompactedError, FutureRevisionError, KeyExistsError, RevisionConflictError } from '../storage.ts'
import { bytes, collectEvents, ignoreEvents, type Rule } from './rule.ts'

/** What single operations and competing writers may expect. */
export const readsAndWrites: readonly Rule[] = [
  {
    title: 'creates, reads, updates and deletes',
    run: async ({ storage, prefix }) => {
      const key = `${prefix}a`
      const before = await storage.currentRevision()
      const created = await storage.create(key, bytes('one'))
      assert.ok(created > before)
      assert.equal(await storage.currentRevision(), created)
      assert.deepEqual(await storage.get(key), { key, value: bytes('one'), revision: created, createRevision: created })
      const updated = await storage.update(key, bytes('two'), created)
      assert.ok(updated > created)
      assert.deepEqual(await storage.get(key), { key, value: bytes('two'), revision: updated, createRevision: created })
      const deleted = await storage.delete(key, updated)
      assert.ok(deleted > updated)
      assert.equal(await storage.currentRevision(), deleted)
      assert.equal(await storage.get(key), undefined)
      const again = await storage.create(key, bytes('three'))
      assert.deepEqual(await storage.get(key), { key, value: bytes('three'), revision: again, createRevision: again })
      await storage.ping()
    },
  },
  {
    title: 'refuses what is not as expected, and says what is there',
    run: async ({ storage, prefix }) => {
      const key = `${prefix}a`
      const gone = (error: unknown) => error instanceof RevisionConflictError && error.key === key && error.current === undefined
      await assert.rejects(storage.update(key, bytes('x'), 5), gone)
      await assert.rejects(storage.delete(key, 5), gone)
      const created = await storage.create(key, bytes('one'))
      await assert.rejects(storage.create(key, bytes('x')), (error) => error instanceof KeyExistsError && error.key === key)
      const current = { key, value: bytes('one'), revision: created, createRevision: created }
      const conflict = (error: unknown) => {
        assert.ok(error instanceof RevisionConflictError)
        assert.deepEqual(error.current, current)
        return true
      }
      await assert.rejects(storage.update(key, bytes('x'), created - 1), conflict)
      await assert.rejects(storage.update(key, bytes('x'), created + 1), conflict)
      await assert.rejects(storage.update(key, bytes('x'), 0), conflict)
      await assert.rejects(storage.delete(key, created - 1), conflict)
      assert.equal(await storage.currentRevision(), created, 'a refused write takes no revision')
      await storage.delete(key, created)
      await assert.rejects(storage.delete(key, created), gone)
      await assert.rejects(storage.update(key, bytes('x'), 0), gone)
    },
  },
  {
    title: 'lets exactly one of competing writers win',
    run: async ({ storage, prefix }) => {
      const key = `${prefix}a`
      const creates = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => storage.create(key, bytes(`c${i}`))))
      assert.equal(creates.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const result of creates) if (result.status === 'rejected') assert.ok(result.reason instanceof KeyExistsError)
      for (let round = 0; round < 20; round++) {
        const { revision } = (await storage.get(key))!
        const results = await Promise.allSettled([
          storage.update(key, bytes(`${round} a`), revision),
          storage.update(key, bytes(`${round} b`), revision),
          storage.delete(key, revision),
        ])
        const winners = results.flatMap((result, index) =>
          result.status === 'fulfilled' ? [{ index, revision: result.value }] : [],
        )
        assert.equal(winners.length, 1)
        const now = await storage.get(key)
        if (winners[0]!.index === 2) {
          assert.equal(now, undefined)
          await storage.create(key, bytes('again'))
        } else {
          assert.equal(now!.revision, winners[0]!.revision)
          assert.equal(now!.value.toString(), `${round} ${winners[0]!.index === 0 ? 'a' : 'b'}`)
        }
        for (const result of results) {
          if (result.status === 'rejected') {
            assert.ok(result.reason instanceof RevisionConflictError)
            assert.notEqual(result.reason.current?.revision, revision)
          }
        }
      }
    },
  },
  {
    title: 'keeps a counter exact through compare-and-swap',
    run: async ({ storage, prefix }) => {
      const key = `${prefix}counter`
      await storage.create(key, bytes('0'))
      const increment = async () => {
        for (;;) {
          const { value, revision } = (await storage.get(key))!
          try {
            return await storage.update(key, bytes(String(Number(value) + 1)), revision)
          } catch (error) {
            assert.ok(error instanceof RevisionConflictError)
          }
        }
      }
      const client = async () => {
        const revisions: number[] = []
        for (let i = 0; i < 15; i++) revisions.push(await increment())
        return revisions
      }
      const revisions = (await Promise.all(Array.from({ length: 8 }, client))).flat()
      assert.equal(new Set(revisions).size, 120)
      assert.equal((await storage.get(key))!.value.toString(), '120')
    },
  },
  {
    title: 'lists a prefix in byte order, in pages and as of a revision',
    run: async ({ storage, prefix }) => {
      const parent = `${prefix}pods/`
      // In the order of their bytes, which is not that of UTF-16.
      const names = ['-', 'A', 'a', 'a/b', 'a/c', 'a0', 'b', 'é', '\uffee', '\u{1f600}']
      for (const name of names.toReversed()) await storage.create(parent + name, bytes(name))
      for (const outside of ['pods', 'podsa', 'pods0', 'pod/a']) await storage.create(prefix + outside, bytes('x'))
      const all = await storage.list(parent)
      assert.deepEqual(
        all.items.map(({ key }) => key.slice(parent.length)),
        names,
      )
      assert.deepEqual(
        all.items.map(({ value }) => value.toString()),
        names,
      )
      assert.equal(all.more, false)
      assert.equal(all.revision, await storage.currentRevision())
      assert.equal(await storage.count(parent), names.length)
      assert.equal(await storage.count(`${parent}a/`), 2)
      assert.equal(await storage.count(`${prefix}none/`), 0)
      assert.ok((await storage.size()) > 0)
      assert.deepEqual(await storage.list(`${prefix}none/`), { revision: all.revision, items: [], more: false })

      const first = all.items[2]!
      await storage.update(first.key, bytes('changed'), first.revision)
      await storage.delete(all.items[3]!.key, all.items[3]!.revision)
      await storage.create(`${parent}0`, bytes('new'))
      const paged: string[] = []
      let start: string | undefined
      for (;;) {
        const page = await storage.list(parent, { revision: all.revision, limit: 3, ...(start === undefined ? {} : { start }) })
        assert.equal(page.revision, all.revision)
        assert.ok(page.items.length <= 3)
        paged.push(...page.items.map(({ value }) => value.toString()))
        if (!page.more) break
        start = `${page.items.at(-1)!.key}\0`
      }
      assert.deepEqual(paged, names)
      assert.deepEqual((await storage.list(parent, { limit: 3, start: `${parent}a/` })).items[0]!.key, `${parent}a/c`)
      assert.equal((await storage.list(parent, { limit: names.length })).more, false)
      assert.equal((await storage.list(parent)).items.length, names.length)
    },
  },
  {
    title: 'reads the past exactly',
    run: async ({ storage, prefix }) => {
      const key = `${prefix}a`
      const r1 = await storage.create(key, bytes('1'))
      const r2 = await storage.update(key, bytes('2'), r1)
      const other = await storage.create(`${prefix}b`, bytes('b'))
      const r3 = await storage.delete(key, r2)
      const r4 = await storage.create(key, bytes('4'))
      const r5 = await storage.update(key, bytes('5'), r4)
      const past: [number, string | undefined, number][] = [
        [r1, '1', r1],
        [r2, '2', r1],
        [other, '2', r1],
        [r3, undefined, 0],
        [r4, '4', r4],
        [r5, '5', r4],
      ]
      for (const [revision, value, createRevision] of past) {
        const got = await storage.get(key, revision)
        assert.equal(got?.value.toString(), value, `at ${revision}`)
        if (got) assert.equal(got.createRevision, createRevision)
        const { items } = await storage.list(prefix, { revision })
        const expected = [...(value === undefined ? [] : [`a=${value}`]), ...(revision >= other ? ['b=b'] : [])]
        assert.deepEqual(
          items.map((item) => `${item.key.slice(prefix.length)}=${item.value}`),
          expected,
        )
      }
      if (r1 > 1) assert.equal(await storage.get(key, r1 - 1), undefined)
      await assert.rejects(
        storage.get(key, r5 + 1000),
        (error) => error instanceof FutureRevisionError && error.requested === r5 + 1000,
      )
      await assert.rejects(storage.list(prefix, { revision: r5 + 1000 }), FutureRevisionError)
    },
  },
  {
    title: 'forgets what is compacted and keeps what is there',
    run: async ({ storage, prefix }) => {
      const key = `${prefix}a`
      const r1 = await storage.create(key, bytes('1'))
      const r2 = await storage.update(key, bytes('2'), r1)
      const kept = await storage.create(`${prefix}kept`, bytes('kept'))
      const dead = await storage.create(`${prefix}dead`, bytes('dead'))
      const r3 = await storage.delete(`${prefix}dead`, dead)
      const r4 = await storage.update(key, bytes('4'), r2)
      await assert.rejects(storage.compact(r4 + 1000), FutureRevisionError)
      await storage.compact(r3)
      assert.equal(await storage.compactedRevision(), r3)
      const compacted = (error: unknown) => error instanceof CompactedError && error.requested === r2
      await assert.rejects(storage.get(key, r2), compacted)
      await assert.rejects(storage.list(prefix, { revision: r2 }), compacted)
      await assert.rejects(storage.watch(prefix, r2 - 1, ignoreEvents), CompactedError)
      assert.equal((await storage.get(key, r3))!.value.toString(), '2')
      assert.equal((await storage.get(key))!.value.toString(), '4')
      assert.deepEqual(
        (await storage.list(prefix, { revision: r3 })).items.map(({ value }) => value.toString()),
        ['2', 'kept'],
      )
      const watch = await collectEvents(storage, prefix, r3)
      await watch.count(1)
      assert.equal(watch.events[0]!.previous!.value.toString(), '2')
      watch.close()
      await storage.compact(await storage.currentRevision())
      await sleep(100)
      assert.equal((await storage.get(`${prefix}kept`))!.revision, kept)
      assert.equal((await storage.get(key))!.value.toString(), '4')
      assert.equal(await storage.count(prefix), 2)
      const again = await storage.create(`${prefix}dead`, bytes('alive'))
      assert.equal((await storage.get(`${prefix}dead`))!.createRevision, again)
      await storage.compact(1)
      assert.ok((await storage.compactedRevision()) >= r4, 'compacting never goes back')
    },
  },
  {
    title: 'lists a state that was there at one revision',
    run: async ({ storage, prefix }) => {
      // One writer adds to a, then to b: a reader must never see b ahead of a, nor a ahead by more than one.
      let a = await storage.create(`${prefix}a`, bytes('0'))
      let b = await storage.create(`${prefix}b`, bytes('0'))
      let done = false
      const writer = (async () => {
        for (let i = 1; i <= 60; i++) {
          a = await storage.update(`${prefix}a`, bytes(String(i)), a)
          b = await storage.update(`${prefix}b`, bytes(String(i)), b)
        }
        done = true
      })()
      let last = 0
      while (!done) {
        const { items, revision } = await storage.list(prefix)
        const [x, y] = items.map(({ value }) => Number(value))
        assert.ok(x! - y! === 0 || x! - y! === 1, `a=${x} b=${y}`)
        assert.ok(revision >= last)
        assert.equal(Math.max(...items.map((item) => item.revision)), revision)
        last = revision
        await sleep(0)
      }
      await writer
    },
  },
  {
    title: 'keeps large, empty and binary values and long keys',
    run: async ({ storage, prefix, collect }) => {
      const watch = await collect()
      // Under the 1.5 MB that etcd takes in one request unless told otherwise.
      const large = Buffer.alloc(1_400_000, 'large')
      const binary = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255))
      const long = prefix + 'k'.repeat(1000 - prefix.length)
      for (const [key, value] of [
        [`${prefix}large`, large],
        [`${prefix}binary`, binary],
        [`${prefix}empty`, Buffer.alloc(0)],
        [long, bytes('long')],
      ] as const) {
        const revision = await storage.create(key, value)
        const got = (await storage.get(key))!
        assert.ok(got.value.equals(value))
        await storage.update(key, value, revision)
        assert.ok((await storage.get(key, revision))!.value.equals(value))
      }
      assert.equal((await storage.list(prefix)).items.length, 4)
      assert.ok(watch.events.every(({ value, previous }) => !previous || previous.value.equals(value)))
      // What was read stays as it is, whatever happens to the store.
      const got = (await storage.get(`${prefix}binary`))!
      await storage.update(`${prefix}binary`, bytes('gone'), got.revision)
      await Promise.all(Array.from({ length: 50 }, (_, i) => storage.create(`${prefix}filler${i}`, Buffer.alloc(5000, i))))
      assert.ok(got.value.equals(binary))
    },
  },
]

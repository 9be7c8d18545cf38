import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  RevisionConflictError,
  type Storage,
  type StorageEvent,
} from './storage.ts'

/** A store under test. */
export interface OpenedStorage {
  readonly storage: Storage
  /** Closes it and opens what it left behind; unset when an engine keeps nothing. */
  readonly reopen?: () => Promise<Storage>
  /** Removes what it left behind. */
  readonly remove?: () => void
}

interface Given {
  storage: Storage
  /** Ends in `/`; nobody else uses it. */
  prefix: string
  /** Collects a prefix's events from now or from a revision on. */
  collect: (afterRevision?: number, prefix?: string) => Promise<Collector>
  /** Goes on with the store as after a restart. */
  restart: () => Promise<void>
}

interface Collector {
  readonly events: StorageEvent[]
  readonly errors: Error[]
  progress: number
  close(): void
  /** Waits until this many events came, or fails. */
  count(expected: number): Promise<void>
}

/**
 * Registers the tests that every storage engine passes.
 *
 * @param open opens a store, which may hold other prefixes' keys; the contract closes it
 */
export function storageContract(name: string, open: () => Promise<OpenedStorage>): void {
  suite(`${name} storage`, () => {
    for (const [title, run] of contract) {
      test(title, async (t) => {
        const opened = await open()
        const given: Given = {
          storage: opened.storage,
          prefix: `/registry/contract-${randomUUID()}/`,
          collect: async (afterRevision, prefix = given.prefix) =>
            collectEvents(given.storage, prefix, afterRevision ?? (await given.storage.currentRevision())),
          restart: async () => {
            given.storage = await opened.reopen!()
          },
        }
        if (restarting.has(title) && !opened.reopen) t.skip('the engine keeps nothing')
        else await run(given)
        await given.storage.close()
        opened.remove?.()
      })
    }
  })
}

const contract: [string, (given: Given) => Promise<void>][] = []
const restarting = new Set<string>()

function rule(title: string, run: (given: Given) => Promise<void>): void {
  contract.push([title, run])
}

function restartRule(title: string, run: (given: Given) => Promise<void>): void {
  restarting.add(title)
  rule(title, run)
}

const bytes = (text: string) => Buffer.from(text)

async function collectEvents(storage: Storage, prefix: string, afterRevision: number): Promise<Collector> {
  const collector: Collector = {
    events: [],
    errors: [],
    progress: 0,
    close: () => {},
    count: (n) => reach(() => collector.events.length, n),
  }
  const subscription = await storage.watch(prefix, afterRevision, {
    onEvents: (events) => {
      assert.ok(events.length > 0, 'events never come empty')
      collector.events.push(...events)
    },
    onProgress: (revision) => {
      collector.progress = revision
    },
    onError: (error) => collector.errors.push(error),
  })
  collector.close = () => subscription.close()
  return collector
}

async function reach(current: () => number, expected: number, seconds = 10): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (current() < expected && performance.now() < end) await sleep(5)
  assert.equal(current(), expected)
}

/** Types, key suffixes and values of events, which is mostly all that matters. */
function brief(events: readonly StorageEvent[], prefix: string): string[] {
  return events.map(({ type, key, value }) => `${type} ${key.slice(prefix.length)}=${value}`)
}

function assertAscending(events: readonly StorageEvent[]): void {
  for (const [index, { revision }] of events.entries()) {
    if (index > 0)
      assert.ok(revision > events[index - 1]!.revision, `revision ${revision} came after ${events[index - 1]!.revision}`)
  }
}

rule('creates, reads, updates and deletes', async ({ storage, prefix }) => {
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
})

rule('refuses what is not as expected, and says what is there', async ({ storage, prefix }) => {
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
})

rule('lets exactly one of competing writers win', async ({ storage, prefix }) => {
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
    const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [{ index, revision: result.value }] : []))
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
})

rule('keeps a counter exact through compare-and-swap', async ({ storage, prefix }) => {
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
})

rule('lists a prefix in byte order, in pages and as of a revision', async ({ storage, prefix }) => {
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
})

rule('reads the past exactly', async ({ storage, prefix }) => {
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
})

rule('forgets what is compacted and keeps what is there', async ({ storage, prefix }) => {
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
  await assert.rejects(storage.watch(prefix, r2 - 1, { onEvents() {}, onError() {} }), CompactedError)
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
})

rule('watches changes as they happen', async ({ storage, prefix, collect }) => {
  const watch = await collect()
  const key = `${prefix}ns/a`
  const [v1, v2] = [bytes('1'), bytes('2')]
  const r1 = await storage.create(key, v1)
  assert.equal(watch.events.length, 1, 'the event comes before the write resolves')
  const r2 = await storage.update(key, v2, r1)
  const r3 = await storage.delete(key, r2)
  await storage.create(`${prefix.slice(0, -1)}x/outside`, v1)
  assert.deepEqual(watch.events, [
    { type: 'put', key, value: v1, revision: r1, createRevision: r1 },
    { type: 'put', key, value: v2, revision: r2, createRevision: r1, previous: { value: v1, revision: r1 } },
    { type: 'delete', key, value: v2, revision: r3, createRevision: r1, previous: { value: v2, revision: r2 } },
  ])
  assert.equal(watch.events[0]!.value, v1, "the writer's own buffer")
  assert.equal(watch.events[1]!.value, v2, "the writer's own buffer")
  watch.close()
  await storage.create(key, v1)
  await sleep(20)
  assert.equal(watch.events.length, 3, 'nothing comes after close')
  assert.deepEqual(watch.errors, [])
})

rule('replays history, then goes on live, without gap or repeat', async ({ storage, prefix, collect }) => {
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
  await assert.rejects(
    storage.watch(prefix, (await storage.currentRevision()) + 1000, { onEvents() {}, onError() {} }),
    FutureRevisionError,
  )
})

rule('hands each watch its own prefix, whatever else is watched', async ({ storage, prefix, collect }) => {
  const outer = await collect()
  const inner = await Promise.all(Array.from({ length: 60 }, (_, i) => collect(undefined, `${prefix}r${i}/`)))
  const twin = await collect(undefined, `${prefix}r7/`)
  await Promise.all(Array.from({ length: 240 }, (_, i) => storage.create(`${prefix}r${i % 60}/ns/${i}`, bytes(String(i)))))
  assert.equal(outer.events.length, 240)
  assertAscending(outer.events)
  for (const [index, watch] of inner.entries()) {
    assert.equal(watch.events.length, 4)
    assert.ok(watch.events.every(({ value }) => Number(value) % 60 === index))
  }
  assert.deepEqual(twin.events, inner[7]!.events)
  twin.close()
  await storage.create(`${prefix}r7/last`, bytes('last'))
  assert.equal(inner[7]!.events.length, 5)
  assert.equal(twin.events.length, 4)
})

rule('tells an idle watch how far it is', async ({ storage, prefix, collect }) => {
  const watch = await collect(undefined, `${prefix}idle/`)
  const revision = await storage.create(`${prefix}busy/a`, bytes('x'))
  await reach(() => Math.min(watch.progress, revision), revision)
  assert.equal(watch.events.length, 0)
})

rule('lists a state that was there at one revision', async ({ storage, prefix }) => {
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
})

rule('rebuilds the state from events after a storm of writes', async ({ storage, prefix, collect }) => {
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
})

rule('answers watches honestly while history is compacted under them', async ({ storage, prefix, collect }) => {
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
})

rule('expires keys by a deletion with its own revision', async ({ storage, prefix, collect }) => {
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
})

rule('keeps large, empty and binary values and long keys', async ({ storage, prefix, collect }) => {
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
})

rule('ends with close', async ({ storage, prefix, collect }) => {
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
    () => storage.watch(prefix, 1, { onEvents() {}, onError() {} }),
  ]) {
    await assert.rejects(call, { name: 'StorageUnavailableError' })
  }
})

restartRule('has everything again after a restart', async (given) => {
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
})

restartRule('expires keys across a restart', async (given) => {
  const { prefix } = given
  const soon = await given.storage.create(`${prefix}soon`, bytes('soon'), { ttlSeconds: 1 })
  await given.storage.create(`${prefix}later`, bytes('later'), { ttlSeconds: 100 })
  await given.restart()
  const watch = await given.collect(soon)
  await watch.count(2)
  assert.deepEqual(brief(watch.events, prefix), ['put later=later', 'delete soon=soon'])
  assert.equal(await given.storage.count(prefix), 1)
})

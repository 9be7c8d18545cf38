import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryStorage } from '../memory.ts'
import { KeyExistsError, RevisionConflictError, type StorageEvent, type Subscription, type WatchHandler } from '../storage.ts'
import { storageContract } from '../storage-contract.ts'
import { UnreadableError } from '../unreadable.ts'
import { AesGcm } from './aes.ts'
import { identity, type Opened, PrefixTransformers, type Transformer } from './transformer.ts'
import { TransformingStorage } from './transforming-storage.ts'

const bytes = (text: string) => Buffer.from(text)
const keyed = (...names: string[]): Transformer =>
  new PrefixTransformers(
    'no matching prefix found',
    names.map((name) => ({ prefix: `k8s:enc:aesgcm:v1:${name}:`, transformer: new AesGcm(Buffer.alloc(32, name)) })),
    () => {},
  )

/** Needs something from elsewhere to read, as a KMS plugin's values do. */
class Slow implements Transformer {
  readonly #inner = keyed('slow')
  readonly #ready = new Set<string>()
  delay = 1

  toStorage(value: Buffer, key: string): Buffer {
    return this.#inner.toStorage(value, key)
  }

  fromStorage(stored: Buffer, key: string): Opened {
    if (!this.#ready.delete(stored.toString('base64'))) throw new Error('not prepared')
    return this.#inner.fromStorage(stored, key)
  }

  async prepare(stored: Buffer): Promise<void> {
    await sleep(this.delay)
    this.#ready.add(stored.toString('base64'))
  }
}

/** Shows events as plain objects, which the contract compares them with; a transforming store's are only alike. */
class PlainEvents extends TransformingStorage {
  override watch(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription> {
    const plain = ({ type, key, value, revision, createRevision, previous }: StorageEvent): StorageEvent => {
      const event = { type, key, value, revision, createRevision }
      return previous ? { ...event, previous } : event
    }
    return super.watch(prefix, afterRevision, { ...handler, onEvents: (events) => handler.onEvents(events.map(plain)) })
  }
}

storageContract('transforming', async () => {
  const transformer = keyed('a')
  return { storage: new PlainEvents(new MemoryStorage(), () => transformer) }
})

storageContract('transforming without a transformer', async () => ({
  storage: new TransformingStorage(new MemoryStorage(), () => undefined),
}))

async function following(storage: TransformingStorage, prefix = '/r/') {
  const events: StorageEvent[] = []
  const order: string[] = []
  const subscription = await storage.watch(prefix, await storage.currentRevision(), {
    onEvents: (batch) => {
      events.push(...batch)
      for (const { revision } of batch) order.push(`event ${revision}`)
    },
    onProgress: (revision) => order.push(`progress ${revision}`),
    onError: (error) => order.push(`error ${error.message}`),
  })
  return { events, order, subscription }
}

test('what is stored is encrypted, bound to its key, and comes back in every way of reading', async () => {
  const inner = new MemoryStorage()
  const storage = new TransformingStorage(inner, () => keyed('a'))
  const created = await storage.create('/r/a', bytes('one'))
  const updated = await storage.update('/r/a', bytes('two'), created)
  const raw = (await inner.get('/r/a'))!.value
  assert.match(raw.toString('latin1'), /^k8s:enc:aesgcm:v1:a:/)
  assert.ok(!raw.includes('two'))
  assert.equal((await storage.get('/r/a'))!.value.toString(), 'two')
  assert.equal((await storage.get('/r/a', created))!.value.toString(), 'one')
  const { items, revision } = await storage.list('/r/')
  assert.deepEqual(
    items.map((item) => [item.key, item.value.toString(), item.revision, item.createRevision]),
    [['/r/a', 'two', updated, created]],
  )
  assert.equal(revision, updated)
  assert.equal(await storage.count('/r/'), 1)
})

test('events carry the very buffer that was written, and what was before it', async () => {
  const storage = new TransformingStorage(new MemoryStorage(), () => keyed('a'))
  const { events } = await following(storage)
  const [one, two] = [bytes('one'), bytes('two')]
  const revision = await storage.update('/r/a', two, await storage.create('/r/a', one))
  await storage.delete('/r/a', revision)
  assert.equal(events[0]!.value, one)
  assert.equal(events[0]!.previous, undefined)
  assert.equal(events[1]!.value, two)
  assert.equal(events[1]!.previous!.value, one)
  assert.equal(events[2]!.type, 'delete')
  assert.equal(events[2]!.value, two)
  assert.deepEqual(events[2]!.previous, { value: two, revision })
})

test('another process reads the same from the store', async () => {
  const inner = new MemoryStorage()
  const ours = new TransformingStorage(inner, () => keyed('a'))
  const theirs = new TransformingStorage(inner, () => keyed('b', 'a'))
  const { events } = await following(theirs)
  await ours.create('/r/a', bytes('one'))
  assert.equal(events[0]!.value.toString(), 'one')
  assert.equal(events[0]!.unreadable, undefined)
})

test('what a write finds instead of what it expected is decrypted', async () => {
  const inner = new MemoryStorage()
  await new TransformingStorage(inner, () => keyed('a')).create('/r/a', bytes('theirs'))
  const storage = new TransformingStorage(inner, () => keyed('a'))
  await assert.rejects(storage.update('/r/a', bytes('x'), 99), (error) => {
    assert.ok(error instanceof RevisionConflictError)
    assert.equal(error.current!.value.toString(), 'theirs')
    return true
  })
  await assert.rejects(storage.create('/r/a', bytes('x')), KeyExistsError)
})

test('tells what is stored with an old key, or not at all encrypted', async () => {
  const inner = new MemoryStorage()
  let current = keyed('old')
  const storage = new TransformingStorage(inner, () => current)
  const revision = await storage.create('/r/a', bytes('one'))
  assert.equal(await storage.stale('/r/a'), false)
  assert.equal(await storage.stale('/r/none'), false)
  current = keyed('new', 'old')
  assert.equal(await storage.stale('/r/a'), true)
  assert.equal((await storage.get('/r/a'))!.value.toString(), 'one')
  await storage.update('/r/a', bytes('one'), revision)
  assert.equal(await storage.stale('/r/a'), false)
  current = keyed('new')
  assert.equal((await storage.get('/r/a'))!.value.toString(), 'one')
  await inner.create('/r/plain', bytes('{}'))
  current = new PrefixTransformers(
    'no',
    [
      { prefix: 'k8s:enc:x:', transformer: new AesGcm(Buffer.alloc(32)) },
      { prefix: '', transformer: identity },
    ],
    () => {},
  )
  assert.equal(await storage.stale('/r/plain'), true)
})

test('what can not be read says why and is handed on as it is, and harms nothing else', async () => {
  const inner = new MemoryStorage()
  const storage = new TransformingStorage(inner, () => keyed('a'))
  const { events } = await following(storage)
  await storage.create('/r/a', bytes('one'))
  const stored = Buffer.from((await inner.get('/r/a'))!.value)
  await inner.create('/r/b', stored)
  await inner.create('/r/c', bytes('plain'))
  const { items } = await storage.list('/r/')
  assert.deepEqual(
    items.map((item) => [item.key, item.value.toString('latin1'), item.unreadable?.message]),
    [
      ['/r/a', 'one', undefined],
      // Moved there by somebody.
      ['/r/b', stored.toString('latin1'), 'cipher: message authentication failed'],
      ['/r/c', 'plain', 'no matching prefix found'],
    ],
  )
  const got = (await storage.get('/r/c'))!.unreadable
  assert.ok(got instanceof UnreadableError)
  assert.deepEqual([got.key, got.step], ['/r/c', 'transform'])
  assert.equal(events[2]!.unreadable?.message, 'no matching prefix found')
})

test('what can not be encrypted is not stored', async () => {
  const inner = new MemoryStorage()
  const storage = new TransformingStorage(inner, () => ({
    toStorage() {
      throw new Error('there is no key')
    },
    fromStorage: identity.fromStorage,
  }))
  await assert.rejects(storage.create('/r/a', bytes('one')), { name: 'UnreadableError', message: 'there is no key' })
  assert.equal(await inner.count('/r/'), 0)
})

test('events that wait for a key come in order, and before the write or the revision that tells of them', async () => {
  const inner = new MemoryStorage()
  const slow = new Slow()
  const storage = new TransformingStorage(inner, () => slow)
  const { events, order } = await following(storage)
  order.length = 0
  slow.delay = 20
  // By somebody else, so that the plain value isn't known.
  const theirs = new TransformingStorage(inner, () => slow)
  const first = await theirs.create('/r/a', bytes('one'))
  assert.equal(events.length, 0)
  assert.equal(await storage.currentRevision(), first)
  assert.equal(events[0]!.value.toString(), 'one')
  const second = await theirs.create('/r/b', bytes('two'))
  slow.delay = 0
  const third = await storage.create('/r/c', bytes('three'))
  assert.deepEqual(
    order,
    [first, second, third].flatMap((revision) => [`event ${revision}`, `progress ${revision}`]),
  )
  assert.equal(events[2]!.value.toString(), 'three')
})

test('a watch that was closed gets nothing that still waited', async () => {
  const inner = new MemoryStorage()
  const slow = new Slow()
  const storage = new TransformingStorage(inner, () => slow)
  const { order, subscription } = await following(storage)
  order.length = 0
  await new TransformingStorage(inner, () => slow).create('/r/a', bytes('one'))
  subscription.close()
  await storage.currentRevision()
  assert.deepEqual(order, [])
})

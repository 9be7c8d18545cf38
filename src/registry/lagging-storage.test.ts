import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BUILT_IN_KINDS } from '../kinds/all.ts'
import type { KubeObject } from '../machinery/object.ts'
import { MemoryStorage } from '../storage/memory.ts'
import type { ListOptions, Storage, StorageEvent, WatchHandler, WriteOptions } from '../storage/storage.ts'
import type { KindDefinition } from './kind.ts'
import { KindStore } from './store.ts'

// A storage whose changes reach this process later than their writes, as with etcd: what a store says must hold all the same.

/** Tells its watches of changes a while later. */
class LaggingStorage implements Storage {
  readonly eager = false
  readonly #inner = new MemoryStorage()
  readonly #delay: number
  #waiting: (() => void)[] = []

  constructor(delay: number) {
    this.#delay = delay
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const tell of waiting) tell()
  }

  async watch(prefix: string, afterRevision: number, handler: WatchHandler) {
    const later = (tell: () => void) => {
      this.#waiting.push(tell)
      setTimeout(() => this.#release(), this.#delay).unref()
    }
    return this.#inner.watch(prefix, afterRevision, {
      onEvents: (events: readonly StorageEvent[]) => later(() => handler.onEvents(events)),
      onProgress: (revision) => later(() => handler.onProgress?.(revision)),
      onError: (error) => handler.onError(error),
    })
  }

  currentRevision = () => this.#inner.currentRevision()
  get = (key: string, revision?: number) => this.#inner.get(key, revision)
  list = (prefix: string, options?: ListOptions) => this.#inner.list(prefix, options)
  count = (prefix: string) => this.#inner.count(prefix)
  size = () => this.#inner.size()
  create = (key: string, value: Buffer, options?: WriteOptions) => this.#inner.create(key, value, options)
  update = (key: string, value: Buffer, revision: number, options?: WriteOptions) =>
    this.#inner.update(key, value, revision, options)
  delete = (key: string, revision: number) => this.#inner.delete(key, revision)
  compact = (revision: number) => this.#inner.compact(revision)
  compactedRevision = () => this.#inner.compactedRevision()
  ping = () => this.#inner.ping()
  close = () => this.#inner.close();
  [Symbol.asyncDispose] = () => this.#inner.close()
}

const kind = BUILT_IN_KINDS.find(({ resource }) => resource === 'configmaps') as KindDefinition

const object = (name: string, value: string): KubeObject =>
  ({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name, namespace: 'ns', uid: `uid-${name}` },
    data: { value },
  }) as KubeObject

const valueIn = (stored: { object<T>(): T } | undefined) => stored?.object<{ data: { value: string } }>().data.value

/** A store, and another process's on the same storage. */
async function twoStores(t: { after(run: () => Promise<void>): void }, delay = 50) {
  const storage = new LaggingStorage(delay)
  t.after(() => storage.close())
  const [store, other] = [1, 2].map(() => new KindStore(kind, { storage, rootPrefix: '/registry', onError() {} }))
  await Promise.all([store!.cache.ready(), other!.cache.ready()])
  return { storage, store: store!, other: other! }
}

const write = { dryRun: false }
const set = (value: string) => async (current: KubeObject | undefined) => {
  if (!current) throw new Error('not found')
  return { store: { ...current, data: { value } } as KubeObject }
}

suite('a storage that lags', () => {
  test('reads show every write that was acknowledged', async (t) => {
    const { store, other } = await twoStores(t)
    const created = await store.create(object('a', '1'), write)
    assert.equal(store.cache.get(store.key('ns', 'a')), undefined, 'the cache lags')
    assert.equal((await store.get('ns', 'a'))!.revision, created.revision)
    assert.equal(valueIn(await other.get('ns', 'a')), '1')
    const written = await other.change('ns', 'a', write, set('2'))
    const { revision, tree } = await store.cache.consistentSnapshot()
    assert.ok(revision >= written.entry.revision)
    assert.equal(valueIn(tree.get(store.key('ns', 'a'))), '2')
    await store.create(object('b', '1'), write)
    assert.equal(
      (await other.cache.snapshotAt(written.entry.revision)).tree.size,
      1,
      'as of a revision that it knows only by name',
    )
  })

  test('writes on a stale copy come out as on the newest', async (t) => {
    const { store, other } = await twoStores(t)
    await store.create(object('a', '1'), write)
    assert.equal((await other.change('ns', 'a', write, set('2'))).removed, false, 'an object that the cache has not heard of')
    assert.equal((await other.change('ns', 'a', write, set('3'))).removed, false)
    // Each changes what the other wrote last, which its own cache doesn't have yet.
    await store.change('ns', 'a', write, async (current) => ({
      store: { ...current, data: { value: `${(current as unknown as { data: { value: string } }).data.value}+` } } as KubeObject,
    }))
    assert.equal(valueIn(await other.get('ns', 'a')), '3+')
    const back = await other.change('ns', 'a', write, set('3'))
    assert.equal(valueIn(back.entry), '3')
    const same = await store.change('ns', 'a', write, set('3+'))
    assert.equal(valueIn(same.entry), '3+', 'what is the same as the stale copy is written all the same')
    assert.equal(valueIn(await other.get('ns', 'a')), '3+')
  })

  test('refusals are about the newest', async (t) => {
    const { store, other } = await twoStores(t)
    await store.create(object('a', '1'), write)
    await store.get('ns', 'a')
    await other.change('ns', 'a', write, async (current) => ({ remove: current! }))
    await store.create(object('a', '2'), write)
    await assert.rejects(other.create(object('a', '3'), write), { reason: 'AlreadyExists' })
    await assert.rejects(other.create(object('a', '3'), { dryRun: true }), { reason: 'AlreadyExists' })
    let seen = 0
    const onlyNewest = async (current: KubeObject | undefined, revision: number) => {
      seen++
      if (revision !== (await store.get('ns', 'a'))!.revision) throw new Error('conflict')
      return { store: { ...current, data: { value: 'x' } } as KubeObject }
    }
    await store.change('ns', 'a', write, set('4'))
    await other.change('ns', 'a', write, onlyNewest)
    assert.ok(seen >= 1)
    await assert.rejects(other.change('ns', 'none', write, set('x')), { message: 'not found' })
  })

  test('a read that waits too long for the cache asks the storage', async (t) => {
    const { store } = await twoStores(t, 1_000_000)
    const created = await store.create(object('a', '1'), write)
    const [entry, snapshot] = await Promise.all([store.get('ns', 'a'), store.cache.consistentSnapshot()])
    assert.equal(entry!.revision, created.revision)
    assert.equal(valueIn(snapshot.tree.get(store.key('ns', 'a'))), '1')
  })
})

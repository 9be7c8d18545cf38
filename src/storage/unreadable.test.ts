import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AesGcm } from './encryption/aes.ts'
import { PrefixTransformers, type Transformer } from './encryption/transformer.ts'
import { TransformingStorage } from './encryption/transforming-storage.ts'
import { MemoryStorage } from './memory.ts'
import { CompactedError } from './storage.ts'
import { firstUnreadable, UnreadableError } from './unreadable.ts'
import { WatchCache } from './watch-cache.ts'

const PREFIX = '/registry/secrets/'
const object = (name: string, data = '') =>
  Buffer.from(JSON.stringify({ kind: 'Secret', apiVersion: 'v1', metadata: { name, uid: name }, data }))
const keyed = (...names: string[]): Transformer =>
  new PrefixTransformers(
    'no matching prefix found',
    names.map((name) => ({ prefix: `k8s:enc:aesgcm:v1:${name}:`, transformer: new AesGcm(Buffer.alloc(32, name)) })),
    () => {},
  )

function setUp(transformer: () => Transformer | undefined = () => undefined) {
  const inner = new MemoryStorage()
  const storage = new TransformingStorage(inner, transformer)
  const errors: string[] = []
  const cache = new WatchCache({
    storage,
    prefix: PREFIX,
    describe: () => ({ labels: undefined, field: () => '' }),
    onError: (error) => errors.push(error.message),
  })
  const told: string[] = []
  const watch = async (prefix = PREFIX, from?: number) =>
    await cache.watch(from ?? cache.revision, {
      prefix,
      exact: !prefix.endsWith('/'),
      onEvent: (type, { entry }) =>
        told.push(`${type} ${entry.key.slice(PREFIX.length)} ${entry.object<{ data: string }>().data}`),
      onFail: (error) => told.push(`failed ${error.name}`),
    })
  return { inner, storage, cache, errors, told, watch }
}

const keys = (cache: WatchCache) => {
  const found: string[] = []
  cache.snapshot().tree.forEach(PREFIX, '/registry/secrets0', (entry) => {
    found.push(entry.key.slice(PREFIX.length))
    return true
  })
  return found
}

test('at the start, what can not be read fails alone, with what is known of it', async () => {
  const { inner, cache, errors } = setUp(() => keyed('a'))
  await new TransformingStorage(inner, () => keyed('a')).create(`${PREFIX}ns/good`, object('good'))
  await new TransformingStorage(inner, () => keyed('b')).create(`${PREFIX}ns/other-key`, object('other-key'))
  const bad = await inner.create(`${PREFIX}ns/plain`, object('plain'))
  await cache.ready()
  assert.deepEqual(keys(cache), ['ns/good'])
  assert.ok(cache.get(`${PREFIX}ns/good`))
  assert.equal(cache.get(`${PREFIX}ns/none`), undefined)
  for (const name of ['other-key', 'plain']) {
    const expected = {
      name: 'UnreadableError',
      message: 'no matching prefix found',
      key: `${PREFIX}ns/${name}`,
      step: 'transform',
    }
    assert.throws(() => cache.get(`${PREFIX}ns/${name}`), expected)
    await assert.rejects(cache.newest(`${PREFIX}ns/${name}`), expected)
  }
  const { unreadable } = await cache.consistentSnapshot()
  assert.equal(firstUnreadable(unreadable, PREFIX, '/registry/secrets0')!.error.key, `${PREFIX}ns/other-key`)
  assert.equal(firstUnreadable(unreadable, `${PREFIX}ns/p`, '/registry/secrets0')!.revision, bad)
  assert.equal(firstUnreadable(unreadable, `${PREFIX}nt`, '/registry/secrets0'), undefined)
  assert.deepEqual(errors, [`2 objects can't be read, such as ${PREFIX}ns/other-key`])
})

test('what is no object, and what is encrypted where nothing is configured, say so', async () => {
  const { inner, cache } = setUp()
  const bad: [name: string, value: string, message: string | RegExp][] = [
    ['cut', object('cut').toString().slice(0, -5), "couldn't get version/kind; json parse error: unexpected end of JSON input"],
    ['empty', '', "couldn't get version/kind; json parse error: unexpected end of JSON input"],
    ['no-kind', '{"a":1}', `Object 'Kind' is missing in "{\\"a\\":1}"`],
    ['list', '[]', `Object 'Kind' is missing in "[]"`],
    ['noise', '\x00\x01\xff', /^couldn't get version\/kind; json parse error: invalid character/],
    ['encrypted', 'k8s:enc:aescbc:v1:key1:xyz', 'identity transformer tried to read encrypted data'],
  ]
  for (const [name, value] of bad) await inner.create(PREFIX + name, Buffer.from(value, 'latin1'))
  await inner.create(`${PREFIX}good`, object('good'))
  await cache.ready()
  assert.deepEqual(keys(cache), ['good'])
  for (const [name, , message] of bad) {
    const step = name === 'encrypted' ? 'transform' : 'decode'
    assert.throws(() => cache.get(PREFIX + name), { message, step })
  }
})

test('in the stream, watchers keep what they saw last, and go on with what can be read again', async () => {
  const { inner, storage, cache, told, watch } = setUp(() => keyed('a'))
  await cache.ready()
  await watch()
  let revision = await storage.create(`${PREFIX}a`, object('a', '1'))
  revision = await inner.update(`${PREFIX}a`, Buffer.from('garbage'), revision)
  assert.throws(() => cache.get(`${PREFIX}a`), UnreadableError)
  await storage.create(`${PREFIX}b`, object('b', '1'))
  revision = await storage.update(`${PREFIX}a`, object('a', '2'), revision)
  assert.ok(cache.get(`${PREFIX}a`))
  await inner.update(`${PREFIX}a`, Buffer.from('more garbage'), revision)
  await storage.delete(`${PREFIX}a`, cache.revision)
  assert.deepEqual(told, ['ADDED a 1', 'ADDED b 1', 'MODIFIED a 2', 'DELETED a 2'])
  assert.equal(cache.get(`${PREFIX}a`), undefined)
  assert.equal(cache.snapshot().unreadable.size, 0)
})

test('the deletion of what nobody could read ends the watches that it may matter to, and those that resume before it', async () => {
  const { inner, cache, told, watch } = setUp(() => keyed('a'))
  const before = await inner.currentRevision()
  const revision = await inner.create(`${PREFIX}ns/a`, Buffer.from('garbage'))
  await cache.ready()
  await watch(`${PREFIX}ns/`)
  await watch(`${PREFIX}other/`)
  await inner.delete(`${PREFIX}ns/a`, revision)
  assert.deepEqual(told, ['failed CompactedError'])
  assert.equal(cache.get(`${PREFIX}ns/a`), undefined)
  await assert.rejects(watch(PREFIX, before), CompactedError)
  await watch(PREFIX, cache.revision)
})

test('what can be read again is found by who asks; watches that missed it end, and resumed ones get it from history', async () => {
  let current = keyed('a')
  const { inner, storage, cache, told, watch } = setUp(() => current)
  await cache.ready()
  await watch()
  const first = await storage.create(`${PREFIX}a`, object('a', '1'))
  // By a server that has a new key already.
  const revision = await new TransformingStorage(inner, () => keyed('b')).update(`${PREFIX}a`, object('a', '2'), first)
  await assert.rejects(cache.newest(`${PREFIX}a`), { message: 'no matching prefix found' })
  const error = new UnreadableError(`${PREFIX}a`, 'x', 'transform')
  await assert.rejects(cache.healed(error), { message: 'no matching prefix found' })
  assert.deepEqual(told, ['ADDED a 1'])
  current = keyed('b', 'a')
  assert.equal((await cache.newest(`${PREFIX}a`))!.revision, revision)
  assert.equal(cache.get(`${PREFIX}a`)!.object<{ data: string }>().data, '2')
  assert.equal(cache.snapshot().unreadable.size, 0)
  assert.deepEqual(told.splice(0), ['ADDED a 1', 'failed CompactedError'])
  await watch(PREFIX, first)
  assert.deepEqual(told, ['MODIFIED a 2'])
})

test('snapshots of the past know what could not be read then', async () => {
  const { inner, storage, cache } = setUp(() => keyed('a'))
  await cache.ready()
  const one = await storage.create(`${PREFIX}a`, object('a', '1'))
  const two = await inner.update(`${PREFIX}a`, Buffer.from('garbage'), one)
  const three = await storage.update(`${PREFIX}a`, object('a', '3'), two)
  const at = async (revision: number) => {
    const { tree, unreadable } = await cache.snapshotAt(revision)
    return [tree.get(`${PREFIX}a`)?.object<{ data: string }>().data, [...unreadable.keys()]]
  }
  assert.deepEqual(await at(one), ['1', []])
  assert.deepEqual(await at(two), [undefined, [`${PREFIX}a`]])
  assert.deepEqual(await at(three), ['3', []])
})

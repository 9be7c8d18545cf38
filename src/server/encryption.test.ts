import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { wrap } from '../machinery/protobuf/envelope.ts'
import { WireFacts } from '../machinery/protobuf/wire-facts.ts'
import { openEmbedded } from '../storage/embedded/embedded.ts'
import { AesGcm } from '../storage/encryption/aes.ts'
import { TestKmsPlugin } from '../testing/kms-plugin.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../testing/start-test-server.ts'

interface Answer {
  code: number
  body: {
    message?: string
    reason?: string
    metadata: { resourceVersion: string; name: string }
    details?: object
    data?: Record<string, string>
    items?: { metadata: { name: string } }[]
  }
}

const SECRETS = '/api/v1/namespaces/default/secrets'
/** What must never be in the store's files. */
const PLAIN = Buffer.from('a very secret value').toString('base64')

const keyed = (name: string, ...keys: string[]) => ({
  [name]: { keys: keys.map((key) => ({ name: key, secret: Buffer.alloc(32, key).toString('base64') })) },
})

async function setUp(t: TestContext) {
  const dir = await mkdtemp(path.join(tmpdir(), 'encrypted-server-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const file = path.join(dir, 'encryption.yaml')
  const configure = (...providers: unknown[]) =>
    writeFile(
      file,
      JSON.stringify({
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'EncryptionConfiguration',
        resources: [{ resources: ['secrets'], providers }],
      }),
    )
  const start = (flags: TestServerOptions['flags'] = {}) =>
    startTestServer({
      storage: 'embedded',
      dataDir: dir,
      flags: { encryptionProviderConfig: file, encryptionProviderConfigAutomaticReload: true, ...flags },
    })
  /** The stored secrets as they are, while no server runs. */
  const raw = async (): Promise<Map<string, string>> => {
    await using store = await openEmbedded({ path: path.join(dir, 'store') })
    const { items } = await store.list('/registry/secrets/')
    return new Map(items.map(({ key, value }) => [key, value.toString('latin1')]))
  }
  return { dir, file, configure, start, raw }
}

async function ask(server: TestServer, url: string, method = 'GET', body?: unknown): Promise<Answer> {
  const answer = await server.request(url, { method, ...(body === undefined ? {} : { body }) })
  return { code: answer.status, body: (await answer.json()) as Answer['body'] }
}

const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { key: PLAIN } })
const create = (server: TestServer, name: string) => ask(server, SECRETS, 'POST', secret(name))

test('secrets are unreadable in the store, and fine through the API, also after a key rotation and a restart', async (t) => {
  const { configure, start, raw } = await setUp(t)
  await configure(keyed('aescbc', 'old'))
  const first = await start()
  assert.equal((await create(first, 'a')).code, 201)
  assert.equal((await create(first, 'b')).code, 201)
  await configure(keyed('secretbox', 'new'), keyed('aescbc', 'old'))
  await first.server.encryption!.look()
  assert.equal((await create(first, 'c')).code, 201)
  // Rewritten without any change, as one does to move everything to a new key.
  const before = await ask(first, `${SECRETS}/a`)
  const after = await ask(first, `${SECRETS}/a`, 'PUT', before.body)
  assert.equal(after.code, 200)
  assert.notEqual(after.body.metadata.resourceVersion, before.body.metadata.resourceVersion)
  const again = await ask(first, `${SECRETS}/a`, 'PUT', after.body)
  assert.equal(again.body.metadata.resourceVersion, after.body.metadata.resourceVersion, 'nothing is left to do')
  await first.close()

  const stored = await raw()
  const prefix = (name: string) => stored.get(`/registry/secrets/default/${name}`)!.split(':').slice(0, 5).join(':')
  assert.equal(prefix('a'), 'k8s:enc:secretbox:v1:new')
  assert.equal(prefix('b'), 'k8s:enc:aescbc:v1:old')
  assert.equal(prefix('c'), 'k8s:enc:secretbox:v1:new')
  for (const [key, value] of stored) assert.ok(!value.includes(PLAIN) && !value.includes('"Secret"'), key)

  await using second = await start()
  for (const name of ['a', 'b', 'c']) assert.equal((await ask(second, `${SECRETS}/${name}`)).body.data!.key, PLAIN)
  const list = await ask(second, SECRETS)
  assert.deepEqual(
    list.body.items!.map(({ metadata }) => metadata.name),
    ['a', 'b', 'c'],
  )
})

test('an object whose key is lost fails alone; it comes back with its key', async (t) => {
  const { configure, start } = await setUp(t)
  await configure(keyed('aesgcm', 'old'))
  const first = await start()
  await create(first, 'lost')
  await configure(keyed('aesgcm', 'new'), keyed('aesgcm', 'old'))
  await first.server.encryption!.look()
  await create(first, 'kept')
  await first.close()

  await configure(keyed('aesgcm', 'new'))
  await using second = await start()
  const cause = 'no matching key was found for the provided AES transformer'
  const error = (message: string) => ({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  })
  const inList = error(`unable to transform key "/registry/secrets/default/lost": ${cause}`)
  assert.deepEqual(await ask(second, `${SECRETS}/lost`), { code: 500, body: error(cause) })
  for (const url of [SECRETS, '/api/v1/secrets', `${SECRETS}?labelSelector=a%3Db`])
    assert.deepEqual(await ask(second, url), { code: 500, body: inList }, url)
  assert.equal((await ask(second, `${SECRETS}/kept`)).body.data!.key, PLAIN)
  assert.equal((await ask(second, `${SECRETS}?limit=1`)).code, 200, 'a page that it is not on')
  assert.equal((await ask(second, '/api/v1/namespaces/kube-system/secrets')).code, 200)
  assert.equal((await create(second, 'lost')).body.reason, 'AlreadyExists')
  assert.deepEqual(await ask(second, `${SECRETS}/lost`, 'DELETE'), { code: 500, body: error(cause) })
  assert.deepEqual(await ask(second, `${SECRETS}/lost`, 'PUT', secret('lost')), { code: 500, body: error(cause) })
  assert.deepEqual(await ask(second, SECRETS, 'DELETE'), { code: 500, body: inList })

  const { resourceVersion } = (await ask(second, `${SECRETS}/kept`)).body.metadata
  const watch = await second.request(`${SECRETS}?watch=1&resourceVersion=${resourceVersion}`)
  assert.equal((await create(second, 'more')).code, 201)
  const { value } = await watch.body!.getReader().read()
  assert.match(Buffer.from(value!).toString(), /"type":"ADDED".*"name":"more"/)
  const initial = await second.request(
    `${SECRETS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
  )
  assert.deepEqual(JSON.parse(await initial.text()), { type: 'ERROR', object: inList })

  await configure(keyed('aesgcm', 'new'), keyed('aesgcm', 'old'))
  await second.server.encryption!.look()
  assert.equal((await ask(second, SECRETS)).body.items!.length, 3)
  assert.equal((await ask(second, `${SECRETS}/lost`)).body.data!.key, PLAIN)
})

test('a KMS plugin: its health is shown, and its values outlive it and the server', async (t) => {
  const { dir, configure, start, raw } = await setUp(t)
  const plugin = new TestKmsPlugin(path.join(dir, 'kms.sock'))
  await plugin.start()
  t.after(() => plugin.stop())
  await configure({ kms: { apiVersion: 'v2', name: 'p', endpoint: plugin.endpoint, timeout: '500ms' } })
  const flags = { encryptionProviderConfigAutomaticReload: false }
  const first = await start(flags)
  await create(first, 'a')
  for (const endpoint of ['healthz', 'livez', 'readyz']) {
    const answer = await first.request(`/${endpoint}?verbose`)
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), /\[\+\]kms-providers ok/)
  }
  await plugin.stop()
  assert.equal((await ask(first, `${SECRETS}/a`)).body.data!.key, PLAIN)
  await first.close()
  assert.match((await raw()).get('/registry/secrets/default/a')!, /^k8s:enc:kms:v2:p:/)

  await using second = await start(flags)
  const health = await second.request('/readyz')
  assert.equal(health.status, 500)
  assert.match(await health.text(), /\[-\]kms-providers failed: reason withheld/)
  const failed = await ask(second, `${SECRETS}/a`)
  assert.equal(failed.code, 500)
  assert.match(failed.body.message!, /^Internal error occurred: failed to decrypt DEK, error: rpc error: code = DeadlineExceeded/)
  assert.equal((await create(second, 'b')).code, 500)
  assert.equal((await ask(second, '/api/v1/configmaps')).code, 200)
  await plugin.start()
  assert.equal((await ask(second, `${SECRETS}/a`)).body.data!.key, PLAIN)
  assert.equal((await ask(second, SECRETS)).code, 200)
})

test('a file that can not be used stops the start with one line', async (t) => {
  const { file, start } = await setUp(t)
  await writeFile(file, 'kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources: []\n')
  await assert.rejects(start(), {
    message: 'error while parsing file: resources: Required value: at least one resources is required',
  })
})

test('what can not be read can only be deleted unsafely: with the gate, the option and the right to', async (t) => {
  const { configure, start } = await setUp(t)
  await configure(keyed('aesgcm', 'old'))
  const first = await start()
  await create(first, 'lost')
  await first.close()
  await configure(keyed('aesgcm', 'new'))
  const url = `${SECRETS}/lost?ignoreStoreReadErrorWithClusterBreakingPotential=true`
  const second = await start()
  assert.equal((await ask(second, url, 'DELETE')).code, 500, 'without the gate the option means nothing')
  await second.close()

  await using third = await start({ featureGates: { AllowUnsafeMalformedObjectDeletion: true } })
  await create(third, 'readable')
  assert.equal((await ask(third, `${SECRETS}/lost`, 'DELETE')).code, 500)
  const refused = await ask(third, url.replace('lost', 'readable'), 'DELETE')
  assert.equal(refused.code, 422)
  assert.match(refused.body.message!, /is exclusively used to delete corrupt object\(s\), try again by removing this option/)
  const removed = await ask(third, url, 'DELETE')
  assert.deepEqual([removed.code, removed.body.details], [200, { name: 'lost', kind: 'secrets' }])
  assert.equal((await ask(third, `${SECRETS}/lost`)).code, 404)
  assert.deepEqual(
    (await ask(third, SECRETS)).body.items!.map(({ metadata }) => metadata.name),
    ['readable'],
  )
  assert.equal((await ask(third, url, 'DELETE')).code, 404)
})

test('reads what the reference encrypted and stored in protobuf, and leaves it JSON upon the next change', async (t) => {
  const { dir, configure, start, raw } = await setUp(t)
  const provider = keyed('aesgcm', 'key1')
  await configure(provider)
  const key = '/registry/secrets/default/theirs'
  const message = new ProtobufCodec(new WireFacts()).encode('io.k8s.api.core.v1.Secret', {
    metadata: { name: 'theirs', namespace: 'default', uid: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    data: { key: PLAIN },
    type: 'Opaque',
  })
  const value = new AesGcm(Buffer.alloc(32, 'key1')).toStorage(wrap('v1', 'Secret', message), key)
  {
    await using store = await openEmbedded({ path: path.join(dir, 'store') })
    await store.create(key, Buffer.concat([Buffer.from('k8s:enc:aesgcm:v1:key1:'), value]))
  }
  const server = await start()
  const found = (await ask(server, `${SECRETS}/theirs`)).body
  assert.equal(found.data!.key, PLAIN)
  assert.equal(Buffer.from(found.data!.key!, 'base64').toString(), 'a very secret value')
  assert.equal((await ask(server, SECRETS)).body.items!.length, 1)
  assert.equal((await ask(server, `${SECRETS}/theirs`, 'PUT', { ...found, data: { other: PLAIN } })).code, 200)
  await server.close()
  const stored = Buffer.from((await raw()).get(key)!, 'latin1').subarray('k8s:enc:aesgcm:v1:key1:'.length)
  assert.match(new AesGcm(Buffer.alloc(32, 'key1')).fromStorage(stored, key).value.toString(), /^{"kind":"Secret"/)
})

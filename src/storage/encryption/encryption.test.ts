import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Metrics } from '../../observability/metrics.ts'
import { TestKmsPlugin } from '../../testing/kms-plugin.ts'
import { MemoryStorage } from '../memory.ts'
import { readConfiguration } from './config.ts'
import { Encryption } from './encryption.ts'
import { EncryptionMetrics } from './metrics.ts'
import { TransformingStorage } from './transforming-storage.ts'

const SECRETS = { group: '', resource: 'secrets' }
const keyed = (...names: string[]) => ({
  aescbc: { keys: names.map((name) => ({ name, secret: Buffer.alloc(32, name).toString('base64') })) },
})
const identity = { identity: {} }

async function setUp(t: TestContext, providers: unknown[], reload = true) {
  const dir = await mkdtemp(path.join(tmpdir(), 'encryption-'))
  const file = path.join(dir, 'config.yaml')
  const configure = (...list: unknown[]) =>
    writeFile(
      file,
      JSON.stringify({
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'EncryptionConfiguration',
        resources: [{ resources: ['secrets'], providers: list }],
      }),
    )
  await configure(...providers)
  const metrics = new Metrics()
  const lines: string[] = []
  const encryption = await Encryption.load({
    file,
    reload,
    clock: Date.now,
    metrics: new EncryptionMetrics(metrics, Date.now),
    log: (message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
  })
  const inner = new MemoryStorage()
  t.after(async () => {
    encryption.close()
    await rm(dir, { recursive: true, force: true })
  })
  const raw = async (key: string) => (await inner.get(key))!.value.toString('latin1')
  return { dir, file, configure, metrics, lines, encryption, inner, raw }
}

test('only what is configured is transformed, unless the configuration may change', async (t) => {
  const fixed = await setUp(t, [keyed('a')], false)
  assert.ok(fixed.encryption.storageFor(SECRETS, fixed.inner) instanceof TransformingStorage)
  assert.equal(fixed.encryption.storageFor({ group: '', resource: 'pods' }, fixed.inner), fixed.inner)
  assert.equal(fixed.encryption.checks, false)
  const followed = await setUp(t, [keyed('a')])
  const pods = followed.encryption.storageFor({ group: '', resource: 'pods' }, followed.inner)
  await pods.create('/registry/pods/a/b', Buffer.from('{}'))
  assert.equal(await followed.raw('/registry/pods/a/b'), '{}')
  assert.equal(followed.encryption.checks, true)
})

test('a new key is used once the file has it, and old values are read as long as it has theirs', async (t) => {
  const { configure, encryption, inner, raw, metrics, file } = await setUp(t, [keyed('old')])
  const storage = encryption.storageFor(SECRETS, inner)
  const value = Buffer.from('{"kind":"Secret"}')
  await storage.create('/s/a', value)
  assert.match(await raw('/s/a'), /^k8s:enc:aescbc:v1:old:/)
  await configure(keyed('new', 'old'))
  await encryption.look()
  await storage.create('/s/b', value)
  assert.match(await raw('/s/b'), /^k8s:enc:aescbc:v1:new:/)
  assert.equal((await storage.get('/s/a'))!.value.toString(), value.toString())
  await configure(identity, keyed('new'))
  await encryption.look()
  await storage.create('/s/c', value)
  assert.equal(await raw('/s/c'), value.toString())
  const text = await metrics.text()
  assert.match(text, /apiserver_encryption_config_controller_automatic_reloads_total\{status="success"\} 2/)
  const { hash } = await readConfiguration(file)
  assert.ok(text.includes(`apiserver_encryption_config_controller_last_config_info{hash="${hash}"} 1`))
  assert.match(
    text,
    /apiserver_storage_transformation_operations_total\{transformation_type="to_storage",transformer_prefix="k8s:enc:aescbc:v1:",status="OK"\} 2/,
  )
  assert.match(
    text,
    /apiserver_storage_transformation_operations_total\{transformation_type="to_storage",transformer_prefix="",status="OK"\} 1/,
  )
})

test('a file that can not be used changes nothing, and is used once it is good', async (t) => {
  const { configure, encryption, inner, raw, metrics, lines, file } = await setUp(t, [keyed('a')])
  const storage = encryption.storageFor(SECRETS, inner)
  await writeFile(file, 'kind: nonsense')
  await encryption.look()
  await encryption.look()
  await storage.create('/s/a', Buffer.from('{}'))
  assert.match(await raw('/s/a'), /:a:/)
  assert.equal(lines.length, 2)
  assert.match(lines[0]!, /the old one stays.*Object 'apiVersion' is missing/)
  assert.match(await metrics.text(), /automatic_reloads_total\{status="failure"\} 2/)
  await configure(keyed('b', 'a'))
  await encryption.look()
  await encryption.look()
  await storage.create('/s/b', Buffer.from('{}'))
  assert.match(await raw('/s/b'), /:b:/)
  assert.match(await metrics.text(), /automatic_reloads_total\{status="success"\} 1/)
})

test('a KMS plugin comes in with a reload, and its health is that of the server', async (t) => {
  const { dir, configure, encryption, inner, raw } = await setUp(t, [keyed('a')])
  const plugin = new TestKmsPlugin(path.join(dir, 'kms.sock'))
  await plugin.start()
  t.after(() => plugin.stop())
  const storage = encryption.storageFor(SECRETS, inner)
  await storage.create('/s/a', Buffer.from('{}'))
  await encryption.check()
  await configure({ kms: { apiVersion: 'v2', name: 'p', endpoint: plugin.endpoint, timeout: '200ms' } }, keyed('a'))
  await encryption.look()
  await encryption.check()
  await storage.create('/s/b', Buffer.from('{"b":1}'))
  assert.match(await raw('/s/b'), /^k8s:enc:kms:v2:p:/)
  assert.equal((await storage.get('/s/a'))!.value.toString(), '{}')
  const reader = encryption.storageFor(SECRETS, inner)
  assert.equal((await reader.get('/s/b'))!.value.toString(), '{"b":1}')
})

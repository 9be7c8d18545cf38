import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Metrics } from '../../../observability/metrics.ts'
import { TestKmsPlugin } from '../../../testing/kms-plugin.ts'
import { EncryptionMetrics } from '../metrics.ts'
import { hashOf } from './envelope.ts'
import { KmsProvider } from './provider.ts'

const VALUE = Buffer.from('{"kind":"Secret"}')
const PLACE = '/registry/secrets/default/a'

async function setUp(t: TestContext, { running = true, timeout = 1000 } = {}) {
  const dir = await mkdtemp(path.join(tmpdir(), 'kms-'))
  const plugin = new TestKmsPlugin(path.join(dir, 'plugin.sock'))
  if (running) await plugin.start()
  const metrics = new Metrics()
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') }
  const providers: KmsProvider[] = []
  t.after(async () => {
    for (const provider of providers) provider.close()
    await plugin.stop()
    await rm(dir, { recursive: true, force: true })
  })
  const encryptionMetrics = new EncryptionMetrics(metrics, () => clock.now)
  const make = () => {
    const provider = new KmsProvider({
      name: 'plugin',
      socket: plugin.socket,
      timeout,
      clock: () => clock.now,
      metrics: encryptionMetrics,
      log: () => {},
    })
    providers.push(provider)
    return provider
  }
  return { plugin, clock, make, metrics }
}

async function read(provider: KmsProvider, stored: Buffer): Promise<{ value: string; stale: boolean }> {
  await provider.transformer.prepare(stored)
  const { value, stale } = provider.transformer.fromStorage(stored, PLACE)
  return { value: value.toString(), stale }
}

test('many writes and reads ask the plugin once; another server asks once for each seed', async (t) => {
  const { plugin, make } = await setUp(t)
  const provider = make()
  await provider.start()
  const stored = Array.from({ length: 50 }, () => provider.transformer.toStorage(VALUE, PLACE))
  for (const one of stored) assert.deepEqual(await read(provider, one), { value: VALUE.toString(), stale: false })
  assert.deepEqual(plugin.calls, { Status: 1, Encrypt: 1, Decrypt: 0 })
  const other = make()
  await other.start()
  const results = await Promise.all(stored.map((one) => read(other, one)))
  assert.ok(results.every(({ value, stale }) => value === VALUE.toString() && !stale))
  assert.deepEqual(plugin.calls, { Status: 2, Encrypt: 2, Decrypt: 1 })
})

test('another key of the plugin: what was written before is stale, and writes use the new one', async (t) => {
  const { plugin, clock, make } = await setUp(t)
  const provider = make()
  await provider.start()
  const before = provider.transformer.toStorage(VALUE, PLACE)
  plugin.rotate('key-2')
  await provider.check()
  assert.equal((await read(provider, before)).stale, false, 'the last check still stands')
  clock.now += 20_000
  await provider.check()
  assert.deepEqual(await read(provider, before), { value: VALUE.toString(), stale: true })
  const after = provider.transformer.toStorage(VALUE, PLACE)
  assert.ok(after.includes('key-2'))
  assert.equal((await read(provider, after)).stale, false)
  plugin.forget('key-1')
  const other = make()
  await other.start()
  assert.equal((await read(other, after)).value, VALUE.toString())
  await assert.rejects(read(other, before), {
    message: 'failed to decrypt DEK, error: rpc error: code = Unknown desc = there is no key key-1',
  })
})

test('while the plugin is away reads go on, and writes for three minutes; then both are well again', async (t) => {
  const { plugin, clock, make } = await setUp(t, { timeout: 150 })
  const provider = make()
  await provider.start()
  const stored = provider.transformer.toStorage(VALUE, PLACE)
  await plugin.stop()
  clock.now += 180_000
  await assert.rejects(
    provider.check(),
    /^Error: failed to perform status section of the healthz check for KMS Provider plugin, error: rpc error: code = /,
  )
  provider.transformer.toStorage(VALUE, PLACE)
  clock.now += 1000
  assert.throws(() => provider.transformer.toStorage(VALUE, PLACE), {
    message: `encryptedDEKSource with keyID hash "${hashOf('key-1')}" expired at 2026-01-01T00:03:00Z (current time is 2026-01-01T00:03:01Z)`,
  })
  assert.equal((await read(provider, stored)).value, VALUE.toString())
  const other = make()
  await other.transformer.prepare(stored)
  assert.throws(
    () => other.transformer.fromStorage(stored, PLACE),
    /failed to decrypt DEK, error: rpc error: code = DeadlineExceeded/,
  )
  await plugin.start()
  clock.now += 3000
  await provider.check()
  provider.transformer.toStorage(VALUE, PLACE)
  assert.equal((await read(other, stored)).value, VALUE.toString())
})

test('a plugin that starts after the server is used once it is there', async (t) => {
  const { plugin, clock, make } = await setUp(t, { running: false, timeout: 100 })
  const provider = make()
  await provider.start()
  assert.throws(() => provider.transformer.toStorage(VALUE, PLACE), { message: 'got unexpected nil transformer' })
  await assert.rejects(provider.check(), /no such file or directory|ENOENT/)
  await plugin.start()
  clock.now += 3000
  await provider.check()
  assert.equal((await read(provider, provider.transformer.toStorage(VALUE, PLACE))).value, VALUE.toString())
})

test('a plugin that says that it is not well isn’t', async (t) => {
  const { plugin, clock, make } = await setUp(t)
  const provider = make()
  await provider.start()
  plugin.healthz = 'the HSM is on fire'
  plugin.version = 'v3'
  clock.now += 20_000
  await assert.rejects(provider.check(), {
    message:
      'kmsv2 Provider plugin is not healthy, error: [got unexpected healthz status: the HSM is on fire, expected KMSv2 API version v2, got v3]',
  })
  plugin.healthz = 'ok'
  plugin.version = 'v2beta1'
  clock.now += 3000
  await assert.rejects(
    provider.check(),
    /KMSv2 API version should not change after the initial status response version v2, got v2beta1/,
  )
  plugin.version = 'v2'
  plugin.rotate('')
  clock.now += 3000
  await assert.rejects(provider.check(), {
    message: 'kmsv2 Provider plugin is not healthy, error: got invalid KMSv2 KeyID hash "": keyID is empty',
  })
})

test('counts calls, keys and misses', async (t) => {
  const { make, metrics } = await setUp(t)
  const provider = make()
  await provider.start()
  const stored = provider.transformer.toStorage(VALUE, PLACE)
  const other = make()
  await other.start()
  await read(other, stored)
  const text = await metrics.text()
  const hash = hashOf('key-1')
  for (const line of [
    'apiserver_envelope_encryption_kms_operations_latency_seconds_count{provider_name="plugin",method_name="/v2.KeyManagementService/Decrypt",grpc_status_code="OK"} 1',
    `apiserver_envelope_encryption_key_id_hash_total{transformation_type="to_storage",provider_name="plugin",key_id_hash="${hash}"} 1`,
    `apiserver_envelope_encryption_key_id_hash_total{transformation_type="from_storage",provider_name="plugin",key_id_hash="${hash}"} 1`,
    'apiserver_storage_envelope_transformation_cache_misses_total 1',
    'apiserver_storage_data_key_generation_duration_seconds_count 2',
  ])
    assert.ok(text.includes(line), `${line}\n${text}`)
})

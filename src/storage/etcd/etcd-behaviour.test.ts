import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensurePki } from '../../server/pki.ts'
import { startEtcd, withoutEtcd } from '../../testing/start-etcd.ts'
import { StorageFullError, StorageUnavailableError } from '../storage.ts'
import { EtcdClient } from './client.ts'
import { Compactor } from './compactor.ts'
import { openEtcd } from './etcd.ts'
import { Leases } from './leases.ts'
import { range } from './messages.ts'

const prefix = '/registry/things/'
const noTls = { ca: '', cert: '', key: '' }
const quiet = () => {}

const clientOf = (endpoints: readonly string[]) => new EtcdClient({ endpoints, tls: noTls, log: quiet }, 0)

suite('etcd beyond the contract', { skip: withoutEtcd(), concurrency: false }, () => {
  test('one of two servers compacts, to where it was a round before', async (t) => {
    await using etcd = await startEtcd()
    await using storage = await openEtcd({ endpoints: etcd.endpoints })
    const client = clientOf(etcd.endpoints)
    t.after(() => client.close())
    const compacted: string[] = []
    const [a, b] = ['a', 'b'].map(
      (name) =>
        new Compactor({
          client,
          interval: 1_000_000,
          compacted: (revision) => compacted.push(`${name} ${revision}`),
          log: quiet,
        }),
    )
    const revisions: number[] = []
    for (let i = 0; i < 4; i++) {
      revisions.push(await storage.create(prefix + i, Buffer.from('x')))
      await a!.round()
      await b!.round()
    }
    // Each round by the first one leaves the key at a version that the other doesn't expect.
    assert.deepEqual(
      compacted.map((line) => line.split(' ')[0]),
      ['a', 'a', 'a'],
    )
    const last = Number(compacted.at(-1)!.split(' ')[1])
    assert.ok(last >= revisions[2]! && last < revisions[3]!)
    assert.equal(await storage.compactedRevision(), last)
    // When the first one is gone, the other goes on after a round.
    await b!.round()
    assert.equal(compacted.at(-1)!.split(' ')[0], 'b')
    const { kvs } = await client.call(range, { key: 'compact_rev_key' }, { repeatable: true })
    assert.equal(kvs[0]!.value.toString(), compacted.at(-1)!.split(' ')[1], 'as the reference writes it')
    a!.close()
    b!.close()
  })

  test('compacts by itself at an interval', async () => {
    await using etcd = await startEtcd()
    await using storage = await openEtcd({ endpoints: etcd.endpoints, compactionInterval: 100 })
    const revision = await storage.create(`${prefix}a`, Buffer.from('x'))
    for (let i = 0; i < 50 && (await storage.compactedRevision()) < revision; i++) await sleep(50)
    assert.ok((await storage.compactedRevision()) >= revision)
  })

  test('keys that expire at about the same time share a lease', async (t) => {
    await using etcd = await startEtcd()
    const client = clientOf(etcd.endpoints)
    t.after(() => client.close())
    let now = 1_000_000
    const leases = new Leases({ client, clock: () => now, reuseSeconds: 60 })
    const first = await Promise.all([leases.take(3600), leases.take(3600)])
    assert.equal(first[0], first[1])
    now += 59_000
    assert.equal(await leases.take(3600), first[0])
    now += 1_000
    const second = await leases.take(3600)
    assert.notEqual(second, first[0], 'the lease would end before the key')
    assert.notEqual(await leases.take(100), second, 'the lease would end long after the key')
    const many = new Set(await Promise.all(Array.from({ length: 2500 }, () => leases.take(3600))))
    assert.equal(many.size, 3, 'at most 1000 keys to a lease')
  })

  test('says when etcd is full, and when a value is too large', async () => {
    await using etcd = await startEtcd({ flags: ['--quota-backend-bytes', String(16 << 20)] })
    await using storage = await openEtcd({ endpoints: etcd.endpoints })
    await assert.rejects(storage.create(`${prefix}large`, Buffer.alloc(1_800_000)), {
      name: 'StorageError',
      message: 'etcdserver: request is too large',
    })
    await assert.rejects(storage.create(`${prefix}large`, Buffer.alloc(3 << 20)), { name: 'StorageError' })
    await assert.rejects(async () => {
      for (let i = 0; i < 30; i++) await storage.create(prefix + i, Buffer.alloc(1 << 20, i))
    }, StorageFullError)
    assert.ok(await storage.get(`${prefix}0`), 'reads go on')
  })

  test('says when etcd is away, and goes on when it is back', async () => {
    await using etcd = await startEtcd()
    await using storage = await openEtcd({ endpoints: etcd.endpoints })
    const seen: string[] = []
    await storage.watch(prefix, await storage.currentRevision(), {
      onEvents: (events) => void seen.push(...events.map(({ key }) => key.slice(prefix.length))),
      onError: assert.ifError,
    })
    await storage.create(`${prefix}before`, Buffer.from('x'))
    await etcd.members[0]!.kill()
    const away = storage.get(`${prefix}before`)
    await etcd.members[0]!.start()
    assert.equal((await away)!.value.toString(), 'x', 'a read waits a while')
    await storage.create(`${prefix}after`, Buffer.from('x'))
    for (let i = 0; i < 100 && seen.length < 2; i++) await sleep(50)
    assert.deepEqual(seen, ['before', 'after'])
  })

  test('turns to another member, and fails clearly when there is none', async () => {
    await using etcd = await startEtcd()
    await using storage = await openEtcd({ endpoints: ['http://127.0.0.1:1', ...etcd.endpoints, 'http://127.0.0.1:2'] })
    await storage.ping()
    const client = clientOf(['http://127.0.0.1:1'])
    await assert.rejects(
      client.call(range, { key: 'a' }, { repeatable: true, timeout: 300 }),
      /can't connect to http:\/\/127.0.0.1:1/,
    )
  })

  test('speaks TLS with a client certificate', async (t) => {
    const dir = await mkdtemp(path.join(tmpdir(), 'etcd-pki-'))
    t.after(() => rm(dir, { recursive: true }))
    const pki = await ensurePki({ dir, hostnames: [], ips: [], clock: { now: Date.now } })
    const ca = pki.ca.certFile
    await using etcd = await startEtcd({ tls: { ca, cert: pki.serving.certFile, key: pki.serving.keyFile } })
    {
      await using storage = await openEtcd({
        endpoints: etcd.endpoints,
        tls: { ca, cert: pki.admin.certFile, key: pki.admin.keyFile },
      })
      const revision = await storage.create(`${prefix}a`, Buffer.from('x'))
      assert.equal(await storage.currentRevision(), revision)
    }
    const refused = new EtcdClient({ endpoints: etcd.endpoints, tls: { ca, cert: '', key: '' }, log: quiet }, 0)
    t.after(() => refused.close())
    await assert.rejects(refused.call(range, { key: 'a' }, { repeatable: true, timeout: 500 }))
    await assert.rejects(
      openEtcd({ endpoints: etcd.endpoints, tls: { ca: path.join(dir, 'none'), cert: '', key: '' } }),
      (error) => error instanceof StorageUnavailableError && /can't read .*none/.test(error.message),
    )
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { MetaV1ObjectMeta, MetaV1OwnerReference } from '../generated/types.ts'
import { GarbageCollector } from './garbage-collector.ts'
import { ControlledServer } from './testing.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const SECRETS = '/api/v1/namespaces/default/secrets'
const ROLES = '/apis/rbac.authorization.k8s.io/v1/clusterroles'

/** A config map as an owner. */
function owner({ name, uid }: MetaV1ObjectMeta, more: MetaV1OwnerReference = {}): MetaV1OwnerReference {
  return { apiVersion: 'v1', kind: 'ConfigMap', name: name!, uid: uid!, ...more }
}

/** Makes an object with these owners. */
const make = (api: ControlledServer, url: string, name: string, owners: MetaV1OwnerReference[] = [], finalizers?: string[]) =>
  api.post(url, { metadata: { name, ownerReferences: owners, ...(finalizers ? { finalizers } : {}) } })

/** Resolves when all that is known was acted upon. */
const settled = (api: ControlledServer): Promise<void> => api.server.server.controllers.settled()

const owners = async (api: ControlledServer, url: string): Promise<string[]> =>
  ((await api.get(url)).metadata.ownerReferences ?? []).map(({ name }: MetaV1OwnerReference) => name)

suite('in the background', () => {
  test('dependents of all kinds go after their owner, and theirs in turn', async () => {
    await using api = await ControlledServer.start()
    const top = await make(api, MAPS, 'top')
    const middle = await make(api, SECRETS, 'middle', [owner(top)])
    await make(api, MAPS, 'bottom', [{ apiVersion: 'v1', kind: 'Secret', name: 'middle', uid: middle.uid! }])
    await make(api, MAPS, 'bystander')
    await settled(api)
    assert.deepEqual(await api.names(SECRETS), ['middle'])
    await api.delete(`${MAPS}/top`, { propagationPolicy: 'Background' })
    await api.untilGone(`${MAPS}/bottom`)
    assert.deepEqual(await api.names(SECRETS), [])
    assert.deepEqual(await api.names(MAPS), ['bystander', 'kube-root-ca.crt'])
  })

  test('a dependent stays as long as one owner does, and loses the others', async () => {
    await using api = await ControlledServer.start()
    const [a, b] = [await make(api, MAPS, 'a'), await make(api, MAPS, 'b')]
    await make(api, SECRETS, 's', [owner(a), owner(b)])
    await api.delete(`${MAPS}/a`)
    await api.until(`${SECRETS}/s`, ({ metadata }) => metadata.ownerReferences.length === 1)
    assert.deepEqual(await owners(api, `${SECRETS}/s`), ['b'])
    await api.delete(`${MAPS}/b`)
    await api.untilGone(`${SECRETS}/s`)
  })

  test('an owner that has to wait for a finalizer is still an owner', async () => {
    await using api = await ControlledServer.start()
    const top = await make(api, MAPS, 'top', [], ['example.com/hold'])
    await make(api, SECRETS, 's', [owner(top)])
    await api.delete(`${MAPS}/top`)
    await settled(api)
    assert.deepEqual(await api.names(SECRETS), ['s'])
    await api.merge(`${MAPS}/top`, { metadata: { finalizers: null } })
    await api.untilGone(`${SECRETS}/s`)
  })

  test('many dependents go', async () => {
    await using api = await ControlledServer.start({ storage: 'embedded' })
    const top = await make(api, MAPS, 'top')
    await Promise.all(Array.from({ length: 300 }, (_, i) => make(api, SECRETS, `s${i}`, [owner(top)])))
    await api.delete(`${MAPS}/top`)
    await settled(api)
    assert.deepEqual(await api.names(SECRETS), [])
  })

  test('pods go, too, whether they take their time or not', async () => {
    await using api = await ControlledServer.start()
    const pods = '/api/v1/namespaces/default/pods'
    await api.post('/api/v1/nodes', { metadata: { name: 'node' } })
    const top = await make(api, MAPS, 'top')
    for (const nodeName of ['', 'node']) {
      const metadata = { name: `p${nodeName}`, ownerReferences: [owner(top)] }
      await api.post(pods, { metadata, spec: { nodeName, containers: [{ name: 'c', image: 'i' }] } })
    }
    await api.delete(`${MAPS}/top`)
    await api.untilGone(`${pods}/p`)
    await api.until(`${pods}/pnode`, ({ metadata }) => metadata.deletionGracePeriodSeconds === 30)
    await api.delete(`${pods}/pnode`, { gracePeriodSeconds: 0 })
    await api.untilGone(`${pods}/pnode`)
  })

  test('grace and finalizers of dependents are respected', async () => {
    await using api = await ControlledServer.start()
    const top = await make(api, MAPS, 'top')
    await make(api, SECRETS, 's', [owner(top)], ['example.com/hold'])
    await api.delete(`${MAPS}/top`)
    const marked = await api.until(`${SECRETS}/s`, ({ metadata }) => metadata.deletionTimestamp !== undefined)
    assert.deepEqual(marked.metadata.finalizers, ['example.com/hold'])
    await api.merge(`${SECRETS}/s`, { metadata: { finalizers: null } })
    await api.untilGone(`${SECRETS}/s`)
  })
})

suite('in the foreground', () => {
  const foreground = { propagationPolicy: 'Foreground' }

  test('an owner goes after its blocking dependents, and theirs before', async () => {
    await using api = await ControlledServer.start()
    const block = { blockOwnerDeletion: true }
    const top = await make(api, MAPS, 'top')
    const middle = await make(api, MAPS, 'middle', [owner(top, block)])
    await make(api, SECRETS, 'bottom', [owner(middle, block)], ['example.com/hold'])
    await make(api, SECRETS, 'loose', [owner(top)])
    const { body } = await api.delete(`${MAPS}/top`, foreground)
    assert.deepEqual(body.metadata.finalizers, ['foregroundDeletion'])
    await api.until(`${MAPS}/middle`, ({ metadata }) => metadata.finalizers?.includes('foregroundDeletion'))
    await api.until(`${SECRETS}/bottom`, ({ metadata }) => metadata.deletionTimestamp !== undefined)
    await api.untilGone(`${SECRETS}/loose`)
    await settled(api)
    assert.deepEqual(await api.names(MAPS), ['kube-root-ca.crt', 'middle', 'top'])
    await api.merge(`${SECRETS}/bottom`, { metadata: { finalizers: null } })
    await api.untilGone(`${MAPS}/top`)
    assert.deepEqual(await api.names(MAPS), ['kube-root-ca.crt'])
  })

  test('an owner without dependents goes at once', async () => {
    await using api = await ControlledServer.start()
    await make(api, MAPS, 'top')
    await api.delete(`${MAPS}/top`, foreground)
    await api.untilGone(`${MAPS}/top`)
    await api.post('/api/v1/namespaces', { metadata: { name: 'n' } })
    await api.delete('/api/v1/namespaces/n', foreground)
    await api.untilGone('/api/v1/namespaces/n')
  })

  test('what a service held is free again', async () => {
    await using api = await ControlledServer.start()
    const services = '/api/v1/namespaces/default/services'
    const ports = [{ port: 80 }]
    await api.post(services, { metadata: { name: 's' }, spec: { ports } })
    const { clusterIP } = (await api.get(`${services}/s`)).spec
    await api.delete(`${services}/s`, foreground)
    await api.untilGone(`${services}/s`)
    await settled(api)
    await api.post(services, { metadata: { name: 't' }, spec: { ports, clusterIP } })
  })

  test('a dependent that doesn’t block any more lets its owner go', async () => {
    await using api = await ControlledServer.start()
    const top = await make(api, MAPS, 'top')
    const blocking = owner(top, { blockOwnerDeletion: true })
    await make(api, SECRETS, 's', [blocking], ['example.com/hold'])
    await api.delete(`${MAPS}/top`, foreground)
    await api.until(`${SECRETS}/s`, ({ metadata }) => metadata.deletionTimestamp !== undefined)
    await api.merge(`${SECRETS}/s`, { metadata: { ownerReferences: [{ ...blocking, blockOwnerDeletion: false }] } })
    await api.untilGone(`${MAPS}/top`)
    assert.deepEqual(await api.names(SECRETS), ['s'])
  })

  test('a dependent with another owner only loses this one', async () => {
    await using api = await ControlledServer.start()
    const [top, other] = [await make(api, MAPS, 'top'), await make(api, MAPS, 'other')]
    await make(api, SECRETS, 's', [owner(top, { blockOwnerDeletion: true }), owner(other)])
    await api.delete(`${MAPS}/top`, foreground)
    await api.untilGone(`${MAPS}/top`)
    assert.deepEqual(await owners(api, `${SECRETS}/s`), ['other'])
  })

  test('two that own each other don’t wait for ever', async () => {
    await using api = await ControlledServer.start()
    const block = { blockOwnerDeletion: true }
    const a = await make(api, MAPS, 'a')
    const b = await make(api, MAPS, 'b', [owner(a, block)])
    await api.merge(`${MAPS}/a`, { metadata: { ownerReferences: [owner(b, block)] } })
    await settled(api)
    assert.deepEqual(await api.names(MAPS), ['a', 'b', 'kube-root-ca.crt'])
    await api.delete(`${MAPS}/a`, foreground)
    await api.untilGone(`${MAPS}/a`)
    await api.untilGone(`${MAPS}/b`)
  })
})

suite('orphaned', () => {
  test('dependents stay without their owner', async () => {
    await using api = await ControlledServer.start()
    const [top, other] = [await make(api, MAPS, 'top'), await make(api, MAPS, 'other')]
    await make(api, SECRETS, 'one', [owner(top, { blockOwnerDeletion: true })])
    await make(api, SECRETS, 'two', [owner(top), owner(other)])
    await api.delete(`${MAPS}/top`, { propagationPolicy: 'Orphan' })
    await api.untilGone(`${MAPS}/top`)
    await settled(api)
    assert.deepEqual(await api.names(SECRETS), ['one', 'two'])
    assert.deepEqual(await owners(api, `${SECRETS}/one`), [])
    assert.deepEqual(await owners(api, `${SECRETS}/two`), ['other'])
  })
})

suite('owners that are none', () => {
  test('an owner that never was', async () => {
    await using api = await ControlledServer.start()
    await make(api, SECRETS, 's', [owner({ name: 'none', uid: '1' })])
    await api.untilGone(`${SECRETS}/s`)
  })

  test('another object of that name', async () => {
    await using api = await ControlledServer.start()
    await make(api, MAPS, 'top')
    await make(api, SECRETS, 's', [owner({ name: 'top', uid: 'another' })])
    await api.untilGone(`${SECRETS}/s`)
    assert.deepEqual(await api.names(MAPS), ['kube-root-ca.crt', 'top'])
  })

  test('an owner that was made again meanwhile', async () => {
    await using api = await ControlledServer.start()
    for (let i = 0; i < 20; i++) {
      const first = await make(api, MAPS, 'top')
      await make(api, SECRETS, `old${i}`, [owner(first)])
      await api.delete(`${MAPS}/top`)
      const second = await make(api, MAPS, 'top')
      await make(api, SECRETS, `new${i}`, [owner(second)])
      await api.untilGone(`${SECRETS}/old${i}`)
      await settled(api)
      assert.deepEqual(await api.names(SECRETS), [`new${i}`])
      await api.delete(`${MAPS}/top`)
      await api.untilGone(`${SECRETS}/new${i}`)
    }
  })

  test('an owner in another namespace', async () => {
    await using api = await ControlledServer.start()
    const top = await make(api, '/api/v1/namespaces/kube-public/configmaps', 'top')
    await make(api, SECRETS, 's', [owner(top)])
    await api.untilGone(`${SECRETS}/s`)
  })

  test('a namespaced owner of something that has no namespace is overlooked; the other way round is fine', async () => {
    await using api = await ControlledServer.start()
    const top = await make(api, MAPS, 'top')
    await make(api, ROLES, 'r', [owner(top)])
    const role = await make(api, ROLES, 'owner')
    const reference = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'owner', uid: role.uid! }
    await make(api, SECRETS, 's', [reference])
    await api.delete(`${MAPS}/top`)
    await settled(api)
    assert.deepEqual(await owners(api, `${ROLES}/r`), ['top'])
    assert.deepEqual(await api.names(SECRETS), ['s'])
    await api.delete(`${ROLES}/owner`)
    await api.untilGone(`${SECRETS}/s`)
  })

  test('of an owner whose kind isn’t known nothing is said', async () => {
    const log: string[] = []
    await using api = await ControlledServer.start({ log: (line) => void log.push(line) })
    await make(api, SECRETS, 's', [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: '1' }])
    await settled(api)
    assert.deepEqual(await api.names(SECRETS), ['s'])
    assert.equal(log.filter((line) => /no kind Widget of example.com\/v1 is served/.test(line)).length, 1)
  })

  test('another version that serves the same kind', async () => {
    await using api = await ControlledServer.start()
    const hpas = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
    const scaler = await api.post(hpas, {
      metadata: { name: 'h' },
      spec: { maxReplicas: 1, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
    })
    const reference = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', name: 'h', uid: scaler.uid! }
    await make(api, SECRETS, 's', [reference])
    await settled(api)
    assert.deepEqual(await api.names(SECRETS), ['s'])
    await api.delete(`${hpas}/h`)
    await api.untilGone(`${SECRETS}/s`)
  })
})

test('what happened while no collector ran is made up for', async (t) => {
  const { mkdtemp, rm } = await import('node:fs/promises')
  const { tmpdir } = await import('node:os')
  const dataDir = await mkdtemp(`${tmpdir()}/kube-apiserver-`)
  t.after(() => rm(dataDir, { recursive: true }))
  {
    await using before = await ControlledServer.start({ storage: 'embedded', dataDir, flags: { controllers: [] } })
    const tops: MetaV1ObjectMeta[] = []
    for (const name of ['background', 'foreground', 'orphan', 'stays']) tops.push(await make(before, MAPS, name))
    for (const top of tops) await make(before, SECRETS, `of-${top.name}`, [owner(top, { blockOwnerDeletion: true })])
    await before.delete(`${MAPS}/background`)
    await before.delete(`${MAPS}/foreground`, { propagationPolicy: 'Foreground' })
    await before.delete(`${MAPS}/orphan`, { propagationPolicy: 'Orphan' })
    assert.deepEqual(await before.names(MAPS), ['foreground', 'orphan', 'stays'])
  }
  await using after = await ControlledServer.start({ storage: 'embedded', dataDir })
  await settled(after)
  assert.deepEqual(await after.names(SECRETS), ['of-orphan', 'of-stays'])
  assert.deepEqual(await owners(after, `${SECRETS}/of-orphan`), [])
  await after.untilGone(`${MAPS}/foreground`)
  assert.deepEqual(await after.names(MAPS), ['kube-root-ca.crt', 'stays'])
})

test('what wasn’t told is found when the collector looks again', async () => {
  await using api = await ControlledServer.start({ flags: { controllers: [] } })
  const { registry } = api.server.server
  const collector = new GarbageCollector({
    resourceOf: (apiVersion, kind) => (apiVersion === 'v1' && kind === 'ConfigMap' ? registry.resource('configmaps') : undefined),
    onError: (error) => assert.fail(String(error)),
  })
  collector.start()
  const secrets = registry.resource('secrets')
  for (const name of ['a', 'b']) {
    const top = await make(api, MAPS, name)
    await make(api, SECRETS, `of-${name}`, [owner(top)])
    collector.put(secrets, (await secrets.store.get('default', `of-${name}`))!)
  }
  await collector.settled()
  assert.deepEqual(await api.names(SECRETS), ['of-a', 'of-b'])
  await api.delete(`${MAPS}/a`)
  collector.remove(registry.resource('configmaps').store.key('default', 'a'), undefined)
  await collector.settled()
  assert.deepEqual(await api.names(SECRETS), ['of-a', 'of-b'])
  collector.lookAgain()
  await collector.settled()
  assert.deepEqual(await api.names(SECRETS), ['of-b'])
  await collector.close()
})

test('without the garbage collector nothing is collected', async () => {
  await using api = await ControlledServer.start({ flags: { controllers: ['*', '-garbage-collector-controller'] } })
  const top = await make(api, MAPS, 'top')
  await make(api, SECRETS, 's', [owner(top)])
  await api.delete(`${MAPS}/top`, { propagationPolicy: 'Background' })
  await settled(api)
  assert.deepEqual(await api.names(SECRETS), ['s'])
})

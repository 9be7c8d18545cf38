import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CoreV1NamespaceCondition } from '../generated/types.ts'
import type { Resource } from '../registry/resource.ts'
import { conditionsAfter } from './namespace-conditions.ts'
import { NamespaceDeletion } from './namespace-deletion.ts'
import { ControlledServer } from './testing.ts'

const NAMESPACES = '/api/v1/namespaces'

const told = (conditions: CoreV1NamespaceCondition[] = []): Record<string, string> =>
  Object.fromEntries(conditions.filter(({ status }) => status === 'True').map(({ type, message }) => [type, message ?? '']))

suite('a deleted namespace', () => {
  test('goes with all that it holds', async () => {
    await using api = await ControlledServer.start()
    const metadata = { name: 'x' }
    await api.post(NAMESPACES, { metadata: { name: 'gone' } })
    await api.post(NAMESPACES, { metadata: { name: 'stays' } })
    const container = { name: 'c', image: 'i' }
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } }
    const selector = { matchLabels: { a: 'b' } }
    for (const namespace of ['gone', 'stays']) {
      await api.post(`${NAMESPACES}/${namespace}/pods`, { metadata, spec: { containers: [container] } })
      await api.post(`${NAMESPACES}/${namespace}/secrets`, { metadata })
      await api.post(`${NAMESPACES}/${namespace}/services`, { metadata, spec: { ports: [{ port: 80 }] } })
      await api.post(`/apis/apps/v1/namespaces/${namespace}/deployments`, { metadata, spec: { selector, template } })
      await api.post(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`, { metadata })
    }
    const { clusterIP } = (await api.get(`${NAMESPACES}/gone/services/x`)).spec
    const { code, body } = await api.delete(`${NAMESPACES}/gone`)
    assert.deepEqual([code, body.status.phase], [200, 'Terminating'])
    await api.untilGone(`${NAMESPACES}/gone`)
    const lists = ['pods', 'secrets', 'services', 'configmaps', 'serviceaccounts']
    for (const list of lists) assert.deepEqual(await api.names(`${NAMESPACES}/gone/${list}`), [], list)
    assert.deepEqual(await api.names('/apis/apps/v1/namespaces/gone/deployments'), [])
    assert.deepEqual(await api.names('/apis/coordination.k8s.io/v1/namespaces/gone/leases'), [])
    assert.deepEqual(await api.names(`${NAMESPACES}/stays/secrets`), ['x'])
    assert.deepEqual(await api.names('/apis/apps/v1/namespaces/stays/deployments'), ['x'])
    // What the service held is free again.
    await api.post(`${NAMESPACES}/stays/services`, { metadata: { name: 'y' }, spec: { clusterIP, ports: [{ port: 80 }] } })
  })

  test('waits for finalizers, says so, and goes with the last of them', async () => {
    await using api = await ControlledServer.start()
    const maps = `${NAMESPACES}/n/configmaps`
    const map = (name: string) => ({ metadata: { name, finalizers: ['example.com/hold'] } })
    await api.post(NAMESPACES, { metadata: { name: 'n' } })
    await api.post(maps, map('a'))
    await api.post(maps, map('b'))
    await api.delete(`${NAMESPACES}/n`)
    const { status } = await api.until(`${NAMESPACES}/n`, (object) => object.status.conditions?.length === 5)
    assert.deepEqual(told(status.conditions), {
      NamespaceContentRemaining: 'Some resources are remaining: configmaps. has 2 resource instances',
      NamespaceFinalizersRemaining:
        'Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances',
    })
    assert.deepEqual(await api.names(maps), ['a', 'b'])
    assert.deepEqual(await api.names(`${NAMESPACES}/n/serviceaccounts`), [])
    // Nothing is done any more until something happens to one of them.
    await api.server.server.controllers.settled()
    const begun = performance.now()
    for (const name of ['a', 'b']) await api.merge(`${maps}/${name}`, { metadata: { finalizers: null } })
    await api.untilGone(`${NAMESPACES}/n`)
    assert.ok(performance.now() - begun < 2000)
  })

  test('keeps the rest while a pod ends', async () => {
    await using api = await ControlledServer.start()
    await api.post(NAMESPACES, { metadata: { name: 'n' } })
    await api.post('/api/v1/nodes', { metadata: { name: 'node' } })
    await api.post(`${NAMESPACES}/n/pods`, {
      metadata: { name: 'p' },
      spec: { nodeName: 'node', terminationGracePeriodSeconds: 60, containers: [{ name: 'c', image: 'i' }] },
    })
    await api.post(`${NAMESPACES}/n/secrets`, { metadata: { name: 's' } })
    await api.delete(`${NAMESPACES}/n`)
    const { status } = await api.until(`${NAMESPACES}/n`, (object) => object.status.conditions?.length === 5)
    assert.deepEqual(told(status.conditions), {
      NamespaceContentRemaining: 'Some resources are remaining: pods. has 1 resource instances',
    })
    const pod = await api.get(`${NAMESPACES}/n/pods/p`)
    assert.equal(pod.metadata.deletionGracePeriodSeconds, 60)
    assert.deepEqual(await api.names(`${NAMESPACES}/n/secrets`), ['s'])
    // As a kubelet does when the containers have ended.
    await api.delete(`${NAMESPACES}/n/pods/p`, { gracePeriodSeconds: 0 })
    await api.untilGone(`${NAMESPACES}/n`)
  })

  test('says when something stays for no known reason', async () => {
    let now = Date.now()
    await using api = await ControlledServer.start({ clock: () => now })
    await api.post(NAMESPACES, { metadata: { name: 'n' } })
    await api.post('/api/v1/nodes', { metadata: { name: 'node' } })
    await api.post(`${NAMESPACES}/n/pods`, {
      metadata: { name: 'p' },
      spec: { nodeName: 'node', terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'i' }] },
    })
    await api.delete(`${NAMESPACES}/n`)
    await api.until(`${NAMESPACES}/n`, (object) => object.status.conditions?.length === 5)
    now += 3000
    await api.merge(`${NAMESPACES}/n`, { metadata: { labels: { look: 'again' } } })
    await api.until(
      `${NAMESPACES}/n`,
      ({ status }) =>
        told(status.conditions).NamespaceDeletionContentFailure ===
        'Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: n for gvr: /v1, Resource=pods',
    )
    await api.delete(`${NAMESPACES}/n/pods/p`, { gracePeriodSeconds: 0 })
    await api.untilGone(`${NAMESPACES}/n`)
  })

  test('keeps finalizers of others, and needs its own', async () => {
    await using api = await ControlledServer.start()
    await api.post(NAMESPACES, { metadata: { name: 'n' }, spec: { finalizers: ['example.com/theirs'] } })
    await api.delete(`${NAMESPACES}/n`)
    const left = await api.until(`${NAMESPACES}/n`, ({ spec }) => spec.finalizers?.length === 1)
    assert.deepEqual(left.spec.finalizers, ['example.com/theirs'])
    left.spec.finalizers = []
    await api.call('PUT', `${NAMESPACES}/n/finalize`, left)
    await api.untilGone(`${NAMESPACES}/n`)
  })

  test('deletes many objects without keeping others waiting', async (t) => {
    await using api = await ControlledServer.start({ storage: 'embedded' })
    const maps = `${NAMESPACES}/n/configmaps`
    await api.post(NAMESPACES, { metadata: { name: 'n' } })
    for (let i = 0; i < 2000; i += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, k) => api.post(maps, { metadata: { name: `m${i + k}` }, data: { k: 'v' } })),
      )
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    t.after(() => clearInterval(timer))
    const begun = performance.now()
    await api.delete(`${NAMESPACES}/n`)
    await api.untilGone(`${NAMESPACES}/n`)
    t.diagnostic(
      `2000 objects went in ${(performance.now() - begun).toFixed()} ms, the longest pause was ${longest.toFixed()} ms`,
    )
    assert.deepEqual(await api.names(maps), [])
  })

  test('stays when the controller is off', async () => {
    await using api = await ControlledServer.start({ flags: { controllers: ['*', '-namespace-controller'] } })
    await api.post(NAMESPACES, { metadata: { name: 'n' } })
    await api.delete(`${NAMESPACES}/n`)
    const { status } = await api.get(`${NAMESPACES}/n`)
    assert.deepEqual(status, { phase: 'Terminating' })
  })
})

test('after a restart a namespace goes on going', async (t) => {
  const { mkdtemp, rm } = await import('node:fs/promises')
  const { tmpdir } = await import('node:os')
  const dataDir = await mkdtemp(`${tmpdir()}/kube-apiserver-`)
  t.after(() => rm(dataDir, { recursive: true }))
  {
    await using before = await ControlledServer.start({ storage: 'embedded', dataDir, flags: { controllers: [] } })
    await before.post(NAMESPACES, { metadata: { name: 'n' } })
    await before.post(`${NAMESPACES}/n/secrets`, { metadata: { name: 's' } })
    await before.delete(`${NAMESPACES}/n`)
  }
  await using after = await ControlledServer.start({ storage: 'embedded', dataDir })
  await after.untilGone(`${NAMESPACES}/n`)
  assert.deepEqual(await after.names(`${NAMESPACES}/n/secrets`), [])
})

test('a namespace stays while something of it could not be seen to', async () => {
  await using api = await ControlledServer.start({ flags: { controllers: [] } })
  const { registry } = api.server.server
  await api.post(NAMESPACES, { metadata: { name: 'n' } })
  await api.post(`${NAMESPACES}/n/secrets`, { metadata: { name: 's' } })
  let broken = true
  const secrets = registry.resource('secrets')
  const moody = {
    kind: registry.resource('configmaps').kind,
    store: {
      prefix: (namespace: string) => registry.resource('configmaps').store.prefix(namespace),
      cache: {
        ready: async () => {
          if (broken) throw new Error('out of order')
        },
        consistentSnapshot: () => registry.resource('configmaps').store.cache.consistentSnapshot(),
      },
    },
  } as unknown as Resource
  const errors: string[] = []
  const deletion = new NamespaceDeletion({
    namespaces: () => registry.objects('namespaces'),
    resources: () => [moody, secrets],
    clock: Date.now,
    onError: (error) => void errors.push((error as Error).message),
  })
  await registry.resource('configmaps').store.cache.ready()
  await api.delete(`${NAMESPACES}/n`)
  deletion.put(await api.get(`${NAMESPACES}/n`))
  await deletion.settled()
  const { status } = await api.get(`${NAMESPACES}/n`)
  const message = 'Failed to delete all resource types, 1 remaining: out of order'
  assert.deepEqual(told(status.conditions), { NamespaceDeletionContentFailure: message })
  assert.equal(errors[0], 'out of order')
  assert.deepEqual(await api.names(`${NAMESPACES}/n/secrets`), [])
  broken = false
  await api.untilGone(`${NAMESPACES}/n`)
  await deletion.close()
})

test('what came into a namespace in its last moments goes after it, unless there is another of that name', async (t) => {
  const flags = { controllers: [], disableAdmissionPlugins: ['NamespaceLifecycle', 'ServiceAccount'] }
  await using api = await ControlledServer.start({ flags })
  for (const namespace of ['gone', 'again']) await api.post(`${NAMESPACES}/${namespace}/secrets`, { metadata: { name: 's' } })
  await api.post(NAMESPACES, { metadata: { name: 'again' } })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { registry } = api.server.server
  const deletion = new NamespaceDeletion({
    namespaces: () => registry.objects('namespaces'),
    resources: () => [registry.resource('secrets')],
    clock: Date.now,
    onError: (error) => assert.fail(String(error)),
  })
  deletion.remove('gone')
  deletion.remove('again')
  t.mock.timers.tick(10_000)
  t.mock.timers.reset()
  await api.untilGone(`${NAMESPACES}/gone/secrets/s`)
  await deletion.close()
  assert.deepEqual(await api.names(`${NAMESPACES}/again/secrets`), ['s'])
})

test('conditions keep those of others and their times', () => {
  const nothing = { resources: new Map(), finalizers: new Map(), failures: [] }
  const other = { type: 'Theirs', status: 'True' }
  const first = conditionsAfter([other], nothing, 0)!
  assert.deepEqual(
    first.map(({ type, status }) => `${type}=${status}`),
    [
      'Theirs=True',
      'NamespaceDeletionDiscoveryFailure=False',
      'NamespaceDeletionGroupVersionParsingFailure=False',
      'NamespaceDeletionContentFailure=False',
      'NamespaceContentRemaining=False',
      'NamespaceFinalizersRemaining=False',
    ],
  )
  assert.equal(conditionsAfter(first, nothing, 5000), undefined)
  const some = { ...nothing, resources: new Map([['pods.', 2]]), failures: ['b', 'a'] }
  const second = conditionsAfter(first, some, 5000)!
  const failure = second[3]
  assert.deepEqual(failure, {
    type: 'NamespaceDeletionContentFailure',
    status: 'True',
    lastTransitionTime: '1970-01-01T00:00:05Z',
    reason: 'ContentDeletionFailed',
    message: 'Failed to delete all resource types, 2 remaining: a, b',
  })
  assert.equal(second[1]?.lastTransitionTime, '1970-01-01T00:00:00Z')
  const third = conditionsAfter(second, { ...some, resources: new Map([['pods.', 1]]) }, 9000)!
  assert.equal(third[4]?.lastTransitionTime, '1970-01-01T00:00:05Z')
  assert.match(third[4]?.message ?? '', /pods\. has 1/)
})

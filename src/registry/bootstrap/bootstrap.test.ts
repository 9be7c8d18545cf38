import assert from 'node:assert/strict'
import test from 'node:test'
import type { CoordinationV1Lease, CoreV1Endpoints, CoreV1Service, NetworkingV1ServiceCIDR } from '../../generated/types.ts'
import { MemoryObjects } from '../../testing/memory-objects.ts'
import { ensureFreshObjects, type FreshObjectsSettings } from './fresh-objects.ts'
import { IdentityLease, serverIdentity } from './identity-lease.ts'

const SETTINGS: FreshObjectsSettings = {
  serviceClusterIpRanges: ['10.0.0.0/24'],
  advertiseAddress: '192.0.2.2',
  securePort: 6443,
  kubernetesServiceNodePort: 0,
  managesEndpoints: true,
}
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

const ensure = (store: MemoryObjects, settings: Partial<FreshObjectsSettings> = {}) =>
  ensureFreshObjects({ objects: store.objects, settings: { ...SETTINGS, ...settings }, clock: () => NOW })

test('a fresh store gets what every server holds; a second run changes nothing', async () => {
  const store = new MemoryObjects()
  await ensure(store, { clientCa: 'PEM' })
  assert.deepEqual(store.names('namespaces'), ['/default', '/kube-node-lease', '/kube-public', '/kube-system'])
  assert.deepEqual(store.names('priorityclasses', 'scheduling.k8s.io'), ['/system-cluster-critical', '/system-node-critical'])
  assert.deepEqual(store.names('endpointslices', 'discovery.k8s.io'), ['default/kubernetes'])
  assert.deepEqual(store.names('configmaps'), [
    'kube-system/extension-apiserver-authentication',
    'kube-system/kube-apiserver-legacy-service-account-token-tracking',
  ])
  const service = (await store.objects('services').get('default', 'kubernetes')) as CoreV1Service
  assert.deepEqual([service.spec?.clusterIP, service.spec?.ports?.[0]?.targetPort], ['10.0.0.1', 6443])
  const cidr = (await store.objects('servicecidrs', 'networking.k8s.io').get('', 'kubernetes')) as NetworkingV1ServiceCIDR
  assert.deepEqual(cidr.status?.conditions, [
    {
      type: 'Ready',
      status: 'True',
      lastTransitionTime: '2026-01-02T03:04:05Z',
      reason: '',
      message: 'Kubernetes default Service CIDR is ready',
    },
  ])
  const before = JSON.stringify(await store.objects('services').list(''))
  await ensure(store, { clientCa: 'PEM' })
  assert.equal(JSON.stringify(await store.objects('services').list('')), before)
})

test('what was deleted comes back, and the endpoints follow the address', async () => {
  const store = new MemoryObjects()
  await ensure(store)
  await store.objects('services').delete('default', 'kubernetes')
  await store.objects('namespaces').delete('', 'kube-public')
  await ensure(store, { advertiseAddress: '2001:db8::2', securePort: 7443 })
  assert.deepEqual(store.names('services'), ['default/kubernetes'])
  assert.ok(store.names('namespaces').includes('/kube-public'))
  const endpoints = (await store.objects('endpoints').get('default', 'kubernetes')) as CoreV1Endpoints
  assert.deepEqual(endpoints.subsets, [
    { addresses: [{ ip: '2001:db8::2' }], ports: [{ name: 'https', port: 7443, protocol: 'TCP' }] },
  ])
})

test('somebody else may manage the endpoints, and a second family may be added later', async () => {
  const store = new MemoryObjects()
  await ensure(store, { managesEndpoints: false })
  assert.deepEqual(store.names('endpoints'), [])
  const serviceClusterIpRanges = ['10.0.0.0/24', 'fd00::/112']
  await ensure(store, { managesEndpoints: false, serviceClusterIpRanges })
  const cidr = (await store.objects('servicecidrs', 'networking.k8s.io').get('', 'kubernetes')) as NetworkingV1ServiceCIDR
  assert.deepEqual(cidr.spec?.cidrs, serviceClusterIpRanges)
})

test('the identity lease is renewed, and expired ones of other servers are collected', async () => {
  const store = new MemoryObjects()
  const leases = store.objects('leases', 'coordination.k8s.io')
  const foreign = (name: string, renewTime: string, labels: Record<string, string>) =>
    leases.create({
      metadata: { namespace: 'kube-system', name, labels },
      spec: { renewTime, leaseDurationSeconds: 3600 },
    } as CoordinationV1Lease)
  const label = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' }
  await foreign('apiserver-old', '2026-01-01T00:00:00.000000Z', label)
  await foreign('apiserver-other', '2026-01-02T03:00:00.000000Z', label)
  await foreign('unrelated', '2020-01-01T00:00:00.000000Z', {})

  let now = NOW
  const lease = new IdentityLease({
    leases,
    clock: () => now,
    uuid: () => 'u-1',
    hostname: 'host',
    peerAddress: '192.0.2.2:6443',
    onError: assert.fail,
  })
  await lease.start()
  try {
    assert.match(lease.name, /^apiserver-[a-z2-7]{26}$/)
    assert.equal(lease.name, serverIdentity('host'))
    assert.notEqual(lease.name, serverIdentity('host2'))
    now += 10_000
    await lease.renew()
    const stored = (await leases.get('kube-system', lease.name)) as CoordinationV1Lease
    assert.deepEqual(stored.spec, {
      holderIdentity: `${lease.name}_u-1`,
      leaseDurationSeconds: 3600,
      renewTime: '2026-01-02T03:04:15.678000Z',
    })
    assert.deepEqual(
      store.names('leases', 'coordination.k8s.io'),
      ['apiserver-other', lease.name, 'unrelated'].sort().map((name) => `kube-system/${name}`),
    )
  } finally {
    lease.close()
  }
})

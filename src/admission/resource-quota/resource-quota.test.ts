import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aggregateBy, podQosClass } from '../../kinds/core/pod-resources.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { notFound } from '../../machinery/status.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import { admitted, asked, refused, TestObjects } from '../testing.ts'
import { resourceQuota } from './resource-quota.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

type List = Record<string, string>
type Stored = JsonObject & { metadata: { name: string; namespace: string }; status: { hard: List; used: List } }

const quota = (name: string, hard: List, used: List, spec: JsonObject = {}): Stored => ({
  metadata: { name, namespace: 'a' },
  spec: { hard, ...spec },
  status: { hard, used },
})

const zero = (hard: List): List => Object.fromEntries(Object.keys(hard).map((name) => [name, '0']))

/** A plugin over these quotas, which it changes in place. */
function over(quotas: Stored[], others: Record<string, JsonObject[]> = {}) {
  const writes: string[] = []
  const hooks: { beforeWrite?: () => void } = {}
  const plugin = resourceQuota({
    objects: new TestObjects({ ...others, resourcequotas: quotas }),
    store: {
      async updateStatus(namespace, name, change) {
        await Promise.resolve()
        hooks.beforeWrite?.()
        const at = quotas.findIndex(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
        if (at < 0) throw notFound({ group: '', resource: 'resourcequotas' }, name)
        const changed = change(structuredClone(quotas[at]) as KubeObject)
        if (!changed) return
        writes.push(name)
        quotas[at] = changed as Stored
      },
    },
    pods: { total: aggregateBy, qosClass: podQosClass, podLevelResources: true, now: () => NOW },
    extendedResources: true,
  })
  const used = (name: string) => quotas.find(({ metadata }) => metadata.name === name)?.status.used
  return { plugin, writes, hooks, used }
}

const creating = (resource: string, object: JsonObject = {}, rest: Partial<AdmissionAttributes> = {}) =>
  asked(resource, { ...(rest as object), namespace: 'a', object: { metadata: { name: 'x', namespace: 'a' }, ...object } })

const updating = (resource: string, oldObject: JsonObject, object: JsonObject) =>
  asked(resource, { namespace: 'a', operation: 'UPDATE', name: 'x', object, oldObject })

const podOf = (requests: List = {}, limits: List = {}, spec: JsonObject = {}): JsonObject => ({
  spec: { containers: [{ name: 'c', resources: { requests, limits } }], ...spec },
})

/** What a new object takes of a quota with room for anything, without what it takes nothing of. */
async function taken(resource: string, object: JsonObject, names: string[], others?: Record<string, JsonObject[]>) {
  const hard = Object.fromEntries(names.map((name) => [name, '1000G']))
  const { plugin, used } = over([quota('q', hard, zero(hard))], others)
  await admitted(plugin, creating(resource, object))
  return Object.fromEntries(Object.entries(used('q') ?? {}).filter(([, amount]) => amount !== '0'))
}

test('usage is raised before the object is written, and refused beyond the limit', async () => {
  const { plugin, used, writes } = over([quota('q', { configmaps: '1' }, { configmaps: '0' })])
  await admitted(plugin, creating('configmaps'))
  assert.deepEqual(used('q'), { configmaps: '1' })
  const { code, message } = await refused(plugin, creating('configmaps'))
  assert.equal(code, 403)
  const what = 'exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1'
  assert.equal(message, `configmaps "x" is forbidden: ${what}`)
  assert.deepEqual(writes, ['q'])
})

test('where there is no quota, or none that counts, nothing is waited for', () => {
  const { plugin } = over([quota('q', { pods: '0' }, { pods: '0' })])
  assert.equal(plugin.validate?.(creating('configmaps')), undefined)
  assert.equal(plugin.validate?.({ ...creating('pods'), namespace: 'b' }), undefined)
  assert.equal(plugin.validate?.({ ...creating('pods'), namespace: '' }), undefined)
})

test('a dry run is checked, but takes nothing', async () => {
  const { plugin, writes } = over([quota('q', { configmaps: '1' }, { configmaps: '0' })])
  await admitted(plugin, creating('configmaps', {}, { dryRun: true }))
  assert.deepEqual(writes, [])
  const full = over([quota('q', { configmaps: '1' }, { configmaps: '1' })])
  await refused(full.plugin, creating('configmaps', {}, { dryRun: true }))
})

test('limits count once they are in the status, with the usage of all that is counted', async () => {
  const without = { metadata: { name: 'q', namespace: 'a' }, spec: { hard: { configmaps: '0' } } }
  await admitted(over([without as unknown as Stored]).plugin, creating('configmaps'))
  const { plugin } = over([quota('q', { pods: '1', 'requests.cpu': '1', configmaps: '1' }, { pods: '0' })])
  const start = 'is forbidden: status unknown for quota: q, resources:'
  assert.equal((await refused(plugin, creating('configmaps'))).message, `configmaps "x" ${start} configmaps`)
  assert.equal((await refused(plugin, creating('pods', podOf({ cpu: '1' })))).message, `pods "x" ${start} pods,requests.cpu`)
})

test('objects are counted by name, and some by an older name as well', async () => {
  const names = ['secrets', 'count/secrets', 'count/deployments.apps', 'count/widgets.example.com']
  assert.deepEqual(await taken('secrets', {}, names), { secrets: '1', 'count/secrets': '1' })
  assert.deepEqual(await taken('deployments.apps', {}, names), { 'count/deployments.apps': '1' })
  assert.deepEqual(await taken('widgets.example.com', {}, names), { 'count/widgets.example.com': '1' })
  assert.deepEqual(await taken('serviceaccounts/token', {}, ['count/serviceaccounts']), {})
  assert.deepEqual(await taken('events', {}, ['count/events']), {})
})

test('of several quotas, none is raised for what one refuses', async () => {
  const { plugin, used, writes } = over([
    quota('one', { configmaps: '5' }, { configmaps: '0' }),
    quota('two', { 'count/configmaps': '1' }, { 'count/configmaps': '0' }),
  ])
  await admitted(plugin, creating('configmaps'))
  assert.match((await refused(plugin, creating('configmaps'))).message ?? '', /exceeded quota: two,/)
  assert.deepEqual([used('one'), used('two')], [{ configmaps: '1' }, { 'count/configmaps': '1' }])
  assert.deepEqual(writes, ['one', 'two'])
})

test('many at a time are few writes, and no more than there is room for', async () => {
  const { plugin, used, writes } = over([quota('q', { configmaps: '10' }, { configmaps: '3' })])
  const all = await Promise.allSettled(Array.from({ length: 50 }, () => plugin.validate?.(creating('configmaps'))))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 7)
  assert.deepEqual(used('q'), { configmaps: '10' })
  assert.deepEqual(writes, ['q', 'q'])
})

test('what others wrote in the meantime counts', async () => {
  const quotas = [quota('q', { configmaps: '1' }, { configmaps: '0' })]
  const { plugin, hooks, writes } = over(quotas)
  hooks.beforeWrite = () => {
    quotas[0] = quota('q', { configmaps: '1' }, { configmaps: '1' })
  }
  assert.match((await refused(plugin, creating('configmaps'))).message ?? '', /exceeded quota: q,/)
  assert.deepEqual(writes, [])
})

test('a quota that was removed in the meantime limits nothing', async () => {
  const quotas = [quota('q', { configmaps: '1' }, { configmaps: '0' })]
  const { plugin, hooks } = over(quotas)
  hooks.beforeWrite = () => void quotas.splice(0)
  await admitted(plugin, creating('configmaps'))
})

test('node ports and load balancers of services', async () => {
  const names = ['services', 'services.nodeports', 'services.loadbalancers']
  const ports = [{ port: 1, nodePort: 30001 }, { port: 2 }]
  const of = (spec: JsonObject) => taken('services', { spec: { ports, ...spec } }, names)
  const { services, ...none } = await of({ type: 'ClusterIP' })
  assert.deepEqual([services, none], ['1', {}])
  assert.deepEqual(await of({ type: 'NodePort' }), { services: '1', 'services.nodeports': '2' })
  const balancer = { services: '1', 'services.loadbalancers': '1' }
  assert.deepEqual(await of({ type: 'LoadBalancer' }), { ...balancer, 'services.nodeports': '2' })
  const some = await of({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })
  assert.deepEqual(some, { ...balancer, 'services.nodeports': '1' })
})

test('updates take what they use more, and give nothing back', async () => {
  const hard = { services: '3', 'services.nodeports': '1', 'services.loadbalancers': '0' }
  const { plugin, used, writes } = over([
    quota('q', hard, { services: '1', 'services.nodeports': '0', 'services.loadbalancers': '0' }),
  ])
  const ports = [{ port: 1 }]
  const of = (type: string) => ({ spec: { type, ports } })
  const [internal, nodePort, balancer] = [of('ClusterIP'), of('NodePort'), of('LoadBalancer')]
  await admitted(plugin, updating('services', internal, nodePort))
  assert.deepEqual(used('q'), { services: '1', 'services.loadbalancers': '0', 'services.nodeports': '1' })
  await admitted(plugin, updating('services', nodePort, internal))
  await admitted(plugin, updating('services', nodePort, nodePort))
  assert.deepEqual(writes, ['q'])
  assert.match(
    (await refused(plugin, updating('services', internal, balancer))).message ?? '',
    /requested: services.loadbalancers=1,services.nodeports=1, used: services.loadbalancers=0,services.nodeports=1, limited: /,
  )
})

test('claims and their storage, in all and by class', async () => {
  const names = ['persistentvolumeclaims', 'requests.storage', 'gold.storageclass.storage.k8s.io/requests.storage']
  const claim = (storage: string, spec: JsonObject = {}) => ({ spec: { resources: { requests: { storage } }, ...spec } })
  const plain = { persistentvolumeclaims: '1', 'requests.storage': '2Gi' }
  assert.deepEqual(await taken('persistentvolumeclaims', claim('2Gi'), names), plain)
  const gold = await taken('persistentvolumeclaims', claim('2Gi', { storageClassName: 'gold' }), names)
  assert.deepEqual(gold, { ...plain, 'gold.storageclass.storage.k8s.io/requests.storage': '2Gi' })
  const more = { ...claim('1Gi'), status: { allocatedResources: { storage: '2Gi' } } }
  assert.deepEqual(await taken('persistentvolumeclaims', more, names), plain)
  assert.equal((await taken('persistentvolumeclaims', claim('1500m'), names))['requests.storage'], '2')
})

test('the scope of a volume attributes class', async () => {
  const scopeSelector = {
    matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['fast'] }],
  }
  const hard = { persistentvolumeclaims: '0' }
  const { plugin } = over([quota('q', hard, hard, { scopeSelector })])
  const claim = (volumeAttributesClassName?: string) => ({
    spec: { ...(volumeAttributesClassName && { volumeAttributesClassName }) },
  })
  await admitted(plugin, creating('persistentvolumeclaims', claim()))
  await admitted(plugin, creating('persistentvolumeclaims', claim('slow')))
  await refused(plugin, creating('persistentvolumeclaims', claim('fast')))
  await refused(plugin, updating('persistentvolumeclaims', claim('slow'), claim('fast')))
})

test('devices that claims may be given, by class, and the extended resource that stands for a class', async () => {
  const requests = [
    { exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } },
    { exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
    {
      firstAvailable: [
        { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 },
        { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 3 },
      ],
    },
  ]
  const names = [
    'count/resourceclaims.resource.k8s.io',
    'gpu.deviceclass.resource.k8s.io/devices',
    'nic.deviceclass.resource.k8s.io/devices',
    'requests.example.com/gpu',
    'requests.deviceclass.resource.kubernetes.io/gpu',
  ]
  const others = {
    'deviceclasses.resource.k8s.io': [{ metadata: { name: 'gpu' }, spec: { extendedResourceName: 'example.com/gpu' } }],
  }
  const expected = { [names[0]!]: '1', [names[1]!]: '5', [names[2]!]: '32', [names[3]!]: '5', [names[4]!]: '5' }
  assert.deepEqual(await taken('resourceclaims.resource.k8s.io', { spec: { devices: { requests } } }, names, others), expected)
})

test('a claim for the extended resources of a pod takes nothing that the pod took already', async () => {
  const metadata = {
    name: 'x',
    namespace: 'a',
    annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '1', controller: true }],
  }
  const requests = [{ exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 3 } }]
  const pod = { metadata: { name: 'p', namespace: 'a', uid: '1' }, ...podOf({ 'example.com/gpu': '2' }) }
  const others = {
    'deviceclasses.resource.k8s.io': [{ metadata: { name: 'gpu' }, spec: { extendedResourceName: 'example.com/gpu' } }],
    pods: [pod],
  }
  const names = ['requests.example.com/gpu']
  const claim = { metadata, spec: { devices: { requests } } }
  assert.deepEqual(await taken('resourceclaims.resource.k8s.io', claim, names, others), { 'requests.example.com/gpu': '1' })
})

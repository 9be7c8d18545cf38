import assert from 'node:assert/strict'
import test from 'node:test'
import type { CoreV1Service, CoreV1ServiceSpec } from '../../generated/types.ts'
import { clone } from '../../machinery/json.ts'
import { StatusError } from '../../machinery/status.ts'
import { NodePorts } from '../../registry/allocators/port-allocator.ts'
import { StoredServiceAddresses } from '../../registry/allocators/service-addresses.ts'
import { MemoryObjects } from '../../testing/memory-objects.ts'
import { writeContext } from '../../testing/write-context.ts'
import { service as definition } from './service.ts'
import { allocateForCreate, allocateForUpdate, releaseAll, releaseUnused } from './service-allocation.ts'
import { dropTypeDependentFields } from './service-update.ts'
import { validateService, validateServiceUpdate } from './service-validation.ts'

/** What the registry does around the hooks of Service, on a small cluster. */
function cluster(ranges: string[]) {
  const store = new MemoryObjects()
  const serviceAddresses = new StoredServiceAddresses({ ranges, objects: store.objects, random: () => 0 })
  const nodePorts = new NodePorts({ range: { base: 30_000, size: 2768 }, random: () => 0 })
  const context = (dryRun = false) =>
    writeContext({ namespace: 'ns', dryRun, env: { serviceAddresses, nodePorts, objects: store.objects } })
  return {
    nodePorts,
    addresses: () => store.names('ipaddresses', 'networking.k8s.io').map((name) => name.slice(1)),
    async create(spec: CoreV1ServiceSpec, dryRun = false): Promise<CoreV1Service> {
      const service = decoded(spec)
      const undo = await allocateForCreate(service, context(dryRun))
      const errors = validateService(service)
      if (errors.length) await undo()
      assert.deepEqual(errors, [])
      return service
    },
    async update(old: CoreV1Service, change: (spec: CoreV1ServiceSpec) => void): Promise<CoreV1Service> {
      const service = clone(old)
      change(service.spec!)
      definition.defaults?.(service)
      const undo = await allocateForUpdate(service, old, context())
      dropTypeDependentFields(service, old)
      const errors = validateServiceUpdate(service, old)
      if (errors.length) {
        await undo()
        throw new Error(errors.map(({ field, message }) => `${field}: ${message}`).join('; '))
      }
      await releaseUnused(service, old, context())
      return service
    },
    remove: (service: CoreV1Service) => releaseAll(service, context()),
  }
}

function decoded(spec: CoreV1ServiceSpec): CoreV1Service {
  const service: CoreV1Service = { metadata: { namespace: 'ns', name: 'web' }, spec: { ports: [{ port: 80 }], ...clone(spec) } }
  definition.defaults?.(service)
  return service
}

const refusal = (message: RegExp) => (error: unknown) => error instanceof StatusError && message.test(error.message)

test('defaults depend on the type', () => {
  assert.deepEqual(decoded({}).spec, {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    sessionAffinity: 'None',
    sessionAffinityConfig: undefined,
    type: 'ClusterIP',
    internalTrafficPolicy: 'Cluster',
  })
  const balancer = decoded({ type: 'LoadBalancer', sessionAffinity: 'ClientIP' }).spec
  assert.deepEqual(
    [balancer?.externalTrafficPolicy, balancer?.allocateLoadBalancerNodePorts, balancer?.sessionAffinityConfig],
    ['Cluster', true, { clientIP: { timeoutSeconds: 10_800 } }],
  )
  const name = decoded({ type: 'ExternalName', internalTrafficPolicy: 'Cluster' }).spec
  assert.deepEqual([name?.internalTrafficPolicy, name?.externalTrafficPolicy], [undefined, undefined])
  assert.equal(decoded({ externalIPs: ['192.0.2.1'] }).spec?.externalTrafficPolicy, 'Cluster')
})

test('a service holds its address and ports until it is deleted', async () => {
  const { create, remove, addresses, nodePorts } = cluster(['10.0.0.0/24'])
  const service = await create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
  const { clusterIP, clusterIPs, ports = [], healthCheckNodePort = 0 } = service.spec!
  assert.deepEqual([clusterIP, clusterIPs], ['10.0.0.17', ['10.0.0.17']])
  assert.deepEqual([ports[0]?.nodePort, healthCheckNodePort], [30_086, 30_087])
  assert.deepEqual(addresses(), ['10.0.0.17'])
  await remove(service)
  assert.deepEqual(addresses(), [])
  assert.deepEqual([nodePorts.has(30_086), nodePorts.has(30_087)], [false, false])
})

test('whatever fails gives back what was taken before it', async () => {
  const { create, addresses, nodePorts } = cluster(['10.0.0.0/24'])
  const ports = [
    { name: 'a', port: 80, nodePort: 30_001 },
    { name: 'b', port: 81, nodePort: 30_001 },
  ]
  await assert.rejects(
    create({ type: 'NodePort', ports }),
    refusal(/spec.ports\[1\].nodePort: Invalid value: 30001: provided port is already allocated/),
  )
  assert.deepEqual([addresses(), nodePorts.has(30_001)], [[], false])
  await assert.rejects(create({ type: 'NodePort', clusterIP: 'None' }))
  assert.deepEqual(addresses(), [])
})

test('a dry run holds nothing', async () => {
  const { create, addresses, nodePorts } = cluster(['10.0.0.0/24'])
  const service = await create({ type: 'NodePort', ports: [{ port: 81, nodePort: 30_005 }] }, true)
  assert.equal(service.spec?.ports?.[0]?.nodePort, 30_005)
  assert.deepEqual([addresses(), nodePorts.has(30_005)], [[], false])
})

test('ports of one number share a node port across protocols', async () => {
  const { create } = cluster(['10.0.0.0/24'])
  const service = await create({
    type: 'NodePort',
    ports: [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP', nodePort: 30_053 },
    ],
  })
  assert.deepEqual(
    service.spec?.ports?.map(({ nodePort }) => nodePort),
    [30_053, 30_053],
  )
})

test('a changed type drops what it does not need and gives it back', async () => {
  const { create, update, addresses, nodePorts } = cluster(['10.0.0.0/24'])
  let service = await create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] })
  const ip = service.spec?.clusterIP
  service = await update(service, (spec) => {
    spec.type = 'ClusterIP'
  })
  assert.deepEqual(
    [service.spec?.ports?.[0]?.nodePort, service.spec?.externalTrafficPolicy, nodePorts.has(30_001)],
    [undefined, undefined, false],
  )
  assert.equal(service.spec?.clusterIP, ip)
  service = await update(service, (spec) => Object.assign(spec, { type: 'ExternalName', externalName: 'x.example.com' }))
  assert.deepEqual(
    [service.spec?.clusterIP, service.spec?.clusterIPs, service.spec?.ipFamilies, addresses()],
    [undefined, undefined, undefined, []],
  )
  service = await update(service, (spec) => Object.assign(spec, { type: 'ClusterIP', externalName: undefined }))
  assert.deepEqual(addresses(), service.spec?.clusterIPs)
})

test('writing the same manifest again keeps the address and the ports', async () => {
  const { create, update } = cluster(['10.0.0.0/24'])
  const service = await create({ type: 'NodePort', ports: [{ name: 'web', port: 80 }] })
  const again = await update(service, (spec) => {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) spec[field] = undefined
    spec.ports = [{ name: 'web', port: 8080 }]
  })
  assert.deepEqual(
    [again.spec?.clusterIPs, again.spec?.ports?.[0]?.nodePort, again.spec?.ipFamilies],
    [service.spec?.clusterIPs, service.spec?.ports?.[0]?.nodePort, ['IPv4']],
  )
  await assert.rejects(
    update(service, (spec) => {
      spec.clusterIP = '10.0.0.99'
    }),
    /spec.clusterIPs\[0\]: Invalid value: \["10.0.0.99"\]: may not change once set/,
  )
})

test('with two families a service may gain the second one and lose it again', async () => {
  const { create, update, addresses } = cluster(['10.0.0.0/24', 'fd00::/112'])
  let service = await create({})
  assert.deepEqual([service.spec?.ipFamilyPolicy, service.spec?.ipFamilies], ['SingleStack', ['IPv4']])
  service = await update(service, (spec) => {
    spec.ipFamilyPolicy = 'PreferDualStack'
  })
  assert.deepEqual(
    [service.spec?.ipFamilies, service.spec?.clusterIPs],
    [
      ['IPv4', 'IPv6'],
      ['10.0.0.17', 'fd00::101'],
    ],
  )
  assert.deepEqual(addresses(), ['10.0.0.17', 'fd00::101'])
  await assert.rejects(
    update(service, (spec) => {
      spec.clusterIPs = ['10.0.0.17']
    }),
    refusal(/must be 'SingleStack' to release the secondary cluster IP/),
  )
  service = await update(service, (spec) => {
    spec.ipFamilyPolicy = 'SingleStack'
  })
  assert.deepEqual([service.spec?.clusterIPs, addresses()], [['10.0.0.17'], ['10.0.0.17']])
})

test('families are inferred from addresses and refused when the cluster has none', async () => {
  const { create } = cluster(['10.0.0.0/24'])
  const headless = await create({ clusterIP: 'None' })
  assert.deepEqual([headless.spec?.ipFamilyPolicy, headless.spec?.ipFamilies], ['RequireDualStack', ['IPv4', 'IPv6']])
  await assert.rejects(
    create({ clusterIP: 'fd00::5', clusterIPs: ['fd00::5'] }),
    refusal(/IPv6 is not configured on this cluster/),
  )
  await assert.rejects(
    create({ ipFamilyPolicy: 'RequireDualStack' }),
    refusal(/this cluster is not configured for dual-stack services/),
  )
  await assert.rejects(create({ clusterIPs: ['10.0.0.5'] }), refusal(/must be empty when `clusterIP` is not specified/))
})

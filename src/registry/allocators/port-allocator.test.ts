import assert from 'node:assert/strict'
import test from 'node:test'
import { MemoryObjects } from '../../testing/memory-objects.ts'
import { NodePorts, staticPortBand } from './port-allocator.ts'
import { restoreNodePorts } from './restore-node-ports.ts'

const RANGE = { base: 30_000, size: 2768 }
const ports = (range = RANGE, random = (max: number) => max - 1) => new NodePorts({ range, random })

test('the static band grows with the range, within bounds', () => {
  assert.deepEqual([16, 17, 512, 544, 2768, 4096, 65_000].map(staticPortBand), [0, 16, 16, 17, 86, 128, 128])
})

test('ports are taken once, within the range only', () => {
  const allocator = ports()
  allocator.allocate(30_000)
  allocator.allocate(32_767)
  assert.throws(() => allocator.allocate(30_000), { message: 'provided port is already allocated' })
  for (const port of [29_999, 32_768, 0, -1, 30_000.5]) {
    assert.throws(() => allocator.allocate(port), {
      message: 'provided port is not in the valid range. The range of valid ports is 30000-32767',
    })
  }
  allocator.release(30_000)
  assert.equal(allocator.has(30_000), false)
  allocator.allocate(30_000)
  allocator.release(1)
})

test('ports are handed out above the static band first, every one of them once', () => {
  const allocator = ports({ base: 100, size: 40 }, (max) => Math.floor(max / 2))
  const given = Array.from({ length: 40 }, () => allocator.allocateNext())
  assert.equal(new Set(given).size, 40)
  assert.ok(
    given.slice(0, 24).every((port) => port >= 116),
    'the upper part first',
  )
  assert.ok(
    given.slice(24).every((port) => port < 116),
    'then the band',
  )
  assert.throws(() => allocator.allocateNext(), { message: 'range is full' })
  allocator.release(103)
  assert.equal(allocator.allocateNext(), 103)
})

test('the ports of stored services are in use after a restart', async () => {
  const store = new MemoryObjects()
  const service = (name: string, spec: object) => ({ metadata: { namespace: 'ns', name }, spec })
  const services = store.objects('services')
  await services.create(service('a', { type: 'NodePort', ports: [{ nodePort: 30_001 }, { nodePort: 30_001 }, {}] }))
  await services.create(service('b', { type: 'LoadBalancer', ports: [{ nodePort: 80 }], healthCheckNodePort: 30_002 }))
  await services.create(service('c', { type: 'ClusterIP', ports: [{ nodePort: 30_003 }] }))
  const allocator = ports()
  await restoreNodePorts(allocator, services)
  assert.deepEqual(
    [30_001, 30_002, 30_003].map((port) => allocator.has(port)),
    [true, true, false],
  )
})

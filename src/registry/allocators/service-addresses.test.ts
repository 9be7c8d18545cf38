import assert from 'node:assert/strict'
import test from 'node:test'
import { MemoryObjects } from '../../testing/memory-objects.ts'
import { addressRange, staticAddressBand, toText } from './address-range.ts'
import { StoredServiceAddresses } from './service-addresses.ts'

const OWNER = { namespace: 'ns', name: 'web' }
const GROUP = 'networking.k8s.io'
const MISMATCH = { name: 'AllocationError', message: 'the provided network does not match the current range' }

function addresses(ranges: string[], random = (_max: number) => 0) {
  const store = new MemoryObjects()
  const allocator = new StoredServiceAddresses({ ranges, objects: store.objects, random })
  return { store, allocator, taken: () => store.names('ipaddresses', GROUP).map((name) => name.slice(1)) }
}

test('ranges leave out the network and, in IPv4, the broadcast address', () => {
  const v4 = addressRange('10.0.0.77/24')
  assert.deepEqual([v4.cidr, toText('IPv4', v4.first), toText('IPv4', v4.last)], ['10.0.0.0/24', '10.0.0.1', '10.0.0.254'])
  const v6 = addressRange('fd00:1::/112')
  assert.deepEqual([toText('IPv6', v6.first), toText('IPv6', v6.last)], ['fd00:1::1', 'fd00:1::ffff'])
  assert.throws(() => addressRange('fd00::/48'), /shortest allowed prefix length for service CIDR is 64, got 48/)
  assert.throws(() => addressRange('10.0.0.0'), /invalid CIDR/)
})

test('the static band follows KEP-3070', () => {
  const band = (cidr: string) => Number(staticAddressBand(addressRange(cidr)))
  assert.deepEqual(['10.0.0.0/28', '10.0.0.0/24', '10.0.0.0/20', '10.0.0.0/16', 'fd00::/64'].map(band), [0, 16, 255, 256, 256])
})

test('an address is taken through its IPAddress, and given back', async () => {
  const { store, allocator, taken } = addresses(['10.0.0.0/24'])
  await allocator.allocate('10.0.0.5', OWNER, false)
  assert.deepEqual(await store.objects('ipaddresses', GROUP).get('', '10.0.0.5'), {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: '10.0.0.5',
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { resource: 'services', namespace: 'ns', name: 'web' } },
  })
  await assert.rejects(allocator.allocate('10.0.0.5', OWNER, false), { message: 'provided IP is already allocated' })
  for (const outside of ['10.0.0.0', '10.0.0.255', '10.0.1.1', 'fd00::1', 'nonsense']) {
    await assert.rejects(allocator.allocate(outside, OWNER, false), MISMATCH)
  }
  await allocator.release('10.0.0.5')
  await allocator.release('10.0.0.5')
  assert.deepEqual(taken(), [])
})

test('the next address comes from above the static band, then from it, then there is none', async () => {
  const { allocator, taken } = addresses(['10.0.0.0/27'], (max) => Math.floor(max / 2))
  const given: string[] = []
  for (let i = 0; i < 30; i++) given.push(await allocator.allocateNext('IPv4', OWNER, false))
  assert.equal(new Set(given).size, 30)
  const last = (address: string) => Number(address.split('.')[3])
  assert.ok(given.slice(0, 14).every((address) => last(address) >= 17))
  assert.ok(given.slice(14).every((address) => last(address) <= 16))
  assert.equal(taken().length, 30)
  await assert.rejects(allocator.allocateNext('IPv4', OWNER, false), { message: 'range is full' })
})

test('two servers that race for the last addresses get different ones', async () => {
  const { store, allocator } = addresses(['10.0.0.0/28'])
  const other = new StoredServiceAddresses({ ranges: ['10.0.0.0/28'], objects: store.objects, random: () => 0 })
  const given = await Promise.all(
    Array.from({ length: 14 }, (_, i) => (i % 2 ? other : allocator).allocateNext('IPv4', OWNER, false)),
  )
  assert.equal(new Set(given).size, 14)
})

test('a dry run takes nothing, and sees the range but not what is taken', async () => {
  const { allocator, taken } = addresses(['10.0.0.0/24'])
  await allocator.allocate('10.0.0.9', OWNER, false)
  await allocator.allocate('10.0.0.9', OWNER, true)
  assert.equal(await allocator.allocateNext('IPv4', OWNER, true), '10.0.0.0')
  await assert.rejects(allocator.allocate('10.9.0.1', OWNER, true), MISMATCH)
  assert.deepEqual(taken(), ['10.0.0.9'])
})

test('ready ServiceCIDR objects extend the range; unready and deleted ones do not', async () => {
  const { store, allocator } = addresses(['10.0.0.0/24', 'fd00::/112'])
  const cidrs = store.objects('servicecidrs', GROUP)
  const condition = (status: string) => ({ conditions: [{ type: 'Ready', status }] })
  const add = (name: string, range: string, rest: object) =>
    cidrs.create({ metadata: { name }, spec: { cidrs: [range] }, ...rest } as object)
  await add('kubernetes', '10.0.0.0/24', { status: condition('True') })
  await add('more', '10.1.0.0/24', {})
  await add('unready', '10.2.0.0/24', { status: condition('False') })
  await cidrs.create({ metadata: { name: 'gone', deletionTimestamp: 'now' }, spec: { cidrs: ['10.3.0.0/24'] } } as object)
  await allocator.allocate('10.1.0.1', OWNER, false)
  await assert.rejects(allocator.allocate('10.2.0.1', OWNER, false), MISMATCH)
  await assert.rejects(allocator.allocate('10.3.0.1', OWNER, false), MISMATCH)
  assert.deepEqual(allocator.families, ['IPv4', 'IPv6'])
})

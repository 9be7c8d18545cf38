import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceV1ResourceClaim, ResourceV1ResourceClaimStatus } from '../../generated/types.ts'
import { writeContext } from '../../testing/write-context.ts'
import { dropDeallocated, validateClaimStatus } from './claim-status-rules.ts'

const device = { driver: 'd.example', pool: 'p', device: 'x' }
const allocation = { devices: { results: [{ ...device, request: 'r' }] } }
const claim = (status: ResourceV1ResourceClaimStatus): ResourceV1ResourceClaim => ({
  spec: { devices: { requests: [{ name: 'r' }] } },
  status,
})
const problems = (status: ResourceV1ResourceClaimStatus, old: ResourceV1ResourceClaimStatus = {}): string[] =>
  validateClaimStatus(claim(status), claim(old), writeContext()).map(({ field, message }) => `${field}: ${message}`)

test('an allocation is of requests of the claim, and stays as it is', () => {
  assert.deepEqual(problems({ allocation }), [])
  assert.deepEqual(problems({ allocation: { devices: { results: [{ ...device, request: 'other' }] } } }), [
    `status.allocation.devices.results[0].request: Invalid value: "other": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'`,
  ])
  assert.match(
    problems({ allocation: {} }, { allocation })[0] ?? '',
    /^status.allocation: Invalid value: .*: field is immutable$/,
  )
})

test('only what is allocated can be reserved, or reported on', () => {
  const reservedFor = [{ resource: 'pods', name: 'a', uid: '1' }]
  assert.deepEqual(problems({ allocation, reservedFor }), [])
  assert.deepEqual(problems({ reservedFor, devices: [device] }), [
    'status.devices[0]: Invalid value: d.example/p/x: must be an allocated device in the claim',
    'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
  ])
})

test('reports on a device go with its allocation', () => {
  const now = claim({ devices: [device, { ...device, device: 'y' }] })
  dropDeallocated(now, claim({ allocation }))
  assert.deepEqual(now.status?.devices, [{ ...device, device: 'y' }])
})

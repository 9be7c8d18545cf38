import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiregistrationV1APIService } from '../generated/types.ts'
import { type AvailabilityDeps, checkAvailability, LOCAL, type ServiceState, withAvailability } from './availability.ts'
import { remoteApi, sameBackend } from './remote-api.ts'
import { testApi } from './testing.ts'

const SERVICE: ServiceState = { type: 'ClusterIP', ports: [{ name: 'https', port: 443 }] }
const READY = { hasReady: true, portNames: ['https'] }

async function check(deps: Partial<AvailabilityDeps> = {}): Promise<string> {
  const all = { service: async () => SERVICE, slices: async () => [READY], probe: async () => {}, ...deps }
  const { status, reason, message } = await checkAvailability(testApi(), all)
  return `${status} ${reason}: ${message}`
}

test('a server is available when its service has endpoints and it answers', async () => {
  assert.equal(await check(), 'True Passed: all checks passed')
  const service = async (more: Partial<ServiceState>) => ({ ...SERVICE, ...more })
  assert.equal(await check({ service: async () => undefined }), 'False ServiceNotFound: service/s in "n" is not present')
  const otherPort = () => service({ ports: [{ name: 'https', port: 80 }] })
  assert.equal(await check({ service: otherPort }), 'False ServicePortError: service/s in "n" is not listening on port 443')
  assert.equal(
    await check({ slices: async () => [] }),
    'False EndpointsNotFound: cannot find endpointslices for service/s in "n"',
  )
  const missing = 'False MissingEndpoints: endpointslices for service/s in "n" have no addresses with port name "https"'
  assert.equal(await check({ slices: async () => [{ ...READY, hasReady: false }] }), missing)
  // Those that are ready must have the port, too.
  const apart = [
    { ...READY, portNames: ['http'] },
    { ...READY, hasReady: false },
  ]
  assert.equal(await check({ slices: async () => apart }), missing)
  const probe = async () => {
    throw new Error('no answer')
  }
  assert.equal(await check({ probe }), 'False FailedDiscoveryCheck: no answer')
})

test('services that aren’t of the cluster are only asked', async () => {
  const service = async () => ({ type: 'ExternalName', ports: [] })
  assert.equal(await check({ service, slices: async () => [] }), 'True Passed: all checks passed')
})

const object = (status: string, reason: string, message: string): ApiregistrationV1APIService => ({
  status: { conditions: [{ type: 'Available', status, reason, message, lastTransitionTime: '2020-01-01T00:00:00Z' }] },
})

test('the time of a condition is that of its last change of status', () => {
  const now = Date.parse('2021-01-01T00:00:00Z')
  const said = (before: ApiregistrationV1APIService, status: 'True' | 'False', reason: string, message = 'm') =>
    withAvailability(before, { status, reason, message }, now)?.status?.conditions?.map(
      (c) => `${c.status} ${c.reason} ${c.lastTransitionTime}`,
    )
  assert.deepEqual(said({}, 'False', 'ServiceNotFound'), ['False ServiceNotFound 2021-01-01T00:00:00Z'])
  const before = object('False', 'ServiceNotFound', 'm')
  assert.deepEqual(said(before, 'False', 'EndpointsNotFound'), ['False EndpointsNotFound 2020-01-01T00:00:00Z'])
  assert.deepEqual(said(before, 'True', 'Passed'), ['True Passed 2021-01-01T00:00:00Z'])
  assert.equal(said(before, 'False', 'ServiceNotFound'), undefined)
})

test('servers don’t correct each other’s words', () => {
  const failed = object('False', 'FailedDiscoveryCheck', 'from 10.0.0.1: EOF')
  assert.equal(
    withAvailability(failed, { status: 'False', reason: 'FailedDiscoveryCheck', message: 'from 10.0.0.2: EOF' }, 0),
    undefined,
  )
  const local = object(LOCAL.status, LOCAL.reason, LOCAL.message)
  assert.equal(withAvailability(local, LOCAL, 0), undefined)
})

test('conditions of others stay', () => {
  const other = { type: 'Other', status: 'True' }
  const before = { status: { conditions: [other] } }
  assert.deepEqual(
    withAvailability(before, LOCAL, 0)?.status?.conditions?.map(({ type }) => type),
    ['Other', 'Available'],
  )
})

test('what an APIService says', () => {
  assert.equal(remoteApi({ spec: { version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 } }), undefined)
  const spec = {
    group: 'g',
    version: 'v1',
    groupPriorityMinimum: 3,
    versionPriority: 4,
    service: { namespace: 'n', name: 's' },
    caBundle: Buffer.from('PEM').toString('base64'),
  }
  const api = remoteApi({ metadata: { name: 'v1.g' }, spec, ...object('True', 'Passed', '') })
  assert.deepEqual(api, {
    name: 'v1.g',
    group: 'g',
    version: 'v1',
    service: { namespace: 'n', name: 's', port: 443 },
    ca: 'PEM',
    insecure: false,
    groupPriority: 3,
    versionPriority: 4,
    available: true,
  })
  assert.ok(sameBackend(api, { ...api, available: false, groupPriority: 9 }))
  assert.ok(!sameBackend(api, { ...api, insecure: true }))
  assert.ok(!sameBackend(api, { ...api, service: { ...api.service, port: 8443 } }))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUILT_IN_KINDS } from '../kinds/all.ts'
import { StatusError } from '../machinery/status.ts'
import { compareVersions } from '../machinery/version-order.ts'
import { defineKind, type KindDefinition } from '../registry/kind.ts'
import { Discovery } from './discovery.ts'
import { servedGroups, storageVersionHash } from './groups.ts'
import { request } from './testing.ts'

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

function discovery(kinds: KindDefinition[] = [...BUILT_IN_KINDS]) {
  const source = { kinds: () => kinds, changes: 0 }
  const made = new Discovery({
    kinds: source,
    version: { gitVersion: 'v1.2.3' },
    serverAddress: '10.0.0.1:6443',
    otherPaths: () => ['/healthz'],
    wantsPretty: () => false,
  })
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const { exchange, answer } = request(path, headers, method)
    return { handled: made.handle(exchange), ...answer, json: () => JSON.parse(answer.body.toString()) }
  }
  return { source, kinds, get }
}

const fails = (code: number) => (error: unknown) => error instanceof StatusError && error.code === code

test('groups come by priority, versions by stability, resources by name', () => {
  const groups = servedGroups(BUILT_IN_KINDS)
  assert.deepEqual(
    groups.slice(0, 4).map((g) => g.name),
    ['', 'apiregistration.k8s.io', 'apps', 'events.k8s.io'],
  )
  for (const gv of groups.flatMap((g) => g.versions)) {
    const names = gv.resources.map((r) => r.definition.resource)
    assert.deepEqual(names, [...names].sort())
  }
  const versions = ['v1alpha1', 'v1', 'v2beta1', 'v10', 'v1beta2', 'other', 'v2']
  assert.deepEqual(versions.sort(compareVersions), ['v10', 'v2', 'v1', 'v2beta1', 'v1beta2', 'v1alpha1', 'other'])
})

test('the storage version hash is that of the reference', () => {
  const hashOf = (kind: string) => storageVersionHash(BUILT_IN_KINDS.find((k) => k.kind === kind) as KindDefinition)
  assert.equal(hashOf('Pod'), 'xPOwRZ+Yhw8=')
  assert.equal(hashOf('CustomResourceDefinition'), 'jfWCUB31mvA=')
})

test('documents', () => {
  const { get } = discovery()
  assert.deepEqual(get('/api').json().serverAddressByClientCIDRs, [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' }])
  assert.equal(get('/api/v1/').json().apiVersion, undefined)
  assert.equal(get('/apis/apps/v1').json().apiVersion, 'v1')
  assert.equal(get('/apis/').json().kind, 'APIGroupList')
  const scale = get('/apis/apps/v1')
    .json()
    .resources.find((r: { name: string }) => r.name === 'deployments/scale')
  assert.deepEqual([scale.group, scale.version, scale.kind], ['autoscaling', 'v1', 'Scale'])
  assert.deepEqual(get('/version/').json(), { gitVersion: 'v1.2.3' })
  const { paths } = get('/').json()
  assert.ok(paths.includes('/apis/apps/v1') && paths.includes('/healthz'))
})

test('the aggregated form is negotiated, and known by its tag', () => {
  const { get } = discovery()
  const first = get('/apis', { accept: AGGREGATED })
  assert.equal(first.headers['content-type'], AGGREGATED)
  assert.equal(first.json().items[0].metadata.name, 'apiregistration.k8s.io')
  const again = get('/apis', { accept: AGGREGATED, 'if-none-match': String(first.headers.etag) })
  assert.equal(again.code, 304)
  const old = AGGREGATED.replace('v2', 'v2beta1')
  assert.throws(() => get('/api', { accept: old }), fails(406))
  assert.equal(get('/api', { accept: `${old},application/json` }).json().kind, 'APIVersions')
  assert.throws(() => get('/apis/apps', { accept: AGGREGATED }), fails(406))
})

test('protobuf is announced by its magic and names its kind', () => {
  const { get } = discovery()
  const { body } = get('/api', { accept: 'application/vnd.kubernetes.protobuf' })
  assert.equal(body.subarray(0, 4).toString(), 'k8s\0')
  assert.ok(body.includes('APIVersions'))
})

test('methods and types that are refused, paths that are unknown', () => {
  const { get } = discovery()
  assert.throws(() => get('/api', {}, 'POST'), fails(405))
  assert.throws(() => get('/version', {}, 'HEAD'), fails(405))
  assert.equal(get('/apis', {}, 'PUT').code, 200)
  assert.equal(get('/apis/apps', {}, 'DELETE').code, 200)
  assert.throws(() => get('/api/v1', { accept: 'text/html' }), fails(406))
  assert.throws(() => get('/version', { accept: 'application/yaml' }), fails(406))
  assert.throws(() => get('/apis/apps/v9'), fails(404))
  assert.throws(() => get('/api/v2/pods'), fails(404))
  assert.equal(get('/apis/nothing.example.com/v1').body.toString(), '404 page not found\n')
  assert.equal(get('/nothing').handled, false)
})

test('kinds that come later show up', () => {
  const { get, kinds, source } = discovery([])
  assert.equal(get('/apis/example.com').code, 404)
  kinds.push(
    defineKind({
      group: 'example.com',
      version: 'v1',
      kind: 'Thing',
      resource: 'things',
      scope: 'Namespaced',
      schema: 'com.example.v1.Thing',
      status: true,
    }),
  )
  source.changes++
  const names = get('/apis/example.com/v1')
    .json()
    .resources.map((r: { name: string }) => r.name)
  assert.deepEqual(names, ['things', 'things/status'])
})

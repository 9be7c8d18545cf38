import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdmissionregistrationV1MatchResources } from '../../generated/types.ts'
import { asked, TestObjects } from '../testing.ts'
import { MatchCriteria } from './matching.ts'
import { Namespaces } from './namespaces.ts'

const objects = new TestObjects({
  namespaces: [
    { metadata: { name: 'blue', labels: { color: 'blue' } } },
    { metadata: { name: 'red', labels: { color: 'red' } } },
  ],
})
const deps = { namespaces: new Namespaces(objects), equivalents: () => [] }
const ALL = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }

async function fits(spec: AdmissionregistrationV1MatchResources, ...request: Parameters<typeof asked>): Promise<boolean> {
  return (await new MatchCriteria(spec).match(asked(...request), deps)) !== undefined
}

test('namespaces are told by their labels', async () => {
  const spec = { resourceRules: [ALL], namespaceSelector: { matchLabels: { color: 'blue' } } }
  assert.equal(await fits(spec, 'pods', { namespace: 'blue' }), true)
  assert.equal(await fits(spec, 'pods', { namespace: 'red' }), false)
  assert.equal(await fits(spec, 'nodes'), true)
  const object = { metadata: { name: 'new', labels: { color: 'blue' } } }
  assert.equal(await fits(spec, 'namespaces', { object }), true)
  assert.equal(await fits(spec, 'namespaces', { operation: 'DELETE', name: 'red' }), false)
  await assert.rejects(fits(spec, 'pods', { namespace: 'none' }), { message: 'namespaces "none" not found' })
})

test('objects are told by their labels, or by those that they had', async () => {
  const spec = { resourceRules: [ALL], objectSelector: { matchLabels: { a: 'b' } } }
  const object = { metadata: { labels: { a: 'b' } } }
  assert.equal(await fits(spec, 'pods', { object }), true)
  assert.equal(await fits(spec, 'pods', { object: {}, oldObject: object, operation: 'UPDATE' }), true)
  assert.equal(await fits(spec, 'pods', { oldObject: {}, operation: 'DELETE' }), false)
  assert.equal(await fits(spec, 'pods/exec', { operation: 'CONNECT' }), false)
})

test('exclusions go before rules, and no rules fit everything', async () => {
  const excluded = { excludeResourceRules: [{ ...ALL, resources: ['pods'] }] }
  assert.equal(await fits({ resourceRules: [ALL], ...excluded }, 'pods'), false)
  assert.equal(await fits({ resourceRules: [ALL], ...excluded }, 'secrets'), true)
  assert.equal(await fits(excluded, 'secrets'), true)
  assert.equal(await fits({}, 'pods/exec', { operation: 'CONNECT' }), true)
})

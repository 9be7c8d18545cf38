import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminClient } from './support/client.ts'
import { eventually } from './support/eventually.ts'
import { ServerProcess } from './support/server-process.ts'

// Objects that nest thousands of levels deep must be stored and changed, and nobody may have to wait for that.

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'boxes.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Cluster',
    names: { plural: 'boxes', kind: 'Box' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
}

const boxes = '/apis/example.com/v1/boxes'
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const box = (levels: number): string =>
  `{"apiVersion":"example.com/v1","kind":"Box","metadata":{"name":"b${levels}"},"spec":${deep(levels)}}`

test('objects that nest deep', { timeout: 60_000 }, async () => {
  await using server = await ServerProcess.start()
  using client = new AdminClient(server)
  const made = await client.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
  assert.equal(made.code, 201)
  await eventually(async () => assert.equal((await client.call('GET', boxes)).code, 200))
  for (const levels of [50, 6_000]) {
    const created = await client.call('POST', boxes, box(levels))
    assert.equal(created.code, 201, created.text.slice(0, 300))
    const patch = `{"spec":{"b":${deep(levels)}}}`
    const patched = await client.call('PATCH', `${boxes}/b${levels}`, patch, 'application/merge-patch+json')
    assert.equal(patched.code, 200, `${patched.text.slice(0, 300)} ${server.log.slice(-3000)}`)
    assert.equal((await client.call('GET', `${boxes}/b${levels}`)).text, patched.text)
  }
  const tooDeep = await client.call('POST', boxes, box(10_001))
  assert.equal(tooDeep.code, 400)
  assert.match(tooDeep.text, /exceeded max depth/)
  assert.doesNotMatch(server.log, /ERROR/)
})

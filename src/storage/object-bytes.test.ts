import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atRevision, withRevision } from './object-bytes.ts'

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const read = (bytes: Buffer) => JSON.parse(bytes.toString()) as { metadata: { resourceVersion: string } }

test('puts the resource version right after the uid', () => {
  const bytes = withRevision(
    json({ kind: 'A', apiVersion: 'v1', metadata: { name: 'n', uid: 'u', labels: { a: 'b' } }, data: {} }),
    12,
  )
  assert.equal(
    bytes.toString(),
    '{"kind":"A","apiVersion":"v1","metadata":{"name":"n","uid":"u","resourceVersion":"12","labels":{"a":"b"}},"data":{}}',
  )
})

test('moves an object to another revision, of any length', () => {
  const bytes = withRevision(json({ kind: 'A', apiVersion: 'v1', metadata: { name: 'n', uid: 'u' } }), 9)
  assert.equal(read(atRevision(bytes, 123456)).metadata.resourceVersion, '123456')
  assert.equal(atRevision(atRevision(bytes, 123456), 9).toString(), bytes.toString())
})

test('names outside ASCII and text that looks like metadata change nothing', () => {
  const object = {
    kind: 'Ä',
    apiVersion: 'v1',
    metadata: { name: 'ü', uid: 'u', annotations: { x: '"uid":"no","metadata":{' } },
    data: { uid: '1' },
  }
  const bytes = withRevision(json(object), 3)
  assert.deepEqual(read(bytes), { ...object, metadata: { ...object.metadata, resourceVersion: '3' } })
})

test('values that others wrote, in another order or with a version of their own, come out right', () => {
  const sorted = {
    apiVersion: 'v1',
    data: { uid: 'x' },
    kind: 'A',
    metadata: { annotations: { a: 'b' }, name: 'n', uid: 'u', resourceVersion: '1' },
  }
  const bytes = withRevision(json(sorted), 77)
  assert.equal(read(bytes).metadata.resourceVersion, '77')
  assert.match(bytes.toString(), /^\{"kind":"A","apiVersion":"v1","metadata":\{"name":"n","uid":"u","resourceVersion":"77"/)
  const managed = { ...sorted, metadata: { ...sorted.metadata, managedFields: [], ownerReferences: [] } }
  assert.match(withRevision(json(managed), 5).toString(), /"ownerReferences":\[\],"managedFields":\[\]\}/)
  const owned = { kind: 'A', apiVersion: 'v1', metadata: { name: 'n', ownerReferences: [{ uid: 'other' }] } }
  assert.equal(read(withRevision(json(owned), 5)).metadata.resourceVersion, '5')
})

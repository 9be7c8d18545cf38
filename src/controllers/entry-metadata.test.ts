import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../machinery/object.ts'
import { encode } from '../registry/store.ts'
import { mayHaveOwnersOrEnd, metadataOf } from './entry-metadata.ts'

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u2' }
const managedFields = [{ manager: 'm', fieldsV1: { 'f:metadata': { 'f:ownerReferences': { '.': {} } } } }]

/** As a watch cache holds it. */
const body = (metadata: object, rest: object = {}): Buffer =>
  encode({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'n', uid: 'u', ...metadata }, ...rest } as KubeObject, 7)

test('metadata is read off the bytes, without the managed fields', () => {
  const tricky = { annotations: { 'a"}{': '\\"},"managedFields":[{"' }, labels: { managedFields: '"metadata":{', é: '☃}' } }
  const meta = { ...tricky, ownerReferences: [owner], finalizers: ['x'] }
  const wanted = { name: 'n', uid: 'u', resourceVersion: '7', ...meta }
  assert.deepEqual(metadataOf(body(meta)), wanted)
  assert.deepEqual(metadataOf(body({ ...meta, managedFields })), wanted)
  const template = { spec: { template: { metadata: { name: 'other', managedFields } } } }
  assert.deepEqual(metadataOf(body(meta, template)), wanted)
  assert.deepEqual(metadataOf(body({}, template)), { name: 'n', uid: 'u', resourceVersion: '7' })
})

test('most objects need no look at their metadata', () => {
  assert.equal(mayHaveOwnersOrEnd(body({ managedFields, labels: { ownerReferences: '[' } })), false)
  assert.equal(mayHaveOwnersOrEnd(body({ annotations: { a: '"ownerReferences":[{"deletionTimestamp":""}]' } })), false)
  assert.equal(mayHaveOwnersOrEnd(body({ ownerReferences: [owner] })), true)
  assert.equal(mayHaveOwnersOrEnd(body({ deletionTimestamp: '2026-01-02T03:04:05Z' })), true)
})

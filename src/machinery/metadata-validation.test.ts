import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateLabelSelector } from './label-validation.ts'
import {
  nameIsDns1035Label,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  pathSegmentName,
  type ValidatedMetadata,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from './metadata-validation.ts'

const rules = { namespaced: true, nameValidator: nameIsDnsSubdomain }
const lines = (errors: readonly { field: string; message: string }[]): string[] => errors.map((e) => `${e.field}: ${e.message}`)
const check = (metadata: ValidatedMetadata, options = {}): string[] =>
  lines(validateObjectMeta({ name: 'a', namespace: 'default', ...metadata }, { ...rules, ...options }))

test('names and namespaces', () => {
  assert.deepEqual(check({}), [])
  assert.deepEqual(check({ name: '' }), ['metadata.name: Required value: name or generateName is required'])
  assert.deepEqual(check({ namespace: '' }), ['metadata.namespace: Required value'])
  assert.deepEqual(check({}, { namespaced: false }), ['metadata.namespace: Forbidden: not allowed on this type'])
  assert.deepEqual(check({ name: 'a/b' }, { nameValidator: pathSegmentName }), [
    `metadata.name: Invalid value: "a/b": may not contain '/'`,
  ])
  assert.deepEqual(check({ generateName: 'gen-' }), [])
  assert.equal(nameIsDnsLabel('x-', true).length, 0)
  assert.equal(nameIsDnsLabel('x-', false).length, 1)
  assert.equal(nameIsDns1035Label('1x', false).length, 1)
  assert.deepEqual(check({ generation: -1 }), ['metadata.generation: Invalid value: -1: must be greater than or equal to 0'])
})

test('labels and annotations', () => {
  assert.equal(check({ labels: { 'bad key': 'x', ok: 'bad value' } }).length, 2)
  assert.match(check({ labels: { ok: '-' } })[0]!, /^metadata.labels: Invalid value: "-": a valid label must be/)
  assert.deepEqual(check({ annotations: { 'Example.com/X': 'any text: at all' } }), [])
  assert.deepEqual(check({ annotations: { a: 'x'.repeat(256 * 1024) } }), [
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ])
})

test('finalizers', () => {
  assert.deepEqual(check({ finalizers: ['orphan', 'example.com/x'] }), [])
  assert.deepEqual(check({ finalizers: ['plain'] }), [
    'metadata.finalizers[0]: Invalid value: "plain": name is neither a standard finalizer name nor is it fully qualified',
  ])
  assert.deepEqual(check({ finalizers: ['plain'] }, { anyFinalizer: true }), [])
  assert.deepEqual(check({ finalizers: ['orphan', 'foregroundDeletion'] }), [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ])
})

test('owners', () => {
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u', controller: true }
  assert.deepEqual(check({ ownerReferences: [owner] }), [])
  assert.deepEqual(check({ ownerReferences: [{ apiVersion: 'apps/' }] }), [
    'metadata.ownerReferences.apiVersion: Invalid value: "apps/": version must not be empty',
    'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
    'metadata.ownerReferences.name: Invalid value: "": must not be empty',
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
  ])
  assert.match(
    check({ ownerReferences: [{ ...owner, kind: 'Event' }] })[0]!,
    /: \/v1, Kind=Event is disallowed from being an owner$/,
  )
  assert.match(
    check({ ownerReferences: [owner, { ...owner, name: 'p' }] })[0]!,
    /Only one reference can have Controller set to true. Found "true" in references for ConfigMap\/o and ConfigMap\/p$/,
  )
})

test('managed fields', () => {
  const entry = { manager: 'a\nb', operation: 'Delete', fieldsType: 'X' }
  assert.deepEqual(check({ managedFields: [entry] }), [
    'metadata.managedFields[0].operation: Invalid value: "Delete": must be `Apply` or `Update`',
    'metadata.managedFields[0].fieldsType: Invalid value: "X": must be `FieldsV1`',
    'metadata.managedFields[0].manager: Invalid value: "a\\nb": invalid character U+000A (at position 1)',
  ])
})

test('updates keep what is fixed', () => {
  const old: ValidatedMetadata = {
    name: 'a',
    namespace: 'n',
    uid: 'u',
    resourceVersion: '1',
    generation: 2,
    finalizers: ['a.b/c'],
  }
  const update = (change: ValidatedMetadata, was: ValidatedMetadata = {}): string[] =>
    lines(validateObjectMetaUpdate({ ...old, ...change }, { ...old, ...was }))
  assert.deepEqual(update({}), [])
  assert.deepEqual(update({ name: 'b', uid: 'x', resourceVersion: '', generation: 1 }), [
    'metadata.resourceVersion: Invalid value: "": must be specified for an update',
    'metadata.generation: Invalid value: 1: must not be decremented',
    'metadata.name: Invalid value: "b": field is immutable',
    'metadata.uid: Invalid value: "x": field is immutable',
  ])
  const time = '2030-01-01T00:00:00Z'
  assert.deepEqual(update({ deletionTimestamp: time, deletionGracePeriodSeconds: 5 }), [
    `metadata.deletionTimestamp: Invalid value: "${time}": field is immutable`,
    'metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable',
  ])
  assert.deepEqual(update({ deletionTimestamp: time, finalizers: ['x.y/z', 'a.b/c'] }, { deletionTimestamp: time }), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.y/z"}',
  ])
})

test('label selectors of objects', () => {
  const selector = {
    matchLabels: { 'a b': 'x' },
    matchExpressions: [
      { key: 'k', operator: 'In' },
      { key: 'k', operator: 'Exists', values: ['x'] },
      { key: 'k', operator: 'Gt', values: ['-'] },
    ],
  }
  const errors = lines(validateLabelSelector(selector, 'spec.selector'))
  assert.match(errors[0]!, /^spec.selector.matchLabels: Invalid value: "a b": name part/)
  assert.deepEqual(errors.slice(1, 4), [
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    'spec.selector.matchExpressions[2].operator: Invalid value: "Gt": not a valid selector operator',
  ])
  assert.match(errors[4]!, /^spec.selector.matchExpressions\[2\].values\[0\]: Invalid value: "-": a valid label/)
})

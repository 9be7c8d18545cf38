import assert from 'node:assert/strict'
import { test } from 'node:test'
import { difference, type Fields, fieldsOf, LEAF, recursiveDifference, union } from './fields.ts'

test('a difference is found in one pass, however deep fields nest', () => {
  const path = Array.from({ length: 500 }, () => 'f:a')
  const deep = fieldsOf(...path)
  const both = union(deep, fieldsOf(...path, 'f:b'))
  const started = performance.now()
  assert.deepEqual(difference(both, deep), fieldsOf(...path, 'f:b'))
  assert.deepEqual(recursiveDifference(both, fieldsOf(...path, 'f:b')), deep)
  assert.ok(performance.now() - started < 1000)
})

test('a difference keeps what comes before and after the first change', () => {
  const a: Fields = { '.': LEAF, 'f:a': LEAF, 'f:b': { 'f:x': LEAF, 'f:y': LEAF }, 'f:c': LEAF }
  assert.deepEqual(difference(a, { 'f:b': { 'f:x': LEAF } }), { 'f:a': LEAF, 'f:b': { 'f:y': LEAF }, 'f:c': LEAF })
  assert.deepEqual(difference(a, { 'f:a': LEAF }), { 'f:b': { 'f:x': LEAF, 'f:y': LEAF }, 'f:c': LEAF })
  assert.equal(difference(a, { 'f:z': LEAF }), a)
  assert.deepEqual(difference({ 'f:a': LEAF }, { 'f:a': LEAF }), {})
})

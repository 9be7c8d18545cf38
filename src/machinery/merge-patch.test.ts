import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from './json.ts'
import { applyMergePatch } from './merge-patch.ts'
import { patchResultInvalid, printPatched } from './patch-values.ts'
import { StatusError } from './status.ts'

describe('JSON merge patch', () => {
  test('merges objects and replaces everything else', () => {
    const document = { a: { b: 1, c: [1, 2] }, d: 'x' }
    assert.deepEqual(applyMergePatch(document, { a: { b: 2, e: { f: 1 } } }), { a: { b: 2, c: [1, 2], e: { f: 1 } }, d: 'x' })
    assert.deepEqual(applyMergePatch(document, { a: { c: [3] } }), { a: { b: 1, c: [3] }, d: 'x' })
    assert.deepEqual(applyMergePatch(document, { a: 5 }), { a: 5, d: 'x' })
    assert.deepEqual(applyMergePatch(document, { d: { y: null, z: 1 } }), { a: { b: 1, c: [1, 2] }, d: { z: 1 } })
    assert.deepEqual(document, { a: { b: 1, c: [1, 2] }, d: 'x' })
  })

  test('null removes a member, but not an item', () => {
    assert.deepEqual(applyMergePatch({ a: 1, b: { c: 1 } }, { a: null, x: null, b: { c: null } }), { b: {} })
    assert.deepEqual(applyMergePatch({}, { a: { b: null, l: [null, { x: null, y: 1 }] } }), { a: { l: [null, { y: 1 }] } })
    assert.deepEqual(applyMergePatch({ a: [1] }, { a: [{ x: null }] }), { a: [{}] })
    assert.deepEqual(applyMergePatch({ a: { b: 1 } }, { a: [{ x: null }] }), { a: [{ x: null }] })
  })

  test('refuses what is no object', () => {
    const refuse = (message: string, ...[patch, validation]: [unknown, 'Warn' | 'Ignore'] | [unknown]) =>
      assert.throws(
        () => applyMergePatch({}, patch as JsonObject, validation),
        (error) => error instanceof StatusError && error.code === 400 && error.message === message,
      )
    refuse('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}', [])
    refuse('error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}', 'x')
    refuse('Invalid JSON Patch', null)
    refuse('Invalid JSON Patch', 5, 'Ignore')
    assert.deepEqual(applyMergePatch({ a: 1 }, [{ b: null }], 'Ignore'), [{}])
  })

  test('keeps members of any name', () => {
    const patch = JSON.parse('{"data":{"__proto__":"x","constructor":null}}') as JsonObject
    assert.equal(JSON.stringify(applyMergePatch({ data: { a: '1' } }, patch)), '{"data":{"a":"1","__proto__":"x"}}')
    assert.equal(JSON.stringify(applyMergePatch({}, patch)), '{"data":{"__proto__":"x"}}')
  })

  test('shares what it does not touch', () => {
    const document = { a: { x: 1 }, b: { y: 1 } }
    const result = applyMergePatch(document, { a: { x: null } }) as typeof document
    assert.equal(result.b, document.b)
    assert.deepEqual(document.a, { x: 1 })
  })

  test('echoes its result', () => {
    const opened = new Set<object>()
    const result = applyMergePatch(
      { spec: { b: 1, a: 1 }, meta: { z: 1, y: 1 } },
      { spec: { c: { l: 1, k: 1 } } },
      'Warn',
      opened,
    )
    const text = printPatched(result, opened)
    assert.equal(text, '{"meta":{"z":1,"y":1},"spec":{"a":1,"b":1,"c":{"k":1,"l":1}}}')
    assert.deepEqual(patchResultInvalid('{"a":1}', 'no good').status, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: ' "" is invalid: patch: Invalid value: "{\\"a\\":1}": no good',
      reason: 'Invalid',
      details: {
        causes: [{ reason: 'FieldValueInvalid', message: 'Invalid value: "{\\"a\\":1}": no good', field: 'patch' }],
      },
      code: 422,
    })
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Json, JsonObject } from './json.ts'
import { applyJsonPatch, decodeJsonPatch, JsonPatchError, runJsonPatch } from './json-patch.ts'
import { printPatched } from './patch-values.ts'
import { StatusError } from './status.ts'

const apply = (document: Json, ...operations: JsonObject[]): Json => applyJsonPatch(document, operations)

const refusal = (document: Json, ...operations: JsonObject[]): string => {
  try {
    runJsonPatch(document, operations)
  } catch (error) {
    assert.ok(error instanceof JsonPatchError, String(error))
    return error.message
  }
  return 'applied'
}

const status = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error))
    return `${error.code} ${error.reason} ${error.message}`
  }
  return 'fine'
}

describe('JSON patch', () => {
  test('adds, replaces and removes members', () => {
    const document = { spec: { a: 1, b: 2 } }
    assert.deepEqual(apply(document, { op: 'add', path: '/spec/c', value: [1] }), { spec: { a: 1, b: 2, c: [1] } })
    assert.deepEqual(apply(document, { op: 'add', path: '/spec/a', value: 5 }), { spec: { a: 5, b: 2 } })
    assert.deepEqual(apply(document, { op: 'replace', path: '/spec/new', value: 'x' }), { spec: { a: 1, b: 2, new: 'x' } })
    assert.deepEqual(apply(document, { op: 'remove', path: '/spec/a' }), { spec: { b: 2 } })
    assert.deepEqual(document, { spec: { a: 1, b: 2 } })
  })

  test('moves and copies', () => {
    const document = { from: { x: [1] }, to: {} }
    assert.deepEqual(apply(document, { op: 'move', from: '/from/x', path: '/to/y' }), { from: {}, to: { y: [1] } })
    assert.deepEqual(
      apply(
        document,
        { op: 'copy', from: '/from/x', path: '/to/y' },
        { op: 'add', path: '/to/y/-', value: 2 },
        { op: 'add', path: '/from/x/-', value: 3 },
      ),
      { from: { x: [1, 3] }, to: { y: [1, 2] } },
    )
    assert.deepEqual(apply(document, { op: 'copy', from: '/from/none', path: '/to/y' }), { from: { x: [1] }, to: { y: null } })
    assert.deepEqual(document, { from: { x: [1] }, to: {} })
  })

  test('counts list indices from either end', () => {
    const list = (...operations: JsonObject[]) => (apply({ l: ['a', 'b', 'c'] }, ...operations) as { l: Json }).l
    assert.deepEqual(list({ op: 'add', path: '/l/-', value: 'x' }), ['a', 'b', 'c', 'x'])
    assert.deepEqual(list({ op: 'add', path: '/l/1', value: 'x' }), ['a', 'x', 'b', 'c'])
    assert.deepEqual(list({ op: 'add', path: '/l/3', value: 'x' }), ['a', 'b', 'c', 'x'])
    assert.deepEqual(list({ op: 'add', path: '/l/-1', value: 'x' }), ['a', 'b', 'c', 'x'])
    assert.deepEqual(list({ op: 'add', path: '/l/-4', value: 'x' }), ['x', 'a', 'b', 'c'])
    assert.deepEqual(list({ op: 'replace', path: '/l/-1', value: 'x' }), ['a', 'b', 'x'])
    assert.deepEqual(list({ op: 'remove', path: '/l/+1' }), ['a', 'c'])
    assert.deepEqual(list({ op: 'move', from: '/l/0', path: '/l/2' }), ['b', 'c', 'a'])
  })

  test('tests values', () => {
    const document = { n: 1, o: { a: [{ b: 1 }], z: null } }
    assert.equal(refusal(document, { op: 'test', path: '/o', value: { z: null, a: [{ b: 1 }] } }), 'applied')
    assert.equal(refusal(document, { op: 'test', path: '/missing', value: null }), 'applied')
    assert.equal(refusal(document, { op: 'test', path: '/missing' }), 'applied')
    assert.equal(refusal(document, { op: 'test', path: '', value: document }), 'applied')
    assert.equal(refusal(document, { op: 'test', path: '/n', value: '1' }), 'testing value /n failed: test failed')
    assert.equal(refusal(document, { op: 'test', path: '/n', value: null }), 'testing value /n failed: test failed')
    assert.equal(refusal(document, { op: 'test', path: '/o', value: { a: [{ b: 1 }] } }), 'testing value /o failed: test failed')
  })

  test('reads pointers as the reference does', () => {
    assert.deepEqual(apply({ 'a/b~1': 1 }, { op: 'replace', path: '/a~1b~01', value: 2 }), { 'a/b~1': 2 })
    assert.deepEqual(apply({}, { op: 'add', path: 'ignored/x', value: 1 }), { x: 1 })
    assert.deepEqual(apply({}, { op: 'add', path: '/', value: 1 }), { '': 1 })
    assert.deepEqual(apply({ a: 1 }, { op: 'replace', path: '', value: { b: 2 } }), { b: 2 })
    assert.deepEqual(apply({}, { op: 'add', path: '/x' }), { x: null })
  })

  test('says why it does not apply', () => {
    const document = { l: [1], s: 'text' }
    assert.equal(
      refusal(document, { op: 'add', path: '/x/y', value: 1 }),
      'add operation does not apply: doc is missing path: "/x/y": missing value',
    )
    assert.equal(
      refusal(document, { op: 'remove', path: '/x' }),
      "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
    )
    assert.equal(
      refusal(document, { op: 'replace', path: '/l/1', value: 1 }),
      'replace operation does not apply: doc is missing key: /l/1: missing value',
    )
    assert.equal(
      refusal(document, { op: 'add', path: '/l/5', value: 1 }),
      "error in add for path: '/l/5': Unable to access invalid index: 5: invalid index referenced",
    )
    assert.equal(
      refusal(document, { op: 'add', path: '/l/x', value: 1 }),
      `error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax`,
    )
    assert.equal(
      refusal(document, { op: 'add', path: '/s/x', value: 1 }),
      'add operation does not apply: doc is missing path: "/s/x": missing value',
    )
    assert.equal(
      refusal(document, { op: 'move', path: '/s' }),
      'move operation failed to decode from: operation, missing from field: missing value',
    )
    assert.equal(refusal(document, { op: 'jump', path: '/s' }), 'Unexpected kind: jump')
    assert.equal(refusal(document, {}), 'Unexpected kind: unknown')
  })

  test('tells a client only that it does not apply', () => {
    const expected = '422 Invalid the server rejected our request due to an error in our request'
    assert.equal(
      status(() => apply({}, { op: 'remove', path: '/x' })),
      expected,
    )
    assert.equal(
      status(() => applyJsonPatch({}, [null])),
      expected,
    )
  })

  test('bounds copies and operations', () => {
    const double = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }))
    assert.match(
      refusal({ a: ['0123456789'] }, ...double),
      /^Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/,
    )
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a' }))
    assert.equal(
      status(() => decodeJsonPatch(many, 'Warn')),
      '413 RequestEntityTooLarge Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    )
    assert.equal(decodeJsonPatch(many.slice(1), 'Warn').operations.length, 10_000)
  })

  test('checks the shape of its body', () => {
    const shape = (body: Json, validation: 'Warn' | 'Ignore' = 'Warn') => status(() => decodeJsonPatch(body, validation))
    assert.equal(
      shape({}),
      '400 BadRequest error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    )
    assert.equal(shape({}, 'Ignore'), '400 BadRequest json: cannot unmarshal object into Go value of type jsonpatch.Patch')
    assert.equal(
      shape([true]),
      '400 BadRequest error decoding patch: json: cannot unmarshal bool into Go value of type handlers.jsonPatchOp',
    )
    assert.equal(
      shape([{ op: 'add', path: 5 }]),
      '400 BadRequest error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string',
    )
    assert.equal(shape([{ op: 'add', path: 5 }], 'Ignore'), 'fine')
    assert.equal(shape(null), 'fine')
    assert.deepEqual(decodeJsonPatch([{ op: 'add' }, { Op: 'add' }], 'Strict').strictErrors, [
      'json patch unknown field "[1].Op"',
    ])
    assert.deepEqual(decodeJsonPatch([{ Op: 'add' }], 'Ignore').strictErrors, [])
  })

  test('takes no member that every object has for one of the document', () => {
    assert.match(refusal({}, { op: 'add', path: '/constructor/x', value: 1 }), /missing path/)
    assert.match(refusal({}, { op: 'add', path: '/__proto__/x', value: 1 }), /missing path/)
    assert.equal(JSON.stringify(apply({}, { op: 'add', path: '/__proto__', value: { x: 1 } })), '{"__proto__":{"x":1}}')
    assert.equal(({} as JsonObject).x, undefined)
  })

  test('shares what it does not touch', () => {
    const document = { a: { x: 1 }, b: { y: [1] } }
    const result = apply(document, { op: 'add', path: '/a/z', value: 1 }) as typeof document
    assert.equal(result.b, document.b)
    assert.notEqual(result.a, document.a)
  })

  test('echoes containers that it went into with sorted keys', () => {
    const opened = new Set<object>()
    const document = { z: { b: 1, a: '<' }, m: { d: 1, c: 1 } }
    const result = applyJsonPatch(document, [{ op: 'add', path: '/m/b', value: { y: 1, x: 1 } }], opened)
    assert.equal(printPatched(result, opened), '{"m":{"b":{"y":1,"x":1},"c":1,"d":1},"z":{"b":1,"a":"\\u003c"}}')
  })
})

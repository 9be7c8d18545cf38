import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '../json.ts'
import { validateDefaults } from './defaults.ts'
import { durationOf } from './durations.ts'
import { resolveFieldPath } from './field-path.ts'
import { prune } from './pruning.ts'
import type { Schema } from './schema.ts'
import { structuralFault, validateStructural } from './structural.ts'
import { validateValue } from './values.ts'

const texts = (errors: readonly { field: string; message: string }[]): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`)

const object = (properties: Record<string, Schema>, rest: Schema = {}): Schema => ({ type: 'object', properties, ...rest })

test('values are checked as the reference says it', () => {
  const schema = object(
    {
      s: { type: 'string', minLength: 2, pattern: '^[a-z]+$' },
      n: { type: 'number', maximum: 2.5 },
      i: { type: 'integer', multipleOf: 3, minimum: 1.5 },
      l: { type: 'array', items: { type: 'integer' }, maxItems: 1 },
      e: { enum: ['one', 2] },
      x: { 'x-kubernetes-int-or-string': true },
      d: { type: 'string', format: 'date-time' },
      m: { type: 'object', additionalProperties: { type: 'boolean' } },
    },
    { required: ['s'] },
  )
  const check = (value: JsonObject): string[] => texts(validateValue(value, schema))
  assert.deepEqual(check({}), ['s: Required value'])
  assert.deepEqual(check({ s: 'A1' }), [`s: Invalid value: "A1": s in body should match '^[a-z]+$'`])
  assert.deepEqual(check({ s: 'a' }), ['s: Invalid value: "a": s in body should be at least 2 chars long'])
  const rest = (value: JsonObject): string[] => check({ s: 'ab', ...value })
  assert.deepEqual(rest({ n: 3.5 }), ['n: Invalid value: 3.5: n in body should be less than or equal to 2.5'])
  assert.deepEqual(rest({ i: 4 }), ['i: Invalid value: 4: i in body should be a multiple of 3'])
  assert.deepEqual(rest({ i: 'x' }), ['i: Invalid value: "string": i in body must be of type integer: "string"'])
  assert.deepEqual(rest({ l: [1, null] }), [
    'l[1]: Invalid value: "null": l[1] in body must be of type integer: "null"',
    'l: Too many: 2: must have at most 1 item',
  ])
  assert.deepEqual(rest({ e: 'x' }), ['e: Unsupported value: "x": supported values: "one", "2"'])
  assert.deepEqual(rest({ x: true }), ['x: Invalid value: "boolean": x in body must be of type integer,string: "boolean"'])
  assert.deepEqual(rest({ d: 'now' }), ['d: Invalid value: "now": d in body must be of type date-time: "now"'])
  assert.deepEqual(rest({ m: { a: 1 } }), ['m.a: Invalid value: "integer": m.a in body must be of type boolean: "integer"'])
})

test('of schemas of which one must fit, the closest tells its errors', () => {
  const one = object({ one: { oneOf: [{ required: ['a'] }, { required: ['b'] }] } })
  assert.deepEqual(texts(validateValue({ one: {} }, one)), [
    '<nil>: Invalid value: "": "one" must validate one and only one schema (oneOf). Found none valid',
    'one.a: Required value',
  ])
  assert.deepEqual(texts(validateValue({ one: { a: 1, b: 1 } }, one)), [
    '<nil>: Invalid value: "": "one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ])
  const all = object({ n: { allOf: [{ minimum: 5 }] } })
  assert.deepEqual(texts(validateValue({ n: 4 }, all)), [
    'n: Invalid value: 4: n in body should be greater than or equal to 5',
    '<nil>: Invalid value: "": "n" must validate all the schemas (allOf). None validated',
  ])
})

test('schemas that are not structural', () => {
  const errors = (schema: Schema): string[] => texts(validateStructural('x', schema))
  assert.deepEqual(errors(object({ a: {}, l: { type: 'array' } })), [
    'x.properties[a].type: Required value: must not be empty for specified object fields',
    'x.properties[l].items: Required value: must be specified',
  ])
  assert.deepEqual(errors(object({ metadata: object({ labels: { type: 'object' } }) })), [
    'x.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
  ])
  const junctors = object({ p: { type: 'string', anyOf: [{ type: 'string' }] } }, { allOf: [{ properties: { q: {} } }] })
  assert.deepEqual(errors(junctors), [
    'x.properties[p].anyOf[0].type: Forbidden: must be empty to be structural',
    'x.properties[q]: Required value: because it is defined in x.allOf[0].properties[q]',
  ])
  const port = { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }
  assert.deepEqual(errors(object({ port })), [])
  assert.equal(structuralFault(object({ a: { $ref: '#/x' } })), "OpenAPIV3Schema '$ref' is not supported")
})

test('unknown fields go, also out of defaults', () => {
  const schema = object({
    known: object({ a: { type: 'string' } }),
    open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { closed: object({}) } },
    map: { type: 'object', additionalProperties: object({ a: { type: 'string' } }) as JsonObject },
  })
  const value: Json = {
    apiVersion: 'v1',
    known: { a: 'x', b: 1 },
    open: { any: { thing: 1 }, closed: { gone: 1 } },
    map: { k: { a: 'x', b: 1 } },
    other: 1,
  }
  prune(value, schema, true)
  assert.deepEqual(value, {
    apiVersion: 'v1',
    known: { a: 'x' },
    open: { any: { thing: 1 }, closed: {} },
    map: { k: { a: 'x' } },
  })
  const withDefault = object({ spec: object({ a: { type: 'string' } }, { default: { a: 1, b: 2 } }) })
  assert.deepEqual(texts(validateDefaults('x', withDefault, true)), [
    'x.properties[spec].default: Invalid value: {"a":1,"b":2}: must not have unknown fields',
    'x.properties[spec].default.a: Invalid value: "integer": a in body must be of type string: "integer"',
  ])
})

test('paths lead to schemas', () => {
  const schema = object({
    spec: object({ size: { type: 'integer' }, tags: { type: 'object', additionalProperties: { type: 'string' } } }),
  })
  const found = resolveFieldPath(".spec.tags['a.b']", schema)
  assert.ok(typeof found === 'object')
  assert.deepEqual([found.text, found.root, found.schema?.type], ['spec.tags[a.b]', 'spec', 'string'])
  assert.equal(resolveFieldPath('.spec.sise', schema), 'does not refer to a valid field')
  assert.equal(resolveFieldPath('spec', schema), 'expected [ or . but got: spec')
  assert.equal(resolveFieldPath("['spec']", schema, false), 'array notation is not allowed')
  assert.equal(resolveFieldPath('.spec.', schema), 'unexpected end of JSON path')
})

test('durations may be written in words', () => {
  const texts: Record<string, bigint | undefined> = {
    '1h30m': 5400_000_000_000n,
    '2 Days 3 hours': 183600_000_000_000n,
    '1w': 604800_000_000_000n,
    'about 5 millis': 5_000_000n,
    '5 lightyears': undefined,
    '': undefined,
  }
  for (const [text, nanoseconds] of Object.entries(texts)) assert.equal(durationOf(text), nanoseconds, text)
})

test('members may be called as those that all objects have', () => {
  const string: Schema = { type: 'string' }
  const schema: Schema = { type: 'object', required: ['toString'], properties: { toString: string, valueOf: string } as never }
  assert.deepEqual(
    validateValue({}, schema).map(({ field, reason }) => [field, reason]),
    [['toString', 'FieldValueRequired']],
  )
  assert.deepEqual(validateValue({ toString: 'a' } as never, schema), [])
})

test('more faults than a call takes arguments', () => {
  const list = new Array<number>(300_000).fill(1)
  assert.equal(
    validateValue({ l: list }, { type: 'object', properties: { l: { type: 'array', items: { type: 'string' } } } }).length,
    300_000,
  )
})

test('junctors that nest try each schema once', () => {
  let schema: Schema = { type: 'string' }
  for (let i = 0; i < 60; i++) schema = i % 2 ? { anyOf: [schema] } : { oneOf: [schema] }
  assert.ok(validateValue(1, schema).length > 0)
})

test('patterns take time in proportion to the text', () => {
  const started = performance.now()
  for (const pattern of ['^(a+)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(x+x+)+y']) {
    const [fault] = validateValue(`${'a'.repeat(50_000)}!`, { type: 'string', pattern })
    assert.match(fault?.message ?? '', /should match/)
  }
  assert.deepEqual(validateValue('xaab', { type: 'string', pattern: 'a+' }), [])
  assert.ok(performance.now() - started < 5_000)
})

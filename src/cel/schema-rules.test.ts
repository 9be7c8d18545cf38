import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'
import { compileSchemaRules, skippedRules } from './schema-rules.ts'

type Rule = NonNullable<Schema['x-kubernetes-validations']>[number]

const ruled = (schema: Schema, ...rules: (string | Rule)[]): Schema => ({
  ...schema,
  'x-kubernetes-validations': rules.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
})
const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: 'object', properties, ...more })
const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items: items as JsonObject, ...more })
const rooted = (spec: Schema): Schema => object({ spec })
const resource = (spec: JsonObject): JsonObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'a' },
  spec,
})

interface Told {
  errors: string[]
  warnings: string[]
}

function evaluate(schema: Schema, spec: JsonObject, old?: JsonObject): Told {
  const warnings: string[] = []
  const rules = compileSchemaRules(rooted(schema))
  assert.ok(rules)
  const errors = rules.errors(resource(spec), old && resource(old), (text) => warnings.push(text))
  return { errors: errors.map(({ field, message }) => `${field}: ${message}`), warnings }
}

const errors = (schema: Schema, spec: JsonObject, old?: JsonObject): string[] => evaluate(schema, spec, old).errors

suite('rules of schemas', () => {
  test('a schema without any has none', () => {
    assert.equal(compileSchemaRules(rooted(object({ a: { type: 'string' } }))), undefined)
  })

  test('scalars are shown, objects and lists are not', () => {
    const schema = object({
      s: ruled({ type: 'string' }, { rule: "self.startsWith('a')", message: ' must start with a ' }),
      n: ruled({ type: 'number' }, 'self < 1.5'),
      l: ruled(list({ type: 'string' }), { rule: 'self.isSorted()', message: 'must be sorted' }),
      p: ruled({ 'x-kubernetes-int-or-string': true }, "type(self) == int ? self > 1 : self == 'all'"),
      t: ruled(
        { type: 'string', format: 'date-time' },
        {
          rule: "self > timestamp('2024-01-01T00:00:00Z')",
          messageExpression: "self.getFullYear() < 2000 ? 'very old' : 'old'",
        },
      ),
    })
    assert.deepEqual(errors(schema, { s: 'xyz', n: 2.5, l: ['b', 'a'], p: 1, t: '2023-05-05T00:00:00Z' }), [
      'spec.s: Invalid value: "xyz": must start with a',
      'spec.n: Invalid value: 2.5: failed rule: self < 1.5',
      'spec.l: Invalid value: must be sorted',
      `spec.p: Invalid value: 1: failed rule: type(self) == int ? self > 1 : self == 'all'`,
      'spec.t: Invalid value: "2023-05-05T00:00:00Z": old',
    ])
    assert.deepEqual(errors(schema, { s: 'abc', n: 1, l: ['a', 'b'], p: 'all', t: '2024-05-05T00:00:00Z' }), [])
  })

  test('null is nothing to evaluate, and an unset field is not there', () => {
    const schema = ruled(object({ k: ruled({ type: 'integer', nullable: true }, 'self > 5') }), '!has(self.k) || self.k > 6')
    assert.deepEqual(errors(schema, { k: null }), [])
    assert.deepEqual(errors(schema, {}), [])
    assert.deepEqual(errors(schema, { k: 6 }), ['spec: Invalid value: failed rule: !has(self.k) || self.k > 6'])
  })

  test('formats say what texts are', () => {
    const schema = object({
      d: ruled({ type: 'string', format: 'duration' }, "self < duration('48h')"),
      b: ruled({ type: 'string', format: 'byte' }, 'size(self) == 3'),
      n: ruled({ type: 'number' }, 'type(self) == double'),
      s: ruled(list({ type: 'string' }, { 'x-kubernetes-list-type': 'set' }), "self == ['b', 'a']"),
    })
    assert.deepEqual(errors(schema, { d: '1 day', b: 'YWJj', n: 1, s: ['a', 'b'] }), [])
    assert.equal(errors(schema, { d: '3 days', b: 'YWI=', n: 1, s: ['a'] }).length, 3)
  })

  test('reasons', () => {
    const rules = (['FieldValueForbidden', 'FieldValueRequired', 'FieldValueDuplicate', 'FieldValueInvalid'] as const).map(
      (reason) => ({ rule: 'self', reason, message: 'no' }),
    )
    assert.deepEqual(errors(object({ b: ruled({ type: 'boolean' }, ...rules) }), { b: false }), [
      'spec.b: Forbidden: no',
      'spec.b: Required value: no',
      'spec.b: Duplicate value: false',
      'spec.b: Invalid value: false: no',
    ])
  })

  test('names that are no identifiers', () => {
    const names = object({ 'odd-name': { type: 'integer' }, in: { type: 'integer' }, x__y: { type: 'integer' } })
    const schema = ruled(names, 'self.odd__dash__name > 0', 'self.__in__ > 0', 'self.x__underscores__y > 0')
    assert.equal(errors(schema, { 'odd-name': 0, in: 0, x__y: 0 }).length, 3)
    assert.deepEqual(errors(schema, { 'odd-name': 1, in: 1, x__y: 1 }), [])
  })

  test('paths: fields, items, members, and what a rule names', () => {
    const port = ruled(object({ port: { type: 'integer' } }), { rule: '!has(self.port) || self.port > 0', fieldPath: '.port' })
    const schema = object({
      ports: list(port, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port'] }),
      labels: { type: 'object', additionalProperties: ruled({ type: 'string' }, "self != 'bad'") as JsonObject },
    })
    assert.deepEqual(errors(schema, { ports: [{ port: -1 }], labels: { a: 'bad' } }), [
      'spec.ports[0].port: Invalid value: failed rule: !has(self.port) || self.port > 0',
      `spec.labels[a]: Invalid value: "bad": failed rule: self != 'bad'`,
    ])
  })

  test('of a whole resource, rules see its names', () => {
    const root = ruled(object({ spec: object({}) }), { rule: "self.metadata.name == 'b' && self.kind == 'Thing'", message: 'b!' })
    const told = compileSchemaRules(root)?.errors(resource({}), undefined)
    assert.deepEqual(told, [{ reason: 'FieldValueInvalid', field: '<nil>', message: 'Invalid value: b!' }])
  })
})

suite('rules that have no value, or cost too much', () => {
  test('failures', () => {
    const schema = object({
      m: ruled({ type: 'object', additionalProperties: { type: 'integer' } }, 'self.x > 0'),
      p: ruled({ 'x-kubernetes-int-or-string': true }, 'self + 1 > 0'),
    })
    assert.deepEqual(errors(schema, { m: {}, p: 'a' }), [
      'spec.m: Invalid value: "object": no such key: x evaluating rule: self.x > 0',
      'spec.p: Invalid value: "": \'no such overload\': call arguments did not match a supported operator, function or macro signature for rule: self + 1 > 0',
    ])
  })

  test('a message that fails makes room for the usual one', () => {
    const texts = ["''", "'a\\nb'", '[self][1]', "'x' + self"]
    const rules = texts.map((messageExpression) => ({ rule: 'false', messageExpression }))
    assert.deepEqual(errors(object({ s: ruled({ type: 'string' }, ...rules) }), { s: 'v' }), [
      'spec.s: Invalid value: "v": failed rule: false',
      'spec.s: Invalid value: "v": failed rule: false',
      'spec.s: Invalid value: "v": failed rule: false',
      'spec.s: Invalid value: "v": xv',
    ])
  })

  test('one rule has a limit, and all together have one', () => {
    const cubed = 'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))'
    const many = Array.from({ length: 100 }, (_, i) => i)
    const one = ruled(list({ type: 'integer' }), { rule: cubed, message: 'cubed' }, 'false')
    assert.deepEqual(errors(object({ l: one }), { l: many }), [
      'spec.l: Invalid value: "array": \'operation cancelled: actual cost limit exceeded\': no further validation rules will be run due to call cost exceeds limit for rule: cubed',
    ])
    const squared = ruled(list({ type: 'integer' }), 'self.all(a, self.all(b, a + b >= 0))')
    const lists = { l: Array.from({ length: 300 }, () => many) }
    const told = errors(object({ l: list(squared) }), lists)
    assert.equal(told.length, 1)
    assert.match(
      told[0]!,
      /^spec\.l\[\d+\]: Invalid value: "array": validation failed due to running out of cost budget, no further/,
    )
  })

  test('they are not evaluated for objects that are none of their schema', () => {
    assert.equal(skippedRules([{ reason: 'FieldValueInvalid', field: 'a', message: '' }]), undefined)
    assert.match(
      skippedRules([{ reason: 'FieldValueTypeInvalid', field: 'a', message: '' }])!.message,
      /^Invalid value: null: some/,
    )
  })
})

suite('rules that compare with what was', () => {
  const fixed = { rule: 'self == oldSelf', message: 'fixed' }

  test('apply only where there is something to compare with', () => {
    const schema = object({ s: ruled({ type: 'string' }, fixed) })
    assert.deepEqual(errors(schema, { s: 'a' }), [])
    assert.deepEqual(errors(schema, { s: 'a' }, {}), [])
    assert.deepEqual(errors(schema, { s: 'a' }, { s: 'a' }), [])
    assert.deepEqual(errors(schema, { s: 'b' }, { s: 'a' }), ['spec.s: Invalid value: "b": fixed'])
  })

  test('an optional old value is none where there is nothing', () => {
    const rule = { rule: "oldSelf.hasValue() || self == 'new'", optionalOldSelf: true }
    const schema = object({ s: ruled({ type: 'string' }, rule) })
    assert.equal(errors(schema, { s: 'a' }).length, 1)
    assert.deepEqual(errors(schema, { s: 'new' }), [])
    assert.deepEqual(errors(schema, { s: 'a' }, { s: 'b' }), [])
  })

  test('items are found by their keys', () => {
    const item = object({ k: { type: 'string' }, v: ruled({ type: 'integer' }, { rule: 'self >= oldSelf', message: 'grows' }) })
    const schema = object({ l: list(item, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] }) })
    const old = { l: [{ k: 'a', v: 5 }] }
    const changed = (v: number): JsonObject => ({
      l: [
        { k: 'b', v: 1 },
        { k: 'a', v },
      ],
    })
    assert.deepEqual(errors(schema, changed(4), old), ['spec.l[1].v: Invalid value: 4: grows'])
    assert.deepEqual(errors(schema, changed(6), old), [])
  })
})

suite('what is as it was', () => {
  const lower = { rule: 'self == self.lowerAscii()', message: 'lower case only' }
  const schema = object({ a: ruled({ type: 'string' }, lower), b: { type: 'string' } })

  test('is tolerated with a warning', () => {
    assert.deepEqual(evaluate(schema, { a: 'BAD', b: 'changed' }, { a: 'BAD', b: 'ok' }), {
      errors: [],
      warnings: ['spec.a: Invalid value: "BAD": lower case only'],
    })
    assert.deepEqual(evaluate(schema, { a: 'WORSE' }, { a: 'BAD' }), {
      errors: ['spec.a: Invalid value: "WORSE": lower case only'],
      warnings: [],
    })
  })

  test('as a part of something that is, though it can not be told by itself', () => {
    const set = object({ l: list(ruled({ type: 'string' }, lower), { 'x-kubernetes-list-type': 'set' }) })
    assert.equal(evaluate(set, { l: ['BAD'] }, { l: ['BAD'] }).warnings.length, 1)
    assert.equal(evaluate(set, { l: ['BAD', 'ok'] }, { l: ['BAD'] }).errors.length, 1)
  })

  test('but not by rules that compare', () => {
    const never = object({ a: ruled({ type: 'string' }, { rule: 'self != oldSelf', message: 'must change' }) })
    assert.deepEqual(errors(never, { a: 'x' }, { a: 'x' }), ['spec.a: Invalid value: "x": must change'])
  })
})

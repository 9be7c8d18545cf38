import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { estimateCost } from './estimate.ts'
import { fromJson } from './json-values.ts'
import { kubernetes } from './kubernetes.ts'
import type { Variables } from './program.ts'
import { escapeProperty, schemaType } from './schema-types.ts'

function estimate(schema: JsonObject, rule: string): number {
  const type = schemaType(schema, false)!
  return estimateCost(kubernetes.extend({ variables: { self: type, oldSelf: type } }).compile(rule), type).max
}

const text = (maxLength?: number): JsonObject => ({ type: 'string', ...(maxLength === undefined ? {} : { maxLength }) })
const list = (items: JsonObject, maxItems?: number): JsonObject => ({
  type: 'array',
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
})

// What is refused over this, with the figures of the reference's own messages.
const LIMIT = 10_000_000

suite('what rules may cost', () => {
  const every = 'self.all(x, self.exists(y, x == y))'

  test('figures that the reference prints', () => {
    assert.equal(estimate(list(text(10), 1000), every), 10_005_002)
    assert.equal(estimate(list(text(10), 100), every) * 500, 50_251_000)
  })

  test('what it refuses, and what it accepts', () => {
    const much: [JsonObject, string][] = [
      [list(text()), "self.all(x, x.contains('y'))"],
      [list(text(10)), every],
      [{ type: 'object', additionalProperties: text() }, 'self.all(k, self.all(l, self[k] != self[l] || k == l))'],
      [{ type: 'integer' }, "'is ' + string(self)"],
      [text(5), "'is ' + string(size(self))"],
    ]
    for (const [schema, rule] of much) assert.ok(estimate(schema, rule) > 100 * LIMIT, rule)
    const little: [JsonObject, string][] = [
      [list(text(10), 10), every],
      [{ type: 'integer' }, 'self > 0'],
      [text(), "self.matches('^(a+)+$')"],
      [text(), 'self + self + self'],
      [list(text(1000), 1000), "self.map(x, x.upperAscii()).exists(x, x == 'A')"],
    ]
    for (const [schema, rule] of little) assert.ok(estimate(schema, rule) < LIMIT, rule)
    assert.ok(estimate(text(), 'size(self) > 0') * 1_048_575 < LIMIT)
  })
})

suite('types of schemas', () => {
  test('whole resources have names without a schema for them', () => {
    const type = schemaType({ type: 'object', properties: { spec: { type: 'object' } } }, true)!
    const environment = kubernetes.extend({ variables: { self: type } })
    assert.equal(environment.compile('self.metadata.name + self.kind + self.apiVersion').type.name, 'string')
    assert.throws(() => environment.compile('self.metadata.labels'), /undefined field 'labels'/)
  })

  test('what nothing is known of can not be seen', () => {
    const properties = { known: text(), any: { 'x-kubernetes-preserve-unknown-fields': true }, '0': text() }
    const type = schemaType({ type: 'object', properties }, false)!
    assert.throws(() => kubernetes.extend({ variables: { self: type } }).compile('self.any'), /undefined field 'any'/)
    assert.equal(schemaType(list({ 'x-kubernetes-preserve-unknown-fields': true }), false), undefined)
  })

  test('lists without an order', () => {
    const items = { type: 'object', properties: { k: text(), v: { type: 'integer' } } }
    const properties = {
      set: { ...list(text()), 'x-kubernetes-list-type': 'set' },
      map: { ...list(items), 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
    }
    const type = schemaType({ type: 'object', properties }, false)!
    const environment = kubernetes.extend({ variables: { self: type, oldSelf: type } })
    const of = (set: string[], ...map: [string, number][]) => fromJson({ set, map: map.map(([k, v]) => ({ k, v })) }, type)
    const variables = { self: of(['a', 'b'], ['x', 1], ['y', 2]), oldSelf: of(['b', 'a'], ['y', 2], ['x', 1]) }
    const other = { ...variables, oldSelf: of(['b', 'c'], ['y', 3], ['z', 4]) }
    const value = (source: string, values: Variables) => environment.compile(source).evaluate(values).value
    assert.equal(value('self == oldSelf && self.set == oldSelf.set && self.map == oldSelf.map', variables), true)
    assert.equal(value('self.set == oldSelf.set || self.map == oldSelf.map', other), false)
    assert.equal(value("self.set + oldSelf.set == ['c', 'a', 'b']", other), true)
    assert.equal(value("(self.map + oldSelf.map).map(e, e.k + string(e.v)) == ['x1', 'y3', 'z4']", other), true)
    assert.equal(value("self.set.map(e, e) == ['b', 'a']", variables), false)
  })

  test('names that are none in expressions', () => {
    assert.equal(escapeProperty('namespace'), '__namespace__')
    assert.equal(escapeProperty('a-b.c/d__e'), 'a__dash__b__dot__c__slash__d__underscores__e')
    assert.equal(escapeProperty('0a'), undefined)
    assert.equal(escapeProperty('a b'), undefined)
  })
})

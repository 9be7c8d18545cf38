import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '../json.ts'
import { applyDefaults } from './defaulting.ts'
import { validateListTypes } from './list-types.ts'
import { prune } from './pruning.ts'
import type { Schema } from './schema.ts'

const object = (properties: Record<string, Schema>, more: Schema = {}): Schema & JsonObject =>
  ({ type: 'object', properties, ...more }) as Schema & JsonObject

function pruned(value: Json, schema: Schema | undefined, isResource = false): { value: Json; unknown: string[] } {
  const unknown: string[] = []
  prune(value, schema, isResource, unknown)
  return { value, unknown }
}

function defaulted(value: Json, schema: Schema): Json {
  applyDefaults(value, schema)
  return value
}

test('pruning tells what it removed, in order', () => {
  const schema = object({
    list: { type: 'array', items: object({ a: {} }) },
    map: { type: 'object', additionalProperties: object({ a: {} }) },
    free: object({ known: object({ a: {} }) }, { 'x-kubernetes-preserve-unknown-fields': true }),
  })
  const value = {
    z: 1,
    list: [{ a: 1 }, { b: 2 }],
    map: { k: { a: 1, c: 1 } },
    free: { x: { y: 1 }, known: { a: 1, b: 1 } },
    apiVersion: 'v1',
  }
  assert.deepEqual(pruned(value, schema), {
    value: { list: [{ a: 1 }, {}], map: { k: { a: 1 } }, free: { x: { y: 1 }, known: { a: 1 } } },
    unknown: ['apiVersion', 'free.known.b', 'list[1].b', 'map.k.c', 'z'],
  })
})

test('a resource keeps what every resource has, and one of an unknown version nothing else', () => {
  const value = (): Json => ({ apiVersion: 'a/v1', kind: 'K', metadata: { name: 'n', x: 1 }, spec: {} })
  assert.deepEqual(pruned(value(), object({}), true), {
    value: { apiVersion: 'a/v1', kind: 'K', metadata: { name: 'n', x: 1 } },
    unknown: ['spec'],
  })
  assert.deepEqual(pruned(value(), undefined, true).unknown, ['spec'])
  const embedded = object({ e: object({ spec: {} }, { 'x-kubernetes-embedded-resource': true }) })
  assert.deepEqual(pruned({ e: { kind: 'K', spec: 1, status: 2 } }, embedded), {
    value: { e: { kind: 'K', spec: 1 } },
    unknown: ['e.status'],
  })
})

test('defaults fill in what is absent, deep and in items, but never make what holds them', () => {
  const schema = object({
    a: { type: 'string', default: 'x' },
    nested: object({ b: { type: 'integer', default: 1 } }),
    made: { ...object({ c: { type: 'integer', default: 2 } }), default: {} },
    list: { type: 'array', items: object({ d: { type: 'string', default: 'd' } }) },
    map: { type: 'object', additionalProperties: object({ e: { type: 'string', default: 'e' } }) },
  })
  assert.deepEqual(defaulted({}, schema), { a: 'x', made: { c: 2 } })
  assert.deepEqual(defaulted({ a: '', nested: {}, list: [{}, { d: 'own' }], map: { k: {} } }, schema), {
    a: '',
    nested: { b: 1 },
    list: [{ d: 'd' }, { d: 'own' }],
    map: { k: { e: 'e' } },
    made: { c: 2 },
  })
})

test('a null that is not allowed is a default, or nothing', () => {
  const schema = object({
    a: { type: 'string', default: 'x' },
    b: { type: 'string' },
    c: { type: 'string', nullable: true, default: 'y' },
    m: { type: 'object', additionalProperties: { type: 'string' } },
    l: { type: 'array', items: { type: 'string', default: 'i' } },
  })
  const value = { a: null, b: null, c: null, m: { k: null }, l: [null] }
  assert.deepEqual(defaulted(value, schema), { a: 'x', c: null, m: {}, l: ['i'] })
})

test('defaults are no part of what they came from', () => {
  const list: Json[] = ['x']
  const schema = object({ l: { type: 'array', items: { type: 'string' }, default: list } })
  const value = defaulted({}, schema) as { l: string[] }
  value.l.push('y')
  assert.deepEqual(list, ['x'])
})

test('sets have nothing twice, and keyed lists no key', () => {
  const schema = object({
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    keyed: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k', 'p'],
      items: object({ k: { type: 'string' }, p: { type: 'string', default: 'TCP' } }),
    },
    plain: { type: 'array', items: { type: 'string' } },
  })
  const told = (value: Json) => validateListTypes(value, schema).map(({ field, message }) => `${field}: ${message}`)
  assert.deepEqual(told({ set: ['a', 'b'], keyed: [{ k: 'a' }, { k: 'a', p: 'UDP' }], plain: ['a', 'a'] }), [])
  assert.deepEqual(told({ set: ['a', 'b', 'a', 'a'] }), ['set[2]: Duplicate value: "a"'])
  assert.deepEqual(told({ keyed: [{ k: 'a' }, { k: 'a', p: 'TCP' }] }), ['keyed[1]: Duplicate value: {"k":"a","p":"TCP"}'])
})

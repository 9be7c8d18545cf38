import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../json.ts'
import type { Schema } from './schema.ts'
import { validateValue } from './values.ts'

const text: Schema = { type: 'string', pattern: '^[a-z]*$' }
const number: Schema = { type: 'integer', minimum: 0 }
const schemaOf = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: 'object', properties, ...more })
const list = (items: Schema, type?: string, more: Schema = {}): Schema => ({
  type: 'array',
  items: items as JsonObject,
  ...(type ? { 'x-kubernetes-list-type': type } : {}),
  ...more,
})

function fields(schema: Schema, object: JsonObject, old: JsonObject): string[] {
  return validateValue(object, schema, '', old).map(({ field }) => field)
}

test('what is wrong with a field is tolerated as long as it stays as it is', () => {
  const schema = schemaOf({ spec: schemaOf({ a: text, n: schemaOf({ x: number, y: number }) }) })
  const old = { spec: { a: 'BAD', n: { x: -1, y: 1 } } }
  assert.deepEqual(fields(schema, { spec: { a: 'BAD', n: { x: -1, y: 2 } } }, old), [])
  assert.deepEqual(fields(schema, { spec: { a: 'WORSE', n: { x: -1, y: 1 } } }, old), ['spec.a'])
  assert.deepEqual(fields(schema, { spec: { a: 'BAD', n: { x: -2, y: 1 } } }, old), ['spec.n.x'])
})

test('a missing field is tolerated only where its object is the same', () => {
  const schema = schemaOf({ spec: schemaOf({ a: text, b: text }, { required: ['b'] }) })
  assert.deepEqual(fields(schema, { spec: { a: 'x' } }, { spec: { a: 'x' } }), [])
  assert.deepEqual(fields(schema, { spec: { a: 'y' } }, { spec: { a: 'x' } }), ['spec.b'])
})

test('items are told apart by their keys', () => {
  const item = schemaOf({ k: { type: 'string' }, v: text })
  const keyed = schemaOf({ l: list(item, 'map', { 'x-kubernetes-list-map-keys': ['k'] }) })
  const old = { l: [{ k: 'a', v: 'BAD' }] }
  assert.deepEqual(
    fields(
      keyed,
      {
        l: [
          { k: 'b', v: 'x' },
          { k: 'a', v: 'BAD' },
        ],
      },
      old,
    ),
    [],
  )
  assert.deepEqual(fields(keyed, { l: [{ k: 'b', v: 'BAD' }] }, old), ['l[0].v'])
})

test('items of other lists are nothing by themselves', () => {
  for (const type of [undefined, 'set', 'atomic']) {
    const schema = schemaOf({ l: list(text, type) })
    assert.deepEqual(fields(schema, { l: ['BAD', 'ok'] }, { l: ['BAD', 'ok'] }), [], type ?? 'plain')
    assert.deepEqual(fields(schema, { l: ['BAD', 'new'] }, { l: ['BAD', 'ok'] }), ['l[0]'], type ?? 'plain')
  }
})

test('new fields, maps, and whole lists', () => {
  const map = schemaOf({ m: { type: 'object', additionalProperties: text as JsonObject } })
  assert.deepEqual(fields(map, { m: { a: 'BAD', b: 'ok' } }, { m: { a: 'BAD' } }), [])
  assert.deepEqual(fields(map, { m: { a: 'BAD', b: 'BAD' } }, { m: { a: 'BAD' } }), ['m.b'])
  const few = schemaOf({ l: list(text, undefined, { maxItems: 1 }) })
  assert.deepEqual(fields(few, { l: ['a', 'b'] }, { l: ['a', 'b'] }), [])
  assert.deepEqual(fields(few, { l: ['a', 'c'] }, { l: ['a', 'b'] }), ['l'])
  const small = schemaOf({ m: { type: 'object', additionalProperties: text as JsonObject, maxProperties: 1 } })
  assert.deepEqual(fields(small, { m: { a: 'a', b: 'b' } }, { m: { a: 'a', b: 'b' } }), [])
})

test('what one of several schemas asks for is tolerated only of values that are the same', () => {
  const schema = schemaOf({
    o: schemaOf({ a: { type: 'integer' }, b: number }, { allOf: [{ properties: { a: { minimum: 5 } } }] }),
  })
  assert.deepEqual(fields(schema, { o: { a: 1, b: 1 } }, { o: { a: 1, b: 1 } }), [])
  assert.ok(fields(schema, { o: { a: 1, b: 2 } }, { o: { a: 1, b: 1 } }).includes('o.a'))
})

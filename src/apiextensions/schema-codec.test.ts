import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TypeDecoder } from '../machinery/decode.ts'
import { DecodeError } from '../machinery/decode-error.ts'
import type { JsonObject } from '../machinery/json.ts'
import { SchemaFacts } from '../machinery/schema.ts'
import { SchemaCodec } from './schema-codec.ts'

const SPEC = { type: 'object', properties: { a: { type: 'string', default: 'x' }, n: { type: 'integer' } } }
const EMBEDDED = {
  type: 'object',
  'x-kubernetes-embedded-resource': true,
  'x-kubernetes-preserve-unknown-fields': true,
}

function codec(preservesUnknown = false): SchemaCodec {
  const schema = { type: 'object', properties: { spec: SPEC, embedded: EMBEDDED } }
  return new SchemaCodec({
    group: 'example.com',
    kind: 'Thing',
    schemas: new Map([['v1', schema]]),
    preservesUnknown,
    decoder: new TypeDecoder(new SchemaFacts()),
  })
}

const thing = (more: JsonObject = {}): JsonObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'a' },
  ...more,
})

test('prunes, fills in defaults, and tells what it removed', () => {
  const unknown: string[] = []
  const given = thing({
    metadata: { name: 'a', labels: {}, more: 1 },
    spec: { n: 1, x: 2 },
    embedded: { metadata: { name: 'b', odd: 1 }, data: 1 },
    y: 3,
  })
  const before = structuredClone(given)
  const read = codec().request(given, unknown)
  assert.deepEqual(read, thing({ spec: { n: 1, a: 'x' }, embedded: { metadata: { name: 'b' }, data: 1 } }))
  assert.deepEqual(unknown, ['metadata.more', 'spec.x', 'y', 'embedded.metadata.odd'].sort(order))
  assert.deepEqual(given, before)
})

/** Metadata's come first, then what the schema doesn't know, then what embedded metadata has. */
function order(a: string, b: string): number {
  const rank = (path: string): number => (path.startsWith('metadata.') ? 0 : path.startsWith('embedded.') ? 2 : 1)
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}

test('keeps what is unknown where the definition says so', () => {
  assert.deepEqual(codec(true).request(thing({ y: 3, spec: { z: 1 } })), thing({ y: 3, spec: { z: 1, a: 'x' } }))
})

test('metadata is as everywhere, also where there is none', () => {
  assert.deepEqual(codec().request(thing({ metadata: null })), thing({ metadata: {} }))
  for (const metadata of ['text', { labels: { a: 1 } }, { generation: 'x' }])
    assert.throws(() => codec().request(thing({ metadata })), DecodeError)
})

test('what says to be something else is left alone, what says to be another version loses its fields', () => {
  const other = thing({ kind: 'Other', spec: { x: 1 } })
  assert.deepEqual(codec().request(other), other)
  const unknown: string[] = []
  const version = codec().request(thing({ apiVersion: 'example.com/v2', spec: {} }), unknown)
  assert.deepEqual(version, thing({ apiVersion: 'example.com/v2' }))
  assert.deepEqual(unknown, ['spec'])
})

test('stored metadata that is none any more is read without what is wrong with it', () => {
  const read = codec().stored(thing({ metadata: { name: 'a', labels: { a: 1 }, annotations: { b: 'c' } } }))
  assert.deepEqual(read.metadata, { name: 'a', annotations: { b: 'c' } })
})

test('what is stored has nothing that an encoding leaves out, and shares the rest', () => {
  const object = codec().request(thing({ spec: { a: '' } }))
  Object.assign(object.metadata!, { labels: {}, finalizers: [] })
  const stored = codec().canonical(object) as JsonObject
  assert.deepEqual(stored.metadata, { name: 'a' })
  assert.equal(stored.spec, (object as JsonObject).spec)
})

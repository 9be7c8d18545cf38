import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../json.ts'
import type { Schema } from '../json-schema/schema.ts'
import type { KubeObject } from '../object.ts'
import { applyConfiguration } from './apply.ts'
import { DEDUCED, partOf } from './atoms.ts'
import { schemaAtom } from './schema-atoms.ts'
import type { Views } from './views.ts'

const viewsOf = (schema: Schema | undefined): Views => {
  const empty: JsonObject = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: {} }
  const view = {
    apiVersion: 'example.com/v1',
    atom: schemaAtom(schema),
    empty,
    show: (object: KubeObject) => object as JsonObject,
    store: (object: JsonObject) => object as KubeObject,
  }
  return () => view
}

/** What somebody owns who applies an object with these members. */
function owned(schema: Schema | undefined, members: JsonObject, metadata: JsonObject = { name: 'a' }): unknown {
  const config = { apiVersion: 'example.com/v1', kind: 'Widget', metadata, ...members }
  const writer = { manager: 'm', apiVersion: 'example.com/v1', subresource: '', time: '2026-01-01T00:00:00Z' }
  const object = applyConfiguration({ live: undefined, config, force: false, writer, kind: 'Widget', views: viewsOf(schema) })
  return object.metadata?.managedFields?.[0]?.fieldsV1
}

const spec = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, ...more } },
})
const text: Schema = { type: 'string' }
const port: Schema = {
  type: 'object',
  properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
}

test('lists are owned as their list type says, items of keyed ones by their keys and those keys’ defaults', () => {
  const schema = spec({
    plain: { type: 'array', items: text as JsonObject },
    set: { type: 'array', items: text as JsonObject, 'x-kubernetes-list-type': 'set' },
    keyed: {
      type: 'array',
      items: port as JsonObject,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['protocol', 'port'],
    },
  })
  assert.deepEqual(owned(schema, { spec: { plain: ['a'], set: ['b'], keyed: [{ port: 80 }] } }), {
    'f:spec': {
      'f:plain': {},
      'f:set': { 'v:"b"': {} },
      'f:keyed': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } },
    },
  })
})

test('maps are owned member by member, unless they are atomic', () => {
  const schema = spec({
    labels: { type: 'object', additionalProperties: text as JsonObject },
    limits: { type: 'object', additionalProperties: text as JsonObject, 'x-kubernetes-map-type': 'atomic' },
    point: { type: 'object', properties: { x: { type: 'integer' } }, 'x-kubernetes-map-type': 'atomic' },
  })
  assert.deepEqual(owned(schema, { spec: { labels: { a: '1' }, limits: { cpu: '1' }, point: { x: 1 } } }), {
    'f:spec': { 'f:labels': { 'f:a': {} }, 'f:limits': {}, 'f:point': {} },
  })
})

test('metadata is ObjectMeta, at the root and in embedded resources', () => {
  const schema = spec({
    template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  })
  const metadata = { name: 'a', finalizers: ['x/y'], labels: { a: 'b' } }
  assert.deepEqual(owned(schema, { spec: { template: { kind: 'Pod', metadata, data: { k: 'v' } } } }, metadata), {
    'f:metadata': { 'f:finalizers': { 'v:"x/y"': {} }, 'f:labels': { 'f:a': {} } },
    'f:spec': {
      'f:template': {
        'f:data': { '.': {}, 'f:k': {} },
        'f:kind': {},
        'f:metadata': { 'f:finalizers': { 'v:"x/y"': {} }, 'f:labels': { 'f:a': {} }, 'f:name': {} },
      },
    },
  })
})

test('what keeps unknown fields does so below, too; their types are deduced', () => {
  const schema = spec(
    { inner: { type: 'object', properties: { known: text } } },
    { 'x-kubernetes-preserve-unknown-fields': true },
  )
  assert.deepEqual(owned(schema, { spec: { inner: { known: 'a', more: { b: 1, list: [1] } }, other: true } }), {
    'f:spec': { 'f:inner': { 'f:known': {}, 'f:more': { '.': {}, 'f:b': {}, 'f:list': {} } }, 'f:other': {} },
  })
  assert.throws(() => owned(spec({ known: text }), { spec: { other: 1 } }), /field not declared in schema/)
})

test('scalars must be of their type; integers or strings may be either', () => {
  const schema = spec({ n: { type: 'integer' }, port: { 'x-kubernetes-int-or-string': true }, any: { type: 'object' } })
  const some = { spec: { n: 1, port: 'http', any: { a: { b: 1 } } } }
  assert.deepEqual(owned(schema, some), { 'f:spec': { 'f:any': { 'f:a': { '.': {}, 'f:b': {} } }, 'f:n': {}, 'f:port': {} } })
  assert.deepEqual(owned(schema, { spec: { port: 80 } }), { 'f:spec': { 'f:port': {} } })
  assert.throws(() => owned(schema, { spec: { n: 'one' } }), /expected numeric/)
})

test('without a schema all is deduced, metadata too', () => {
  const atom = schemaAtom(undefined)
  assert.equal(atom.map?.element, DEDUCED)
  assert.equal(partOf({}, atom), 'map')
  assert.deepEqual(owned(undefined, { spec: { list: [{ name: 'a' }], b: true } }, { name: 'a', finalizers: ['x/y'] }), {
    'f:metadata': { 'f:finalizers': {} },
    'f:spec': { '.': {}, 'f:b': {}, 'f:list': {} },
  })
})

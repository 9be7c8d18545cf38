import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonObject, JsonText } from '../json.ts'
import type { KubeObject } from '../object.ts'
import { type Fields, union } from './fields.ts'
import { encodeStored, expandManagedFields, FieldsPool, parseStored } from './stored-text.ts'

const entry = (manager: string, fieldsV1: JsonObject, subresource?: string): JsonObject => ({
  manager,
  operation: 'Update',
  apiVersion: 'v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(subresource ? { subresource } : {}),
})

const object = (managedFields: JsonObject[] | undefined, rest: JsonObject = {}, meta: JsonObject = {}): JsonObject => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'a', uid: 'u', resourceVersion: '5', ...meta, ...(managedFields ? { managedFields } : {}) },
  ...rest,
})

/** Strings that look like the text around them, in every place where a client can put one. */
const TRICKY = [
  ']},',
  ']}}',
  '},{',
  '},{"manager":"x',
  ']},"spec":{',
  ',"managedFields":[',
  ',"fieldsV1":{}',
  '},"subresource":"status"}',
  '\\',
  '"',
  '\\"',
  'é☃\ud83d\ude00',
]

const texts = (parsed: JsonObject): boolean =>
  ((parsed.metadata as JsonObject).managedFields as JsonObject[]).every(
    ({ fieldsV1 }) => (fieldsV1 as unknown) instanceof JsonText,
  )

test('field sets stay text, and everything comes back as it was', () => {
  const pool = new FieldsPool()
  const sets: JsonObject[] = [{ 'f:spec': { '.': {}, 'k:{"name":"x"}': {} } }, {}]
  for (const text of TRICKY) {
    sets.push({ [`f:${text}`]: { [`k:{"a":${JSON.stringify(text)}}`]: { '.': {} }, [`v:${JSON.stringify(text)}`]: {} } })
  }
  const managers = ['m', ...TRICKY]
  for (const [i, set] of sets.entries()) {
    for (const rest of [{}, { spec: { a: TRICKY[i] ?? 1 } }, { 'x]},': 1 }]) {
      for (const meta of [{}, { labels: { [TRICKY[i] ?? 'l']: TRICKY[i] ?? 'v' } }]) {
        const entries = [
          entry(managers[i] ?? 'n', set),
          entry('kubelet', sets[(i + 1) % sets.length] as JsonObject, 'status'),
          entry('last', set),
        ]
        const whole = object(entries.slice(0, 1 + (i % 3)), rest, meta)
        const text = JSON.stringify(whole)
        const parsed = parseStored(text, pool) as JsonObject
        assert.ok(texts(parsed), text)
        assert.equal(encodeStored(parsed as KubeObject).toString(), text)
        expandManagedFields(parsed)
        assert.deepEqual(parsed, whole)
        assert.equal(encodeStored(parsed as KubeObject).toString(), text)
      }
    }
  }
})

test('who writes again what it owns keeps its set as it is kept', () => {
  const set = { 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:annotations': { 'f:x': {} } } }
  const kept = new JsonText(JSON.stringify(set))
  assert.equal(union(kept.value as Fields, { 'f:metadata': { 'f:annotations': { 'f:x': {} } } }), kept.value)
  assert.equal(union(kept.value as Fields, { 'f:data': { '.': {}, 'f:a': {} } }), kept.value)
  assert.notEqual(union(kept.value as Fields, { 'f:data': { 'f:b': {} } }), kept.value)
})

test('objects without managed fields, and with some in a template', () => {
  const pool = new FieldsPool()
  const none = object(undefined, { spec: { a: [1, 2] } })
  assert.deepEqual(parseStored(JSON.stringify(none), pool), none)
  const template = { metadata: { name: 't', managedFields: [entry('m', { 'f:a': {} })] }, spec: {} }
  assert.equal(parseStored(JSON.stringify(object(undefined, { spec: { template } })), pool), undefined)
  const both = object([entry('m', { 'f:a': {} })], { spec: { template } })
  const parsed = parseStored(JSON.stringify(both), pool) as JsonObject
  assert.ok(texts(parsed))
  assert.equal(encodeStored(parsed as KubeObject).toString(), JSON.stringify(both))
})

test('members of custom resources may be called anything', () => {
  for (const name of [':a', ',a', '}a', ']a']) {
    const whole = object([entry('m', { 'f:a': {} })], { [name]: { list: [{}] }, b: [{}], c: {} })
    const parsed = parseStored(JSON.stringify(whole), new FieldsPool())
    if (parsed) expandManagedFields(parsed)
    assert.deepEqual(parsed ?? whole, whole)
  }
})

test('what is in another form is left to others', () => {
  const pool = new FieldsPool()
  assert.equal(parseStored('{"kind":"Pod","metadata":{"name":"a","managedFields":[{"manager":"m"}]},"spec":{}}', pool), undefined)
  assert.equal(parseStored('{"kind":"Pod","metadata":{"name":"a","managedFields":[', pool), undefined)
  assert.equal(parseStored('[1]', pool), undefined)
})

test('a pool reads each set once, and forgets those that nobody asks for', () => {
  const pool = new FieldsPool()
  const first = pool.get('{"f:a":{}}')
  assert.equal(pool.get('{"f:a":{}}'), first)
  assert.equal(first?.value, pool.get('{"f:a":{}}')?.value)
  assert.equal(pool.get('{"f:a":'), undefined)
  for (let i = 0; i < 1000; i++) pool.get(`{"f:${i}":{}}`)
  assert.notEqual(pool.get('{"f:a":{}}'), first)
})

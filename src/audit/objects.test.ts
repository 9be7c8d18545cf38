import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compactJson, patchAsJson, printed, yamlAsJson } from './objects.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

test('JSON stands on one line, whoever wrote it', () => {
  assert.equal(compactJson(bytes('{"a":1}\n'), false, true), '{"a":1}')
  assert.equal(compactJson(bytes('{\n  "a": 9007199254740993\n}'), false, true), '{"a":9007199254740993}')
  assert.equal(compactJson(bytes('{ "a" : 1 }'), false, false), '{"a":1}')
  assert.throws(() => compactJson(bytes('{"a":'), false, false), 'what a proxied server sent need not be JSON')
  assert.equal(yamlAsJson(bytes('a: [1]\n'), false), '{"a":[1]}')
})

test('patches are JSON or YAML', () => {
  assert.equal(patchAsJson(bytes('[{"op": "remove",\n"path": "/a"}]')), '[{"op":"remove","path":"/a"}]')
  assert.equal(patchAsJson(bytes('kind: A\nmetadata:\n  name: b\n')), '{"kind":"A","metadata":{"name":"b"}}')
  assert.throws(() => patchAsJson(bytes('{"a": [')))
})

test('managed fields can be left out, of lists and tables too', () => {
  const object = (name: string) => ({ kind: 'A', metadata: { name, managedFields: [{ manager: 'm' }] } })
  const list = { kind: 'AList', metadata: {}, items: [object('a')] }
  const table = { kind: 'Table', rows: [{ cells: ['a'], object: object('a') }, { cells: ['b'] }] }
  const [one, many, rows] = [object('a'), list, table].map((value) => printed(value, true))
  assert.equal(one, '{"kind":"A","metadata":{"name":"a"}}')
  assert.equal(many, '{"kind":"AList","metadata":{},"items":[{"kind":"A","metadata":{"name":"a"}}]}')
  assert.equal(rows, '{"kind":"Table","rows":[{"cells":["a"],"object":{"kind":"A","metadata":{"name":"a"}}},{"cells":["b"]}]}')
  assert.equal(list.items[0]?.metadata.managedFields.length, 1, 'the value itself stays')
  assert.match(printed(list, false), /managedFields/)
})

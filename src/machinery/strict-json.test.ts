import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasDuplicateKeys } from './duplicate-keys.ts'
import type { Json } from './json.ts'
import { SchemaFacts } from './schema.ts'
import { readStrictly, sortedJson } from './strict-json.ts'

const facts = new SchemaFacts()
const CONFIG_MAP = 'io.k8s.api.core.v1.ConfigMap'
const POD = 'io.k8s.api.core.v1.Pod'
const problems = (text: string, type?: string) => readStrictly(text, facts, type).problems

test('duplicates are noticed without being looked for one by one', () => {
  const found = (text: string) => hasDuplicateKeys(Buffer.from(text), JSON.parse(text) as Json)
  assert.equal(found('{"a":":{}","b\\":":[{"c":1},{"c":1}],"d":{}}'), false)
  assert.equal(found('{"a":1,"b":{"c":1,"c":2}}'), true)
  assert.equal(found('{"a":1,"\\u0061":2}'), true)
  assert.equal(found('[1,":",null]'), false)
  assert.equal(found('{"__proto__":1}'), false)
})

test('duplicate and unknown fields, in the order of the text', () => {
  assert.deepEqual(
    problems(
      '{"metadata":{"labels":{"a":"1","a":"2"},"nothing":1},"data":{"x":"1","x":"2"},"data":{"y":"3"},"extra":1,"extra":2}',
      CONFIG_MAP,
    ),
    [
      'duplicate field "metadata.labels.a"',
      'unknown field "metadata.nothing"',
      'duplicate field "data.x"',
      'duplicate field "data"',
      'unknown field "extra"',
    ],
  )
  assert.deepEqual(problems('{ "spec" : {"containers":[{}, {"ports":[{"nope\\"":[]}] , "name":"a" }]} }', POD), [
    'unknown field "spec.containers[1].ports[0].nope\\""',
  ])
  assert.deepEqual(problems('{"a":{"b":1,"b":[]},"c":[{"d":1,"d":1}]}'), ['duplicate field "a.b"', 'duplicate field "c[0].d"'])
})

test('what is there twice is read into one', () => {
  const { value } = readStrictly(
    '{"data":{"x":"1","y":"1"},"data":{"y":"2"},"immutable":true,"immutable":null}',
    facts,
    CONFIG_MAP,
  )
  assert.deepEqual(value, { data: { x: '1', y: '2' }, immutable: null })
  assert.deepEqual(readStrictly('{"data":{"x":"1"},"data":{"y":"2"}}', facts, undefined).value, { data: { y: '2' } })
})

test('sorted JSON', () => {
  assert.equal(sortedJson({ b: [{ d: 1n, c: undefined, a: null }], a: 'x' }), '{"a":"x","b":[{"a":null,"d":1}]}')
})

test('sorted JSON of what nests deep copies it once, not with every level', () => {
  let value: Json = 'x'.repeat(2_000_000)
  for (let i = 0; i < 1000; i++) value = { b: value, a: [1, undefined as never, null] }
  const started = performance.now()
  assert.ok(sortedJson(value).startsWith('{"a":[1,null,null],"b":{'))
  assert.ok(performance.now() - started < 400)
})

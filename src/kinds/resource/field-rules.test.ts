import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachEntry, eachOnce, freeObject, fullyQualifiedName, poolName, uuid } from './field-rules.ts'

const texts = (errors: readonly { field: string; message: string }[]): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`)

test('a list that is too long is told of by its length alone, a repeated item by its place', () => {
  const none = (): [] => []
  assert.deepEqual(texts(eachOnce(['a', 'b', 'c'], 2, 'f', none, String)), ['f: Too many: 3: must have at most 2 items'])
  assert.deepEqual(texts(eachOnce(['a', 'b', 'a'], 3, 'f', none, String)), ['f[2]: Duplicate value: "a"'])
})

test('long keys lose their middle in paths', () => {
  const error = (_: unknown, field: string): { reason: string; field: string; message: string }[] => [
    { reason: '', field, message: '' },
  ]
  const [{ field } = { field: '' }] = eachEntry({ [`${'a'.repeat(20)}${'b'.repeat(20)}`]: 1 }, 1, 16, 'f', () => [], error)
  assert.equal(field, 'f[aaaaaaa...bbbbbb]')
})

test('pools are subdomains between slashes, qualified names an identifier in a domain', () => {
  assert.deepEqual(poolName('zone-a/node-1.example', 'f'), [])
  assert.equal(poolName('a//b', 'f').length, 1)
  assert.deepEqual(fullyQualifiedName('example.com/numaNode', 'f'), [])
  assert.deepEqual(texts(fullyQualifiedName('numaNode', 'f')), [
    'f: Invalid value: "numaNode": a fully qualified name must be a domain and a name separated by a slash',
  ])
  assert.match(texts(fullyQualifiedName('a/b/c', 'f'))[0] ?? '', /must not contain more than one slash$/)
})

test('UUIDs are told of by what is wrong with them', () => {
  assert.deepEqual(uuid('0a9f3c1e-7b1d-4d5c-9a35-2f6f0c9b8d11', 'f'), [])
  assert.match(uuid('nope', 'f')[0]?.message ?? '', /error validating uid: invalid UUID length: 4$/)
  assert.match(uuid('0A9F3C1E-7B1D-4D5C-9A35-2F6F0C9B8D11', 'f')[0]?.message ?? '', /RFC 4122 normalized form/)
})

test('what drivers are told is an object of limited size', () => {
  assert.deepEqual(freeObject({ a: null }, 'f', 20), [])
  assert.deepEqual(texts(freeObject('x', 'f', 20)), ['f: Invalid value: "<value omitted>": must be a valid JSON object'])
  assert.deepEqual(texts(freeObject({ a: 'x'.repeat(20) }, 'f', 20)), ['f: Too long: may not be more than 20 bytes'])
})

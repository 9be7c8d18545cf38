import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from './json.ts'
import { compileJsonPath } from './json-path.ts'

const OBJECT: Json = {
  metadata: { annotations: { 'a.b/c': 'dotted' } },
  spec: {
    list: [
      { type: 'A', status: 'True', n: 1 },
      { type: 'B', status: 'False', n: 2 },
      { type: 'C', n: 3 },
    ],
    none: null,
    toString: 'own',
  },
}

const find = (path: string): Json[] | undefined => compileJsonPath(path)?.(OBJECT)

test('finds members, items, and what is not there', () => {
  for (const [path, found] of [
    ['.spec.list[0].type', ['A']],
    ['.spec.list[-1].type', ['C']],
    ['.spec.list[1:].type', ['B', 'C']],
    ['.spec.list[0:3:2].type', ['A', 'C']],
    ['.spec.list[0,2].type', ['A', 'C']],
    ['.spec.list[*].n', [1, 2, 3]],
    ['.spec.list[9].type', []],
    ['.spec.missing.more', []],
    ['.spec.none', [null]],
    ['.spec.none.more', []],
    [".metadata.annotations['a.b/c']", ['dotted']],
    ['.metadata.annotations.a\\.b/c', ['dotted']],
    ['.spec.toString', ['own']],
    ['.metadata.toString', []],
    ['..type', ['A', 'B', 'C']],
  ] as const)
    assert.deepEqual(find(path), found, path)
})

test('filters items', () => {
  assert.deepEqual(find('.spec.list[?(@.type=="B")].status'), ['False'])
  assert.deepEqual(find(".spec.list[?(@.type=='A')].status"), ['True'])
  assert.deepEqual(find('.spec.list[?(@.status)].type'), ['A', 'B'])
  assert.deepEqual(find('.spec.list[?(@.n>1)].type'), ['B', 'C'])
  assert.deepEqual(find('.spec.list[?(@.n!=2)].type'), ['A', 'C'])
  assert.deepEqual(find('.spec.list[?(@.status>1)].type'), [])
})

test('says nothing of what it does not understand', () => {
  for (const path of ['.a[', '.a[?(x=1)]', '.a[b]', '.a]']) assert.equal(compileJsonPath(path), undefined, path)
})

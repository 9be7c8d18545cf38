import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1TopologySelectorTerm } from '../../generated/types.ts'
import { validateStorageClass } from './storage-class-rules.ts'

const problems = (...allowedTopologies: CoreV1TopologySelectorTerm[]): string[] =>
  validateStorageClass({ provisioner: 'p.example', allowedTopologies }).map(({ field, message }) => `${field}: ${message}`)

test('topology terms mean different things, whatever their order', () => {
  const zone = (...values: string[]): CoreV1TopologySelectorTerm => ({ matchLabelExpressions: [{ key: 'zone', values }] })
  assert.deepEqual(problems(zone('a', 'b'), zone('a')), [])
  assert.deepEqual(problems(zone('a', 'b'), zone('b', 'a')), ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'])
  assert.equal(problems({}, zone('a')).length, 2)
})

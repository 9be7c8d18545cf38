import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceV1CapacityRequestPolicy } from '../../generated/types.ts'
import { capacityRules } from './capacity-rules.ts'

const problems = (value: string, requestPolicy: ResourceV1CapacityRequestPolicy, isShared = true): string[] =>
  capacityRules(isShared)({ value, requestPolicy }, 'f').map(({ field, message }) => `${field}: ${message}`)

test('only shared devices have policies', () => {
  assert.deepEqual(problems('1', {}, false), ['f.requestPolicy: Forbidden: allowMultipleAllocations must be true'])
  assert.deepEqual(problems('1', {}), [])
})

test('values go up, fit the capacity and hold the default', () => {
  assert.deepEqual(problems('8', { default: '2', validValues: ['1', '2', '8'] }), [])
  assert.deepEqual(problems('4', { default: '3', validValues: ['2', '1', '8'] }), [
    'f.requestPolicy.validValues[1]: Invalid value: "1": values must be sorted in ascending order',
    'f.requestPolicy.validValues[2]: Invalid value: "8": option is larger than capacity value: 4',
    'f.requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy',
  ])
})

test('a range goes in steps from its minimum', () => {
  const range = { min: '2', max: '10', step: '4' }
  assert.deepEqual(problems('16', { default: '6', validRange: range }), [])
  assert.deepEqual(problems('16', { default: '7', validRange: { ...range, max: '20' } }), [
    'f.requestPolicy.validRange.max: Invalid value: "20": max is larger than capacity value: 16',
    'f.requestPolicy.validRange.step: Invalid value: "7": value is not a multiple of a given step (4) from (2)',
    'f.requestPolicy.validRange.step: Invalid value: "20": value is not a multiple of a given step (4) from (2)',
  ])
})

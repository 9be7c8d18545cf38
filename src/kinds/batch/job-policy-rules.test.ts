import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countIndexes, validatePodFailurePolicy, validateSuccessPolicy } from './job-policy-rules.ts'

test('indexes', () => {
  assert.equal(countIndexes('', 10), 0)
  assert.equal(countIndexes('0,2-4,9', 10), 5)
  const problems: Record<string, string> = {
    '1-2-3': 'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\'',
    '1,x': 'cannot convert string to integer for index: "x"',
    '3-10': 'too large index: "10"',
    '3-3': 'non-increasing order, previous: 3, current: 3',
    '3,2': 'non-increasing order, previous: 3, current: 2',
  }
  for (const [text, problem] of Object.entries(problems)) assert.deepEqual(countIndexes(text, 10), { problem })
})

test('success policies count no more indexes than they list', () => {
  const spec = { completions: 10, successPolicy: { rules: [{ succeededIndexes: '0-2', succeededCount: 4 }, {}] } }
  assert.deepEqual(
    validateSuccessPolicy(spec, 'p').map((e) => `${e.field}: ${e.message}`),
    [
      'p.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of indexes in the specified succeededIndexes field)',
      'p.rules[1]: Required value: at least one of succeededCount or succeededIndexes must be specified',
    ],
  )
})

test('failure policies', () => {
  const template = { spec: { containers: [{ name: 'a' }] } }
  const rules = [
    { action: 'FailIndex', onExitCodes: { containerName: 'b', operator: 'In', values: [0, 3, 2, 3] } },
    { action: 'Ignore' },
  ]
  assert.deepEqual(
    validatePodFailurePolicy({ template, podFailurePolicy: { rules } } as never, 'p').map((e) => `${e.field}: ${e.message}`),
    [
      'p.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      'p.rules[0].onExitCodes.containerName: Invalid value: "b": must be one of the container or initContainer names in the pod template',
      'p.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator',
      'p.rules[0].onExitCodes.values[3]: Duplicate value: 3',
      'p.rules[0].onExitCodes.values: Invalid value: [0,3,2,3]: must be ordered',
      'p.rules[1]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
    ],
  )
})

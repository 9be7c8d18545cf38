import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeContext } from '../../testing/write-context.ts'
import { priorityClass } from '../scheduling/priority-class.ts'
import { runtimeClass } from './runtime-class.ts'

test('tolerations that differ in their seconds at most are the same', () => {
  const problems = (tolerations: object[]): string[] => {
    const object = { metadata: { name: 'r' }, handler: 'h', scheduling: { tolerations } }
    return (runtimeClass.validate?.(object, writeContext()) ?? []).map(({ field, reason }) => `${field}: ${reason}`)
  }
  const one = { key: 'a', operator: 'Exists', effect: 'NoExecute' }
  assert.deepEqual(problems([one, { ...one, effect: 'NoSchedule' }, { ...one, key: 'b' }]), [])
  assert.deepEqual(problems([one, { ...one, tolerationSeconds: 3 }, one]), [
    'scheduling.tolerations[1]: FieldValueDuplicate',
    'scheduling.tolerations[2]: FieldValueDuplicate',
  ])
})

test('the classes of the system stay', () => {
  const why = 'this is a system priority class and cannot be deleted'
  assert.equal(priorityClass.undeletable?.('system-node-critical'), why)
  assert.equal(priorityClass.undeletable?.('mine'), undefined)
  assert.equal(priorityClass.undeletable?.('constructor'), undefined)
})

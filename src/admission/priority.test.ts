import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { priority } from './priority.ts'
import { admitted, asked, refused, TestObjects } from './testing.ts'

const GROUP = 'scheduling.k8s.io'
const priorityClass = (name: string, value: number, more: JsonObject = {}): JsonObject => ({
  metadata: { name },
  value,
  preemptionPolicy: 'PreemptLowerPriority',
  ...more,
})
const low = priorityClass('low', -5, { preemptionPolicy: 'Never' })
const high = priorityClass('high', 1000)

const plugin = (...classes: JsonObject[]) => priority(new TestObjects({ [`priorityclasses.${GROUP}`]: classes }))
const pod = (spec: JsonObject) => asked('pods', { object: { metadata: { name: 'p' }, spec } })

suite('pods', () => {
  test('have the priority of their class', async () => {
    assert.deepEqual((await admitted(plugin(low, high), pod({ priorityClassName: 'low' }))).spec, {
      priorityClassName: 'low',
      priority: -5,
      preemptionPolicy: 'Never',
    })
  })

  test('without a class have none', async () => {
    assert.deepEqual((await admitted(plugin(low, high), pod({}))).spec, {
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    })
  })

  test('without a class get the default one, the lower of two', async () => {
    const all = [priorityClass('b', 9, { globalDefault: true }), priorityClass('a', 7, { globalDefault: true }), high]
    assert.equal((await admitted(plugin(...all), pod({}))).spec.priorityClassName, 'a')
  })

  test('name classes that exist', async () => {
    assert.equal(
      (await refused(plugin(), pod({ priorityClassName: 'none' }))).message,
      'pods "p" is forbidden: no PriorityClass with name none was found',
    )
  })

  test('may say what comes out, and nothing else', async () => {
    const both = plugin(low, high)
    await admitted(both, pod({ priorityClassName: 'high', priority: 1000, preemptionPolicy: 'PreemptLowerPriority' }))
    const ending = 'from the given PriorityClass name'
    assert.equal(
      (await refused(both, pod({ priority: 5 }))).message,
      `pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 ${ending}`,
    )
    assert.equal(
      (await refused(both, pod({ priorityClassName: 'low', preemptionPolicy: 'PreemptLowerPriority' }))).message,
      `pods "p" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never ${ending}`,
    )
  })

  test('keep what was computed when an update leaves it out', async () => {
    const oldObject = { spec: { priority: 3, preemptionPolicy: 'Never' } }
    const update = asked('pods', { operation: 'UPDATE', object: { spec: {} }, oldObject })
    assert.deepEqual((await admitted(plugin(), update)).spec, oldObject.spec)
  })
})

suite('priority classes', () => {
  const marked = priorityClass('first', 1, { globalDefault: true })
  const message = `priorityclasses.${GROUP} "second" is forbidden: PriorityClass first is already marked as default. Only one default can exist`
  const second = priorityClass('second', 2, { globalDefault: true })
  const resource = `priorityclasses.${GROUP}`

  test('have one default among them', async () => {
    assert.equal((await refused(plugin(marked), asked(resource, { object: second }))).message, message)
    assert.equal((await refused(plugin(marked), asked(resource, { operation: 'UPDATE', object: second }))).message, message)
    await admitted(plugin(), asked(resource, { object: second }))
    await admitted(plugin(marked), asked(resource, { object: high }))
    await admitted(plugin(marked), asked(resource, { operation: 'UPDATE', object: marked }))
  })
})

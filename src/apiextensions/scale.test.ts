import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../machinery/object.ts'
import type { WriteContext } from '../registry/context.ts'
import { customScale, scaleErrors } from './scale.ts'

const PATHS = {
  specReplicasPath: '.spec.a.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.status.selector',
}
const NO_CONTEXT = {} as WriteContext
const scale = customScale(PATHS, () => [])

const object = (spec: object, status: object = {}): KubeObject =>
  ({ metadata: { name: 'x', labels: { a: 'b' } }, spec, status }) as KubeObject

test('shows the numbers of its parent, and nothing else of it', () => {
  assert.deepEqual(scale.read?.(object({ a: { replicas: 3 } }, { replicas: 2, selector: 'app=x' })), {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name: 'x', namespace: undefined, uid: undefined, resourceVersion: undefined, creationTimestamp: undefined },
    spec: { replicas: 3 },
    status: { replicas: 2, selector: 'app=x' },
  })
  assert.equal(scale.unreadable?.(object({ a: { replicas: 0 } })), undefined)
  assert.equal(scale.unreadable?.(object({})), 'the spec replicas field ".spec.a.replicas" does not exist')
})

test('sets the number where the parent has it, also if it had none', () => {
  const wanted = { spec: { replicas: 5 } } as KubeObject
  const parent = object({ b: 1 })
  const next = scale.write?.(parent, wanted, NO_CONTEXT) as KubeObject & { spec: object }
  assert.deepEqual(next.spec, { b: 1, a: { replicas: 5 } })
  assert.deepEqual(parent, object({ b: 1 }))
})

test('numbers must be such as a Scale can have', () => {
  const told = (of: KubeObject, part: 'all' | 'status' = 'all') =>
    scaleErrors(of, PATHS, part).map(({ field, message }) => `${field}: ${message}`)
  assert.deepEqual(told(object({ a: { replicas: 1 } }, { replicas: 0, selector: '' })), [])
  assert.deepEqual(told(object({}, {})), [])
  assert.deepEqual(told(object({ a: { replicas: -1 } }, { replicas: 2 ** 31 })), [
    '.spec.a.replicas: Invalid value: -1: should be a non-negative integer',
    '.status.replicas: Invalid value: 2147483648: should be less than or equal to 2147483647',
  ])
  assert.deepEqual(told(object({ a: { replicas: -1 } }), 'status'), [])
  assert.deepEqual(told(object({ a: { replicas: 'x' } }, { selector: 1 })), [
    '.spec.a.replicas: Invalid value: 0: .spec.a.replicas accessor error: x is of the type string, expected int64',
    '.status.selector: Invalid value: "": .status.selector accessor error: 1 is of the type int64, expected string',
  ])
  assert.deepEqual(scaleErrors(object({ a: { replicas: -1 } }), undefined, 'all'), [])
})

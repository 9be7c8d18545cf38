import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aggregateBy, podQosClass } from '../../kinds/core/pod-resources.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { asked } from '../testing.ts'
import { listOf } from './amounts.ts'
import { pods } from './pods.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const evaluator = pods({ total: aggregateBy, qosClass: podQosClass, podLevelResources: true, now: () => NOW })

const usage = (pod: JsonObject) => listOf(evaluator.usage(pod as KubeObject))
const missing = (names: string[], spec: JsonObject) => evaluator.missing?.(names, { spec } as KubeObject)
const inScope = (scope: string, spec: JsonObject, operator = 'Exists', values: string[] = []) =>
  evaluator.inScope?.({ scope, operator, values }, { spec } as KubeObject)

test('what pods take', () => {
  const requests = { cpu: '1', 'hugepages-2Mi': '4Mi', 'example.com/gpu': '1' }
  const containers = [
    { name: 'c', resources: { requests, limits: { memory: '1Gi', 'example.com/gpu': '1' } } },
    { name: 'd', resources: { requests: { cpu: '500m' } } },
  ]
  assert.deepEqual(usage({ spec: { containers, overhead: { cpu: '250m', memory: '1Mi' } } }), {
    'count/pods': '1',
    cpu: '1750m',
    'hugepages-2Mi': '4Mi',
    'limits.memory': '1025Mi',
    memory: '1Mi',
    pods: '1',
    'requests.cpu': '1750m',
    'requests.example.com/gpu': '1',
    'requests.hugepages-2Mi': '4Mi',
    'requests.memory': '1Mi',
  })
})

test('what a pod asks for as a whole counts instead', () => {
  const containers = [{ name: 'c', resources: { requests: { cpu: '1' }, limits: { cpu: '1' } } }]
  const whole = usage({ spec: { containers, resources: { requests: { cpu: '2' }, limits: { cpu: '3' } } } })
  assert.deepEqual([whole.cpu, whole['limits.cpu']], ['2', '3'])
})

test('a pod that is being resized takes the larger of what it has and what it wants', () => {
  const resources = { requests: { cpu: '2' }, limits: { cpu: '2' } }
  const had = { name: 'c', allocatedResources: { cpu: '3' }, resources: { requests: { cpu: '1' }, limits: { cpu: '4' } } }
  const pod = { spec: { containers: [{ name: 'c', resources }] }, status: { containerStatuses: [had] } }
  assert.equal(usage(pod).cpu, '3')
  assert.equal(usage(pod)['limits.cpu'], '4')
  const small = { name: 'c', allocatedResources: { cpu: '1' }, resources: { requests: { cpu: '1' }, limits: { cpu: '1' } } }
  assert.equal(usage({ ...pod, status: { containerStatuses: [small] } }).cpu, '2')
  const conditions = [{ type: 'PodResizePending', reason: 'Infeasible' }]
  assert.equal(usage({ ...pod, status: { containerStatuses: [small], conditions } }).cpu, '1')
})

test('what is over counts as an object only', () => {
  const only = { 'count/pods': '1' }
  assert.deepEqual(usage({ status: { phase: 'Succeeded' } }), only)
  assert.deepEqual(usage({ metadata: { deletionTimestamp: '2025-12-31T23:59:00Z', deletionGracePeriodSeconds: 30 } }), only)
  const going = { metadata: { deletionTimestamp: '2025-12-31T23:59:50Z', deletionGracePeriodSeconds: 30 } }
  assert.deepEqual(usage(going), { ...only, pods: '1' })
})

test('what containers have to say', () => {
  const spec = {
    containers: [{ name: 'b' }, { name: 'a', resources: { requests: { cpu: '1' } } }],
    initContainers: [{ name: 'i', resources: { limits: { memory: '1' } } }],
  }
  assert.equal(
    missing(['pods', 'requests.cpu', 'limits.memory'], spec),
    'must specify limits.memory for: a,b; requests.cpu for: b,i',
  )
  assert.equal(missing(['cpu'], spec), 'must specify cpu for: b,i')
  assert.equal(missing(['requests.ephemeral-storage', 'requests.example.com/gpu'], spec), undefined)
  assert.equal(missing(['cpu'], { ...spec, resources: { requests: { cpu: '1' } } }), undefined)
})

test('scopes', () => {
  const requesting = { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] }
  assert.deepEqual([inScope('BestEffort', {}), inScope('NotBestEffort', {})], [true, false])
  assert.deepEqual([inScope('BestEffort', requesting), inScope('NotBestEffort', requesting)], [false, true])
  assert.deepEqual([inScope('Terminating', { activeDeadlineSeconds: 5 }), inScope('NotTerminating', {})], [true, true])
  const priority = (spec: JsonObject) =>
    ['Exists', 'DoesNotExist', 'In', 'NotIn'].filter((operator) => inScope('PriorityClass', spec, operator, ['high']))
  assert.deepEqual(priority({}), ['DoesNotExist', 'NotIn'])
  assert.deepEqual(priority({ priorityClassName: 'high' }), ['Exists', 'In'])
  assert.deepEqual(priority({ priorityClassName: 'low' }), ['Exists', 'NotIn'])
  const affinity = (term: JsonObject) => ({
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] } },
  })
  const cross = (term: JsonObject) => inScope('CrossNamespacePodAffinity', affinity(term))
  assert.deepEqual([cross({}), cross({ namespaces: ['b'] }), cross({ namespaceSelector: {} })], [false, true, true])
})

test('updates matter when they resize, or make a pod run for a limited time', () => {
  const update = (resource: string, spec: JsonObject, oldSpec: JsonObject) =>
    evaluator.handles(asked(resource, { operation: 'UPDATE', object: { spec }, oldObject: { spec: oldSpec } }))
  assert.equal(update('pods', {}, {}), false)
  assert.equal(update('pods', { activeDeadlineSeconds: 3 }, {}), true)
  assert.equal(update('pods', { activeDeadlineSeconds: 3 }, { activeDeadlineSeconds: 5 }), false)
  assert.equal(update('pods/resize', {}, {}), true)
  assert.equal(update('pods/status', {}, {}), false)
})

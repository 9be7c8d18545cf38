import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1PodSpec, CoreV1ResourceRequirements } from '../../generated/types.ts'
import { aggregate, podQosClass } from './pod-resources.ts'

const withResources = (...list: CoreV1ResourceRequirements[]): CoreV1PodSpec => ({
  containers: list.map((resources, i) => ({ name: `c${i}`, resources })),
})

test('quality of service', () => {
  const full = { cpu: '1', memory: '1Gi' }
  const cases: [spec: CoreV1PodSpec, qos: string][] = [
    [withResources({}), 'BestEffort'],
    [withResources({ requests: { 'example.com/gpu': '1' } }), 'BestEffort'],
    [withResources({ requests: { cpu: '0' } }), 'BestEffort'],
    [withResources({ requests: full, limits: full }), 'Guaranteed'],
    [withResources({ requests: full, limits: full }, {}), 'Burstable'],
    [withResources({ requests: { cpu: '500m', memory: '1Gi' }, limits: full }), 'Burstable'],
    [withResources({ limits: { cpu: '1' }, requests: { cpu: '1' } }), 'Burstable'],
    [{ ...withResources({}), resources: { requests: full, limits: full } }, 'Guaranteed'],
    [{ ...withResources({ requests: full, limits: full }), resources: { requests: { cpu: '1' } } }, 'Burstable'],
  ]
  for (const [spec, qos] of cases) assert.equal(podQosClass(spec), qos, JSON.stringify(spec))
})

test('init containers count by the largest, sidecars beside the others', () => {
  const cpu = (amount: string) => ({ requests: { cpu: amount } })
  const spec: CoreV1PodSpec = {
    ...withResources({ ...cpu('100m') }, { ...cpu('200m') }),
    initContainers: [
      { name: 'side', restartPolicy: 'Always', resources: cpu('50m') },
      { name: 'big', resources: cpu('900m') },
    ],
  }
  assert.equal(aggregate(spec, 'requests').get('cpu')?.toString(), '950m')
})

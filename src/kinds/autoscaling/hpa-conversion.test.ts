import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AutoscalingV1HorizontalPodAutoscaler, AutoscalingV2HorizontalPodAutoscaler } from '../../generated/types.ts'
import { fromV1, toV1 } from './hpa-conversion.ts'

const spec = { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 3 }

test('cpu utilization is a field in v1, all else an annotation', () => {
  const hpa: AutoscalingV2HorizontalPodAutoscaler = {
    metadata: { name: 'a', annotations: { z: '1' } },
    spec: {
      ...spec,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
        { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      ],
      behavior: { scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] } },
    },
    status: { currentReplicas: 1, desiredReplicas: 1 },
  }
  const v1 = toV1(hpa) as AutoscalingV1HorizontalPodAutoscaler
  assert.equal(v1.spec?.targetCPUUtilizationPercentage, 60)
  assert.deepEqual(v1.metadata?.annotations, {
    'autoscaling.alpha.kubernetes.io/behavior':
      '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":100,"PeriodSeconds":15}],"Tolerance":null}}',
    'autoscaling.alpha.kubernetes.io/metrics': '[{"type":"Pods","pods":{"metricName":"qps","targetAverageValue":"10"}}]',
    z: '1',
  })
  const back = JSON.parse(JSON.stringify(fromV1(v1)))
  assert.deepEqual(back.metadata, { name: 'a', annotations: { z: '1' } })
  // The one with a field of its own comes last.
  assert.deepEqual(back.spec.metrics, [hpa.spec?.metrics?.[1], hpa.spec?.metrics?.[0]])
  assert.deepEqual(back.spec.behavior, hpa.spec?.behavior)
})

test('annotations that do not parse are dropped', () => {
  const metadata = {
    annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '{', 'autoscaling.alpha.kubernetes.io/behavior': '[]' },
  }
  const hpa = fromV1({ metadata, spec } as AutoscalingV1HorizontalPodAutoscaler)
  assert.deepEqual(hpa.spec?.metrics, [])
  assert.equal(hpa.spec?.behavior, undefined)
  assert.equal(hpa.metadata?.annotations, undefined)
})

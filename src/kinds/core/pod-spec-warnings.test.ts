import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podWarnings, templateWarnings } from './pod-spec-warnings.ts'

test('warnings of a pod, in the order of the reference', () => {
  const warnings = podWarnings({
    metadata: { annotations: { 'scheduler.alpha.kubernetes.io/critical-pod': '' } },
    spec: {
      nodeSelector: { 'beta.kubernetes.io/arch': 'amd64' },
      containers: [
        {
          name: 'a',
          resources: { requests: { memory: '1500m' } },
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
            { name: 'B', value: '1' },
            { name: 'B', value: '$(B)2' },
          ],
          ports: [
            { containerPort: 80, protocol: 'TCP' },
            { containerPort: 80, protocol: 'TCP' },
            { containerPort: 80, protocol: 'TCP', hostPort: 8080 },
          ],
        },
      ],
      volumes: [{ name: 'v', rbd: {} }],
    },
  })
  assert.deepEqual(warnings, [
    'spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
    'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
    'spec.volumes[0].rbd: deprecated in v1.28, non-functional in v1.31+',
    'spec.containers[0].resources.requests[memory]: fractional byte value "1500m" is invalid, must be an integer',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
    'spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]',
    'spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[1]',
  ])
})

test('files of one volume in each other way', () => {
  const warnings = templateWarnings('spec.template', {
    spec: {
      volumes: [
        {
          name: 'c',
          configMap: {
            name: 'm',
            items: [
              { key: 'a', path: 'x' },
              { key: 'b', path: 'x/y' },
              { key: 'c', path: 'xy' },
            ],
          },
        },
        {
          name: 'p',
          projected: {
            sources: [{ serviceAccountToken: { path: 't' } }, { secret: { name: 's', items: [{ key: 'k', path: 't/' }] } }],
          },
        },
      ],
    },
  })
  assert.deepEqual(warnings, [
    'volume "c" (ConfigMap "m"): overlapping paths: "x/y" with "x"',
    'volume "p" (Projected): overlapping paths: "t" (Secret "s") with "t" (ServiceAccountToken)',
  ])
})

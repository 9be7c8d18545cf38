import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Pod, CoreV1PodSpec } from '../../generated/types.ts'
import { defaultPod } from './pod-defaults.ts'

function defaulted(spec: CoreV1PodSpec, rest: CoreV1Pod = {}): CoreV1Pod & { spec: CoreV1PodSpec } {
  const pod = { ...rest, spec: { containers: [{ name: 'a', image: 'nginx:1' }], ...spec } }
  defaultPod(pod)
  return pod
}

test('a minimal pod gets what every pod has', () => {
  assert.deepEqual(defaulted({}).spec, {
    containers: [
      {
        name: 'a',
        image: 'nginx:1',
        imagePullPolicy: 'IfNotPresent',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
  })
})

test('both names of the service account are kept the same', () => {
  const { spec } = defaulted({ serviceAccount: 'old' })
  assert.deepEqual([spec.serviceAccountName, spec.serviceAccount], ['old', 'old'])
  assert.equal(defaulted({ serviceAccountName: 'new', serviceAccount: 'old' }).spec.serviceAccount, 'new')
})

test('requests default to limits, one by one', () => {
  const resources = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }
  const { spec } = defaulted({ containers: [{ name: 'a', image: 'i', resources }] })
  assert.deepEqual(spec.containers?.[0]?.resources?.requests, { cpu: '500m', memory: '1Gi' })
})

test('resources round up to thousandths', () => {
  const resources = { limits: { cpu: '1500u', memory: '1Gi' } }
  const { spec } = defaulted({ containers: [{ name: 'a', image: 'i', resources }] })
  assert.deepEqual(spec.containers?.[0]?.resources?.limits, { cpu: '2m', memory: '1Gi' })
})

test('requests of the pod as a whole come from the containers, then from its limits', () => {
  const container = { name: 'a', image: 'i', resources: { requests: { cpu: '100m' } } }
  const { spec } = defaulted({
    containers: [container, { ...container, name: 'b' }],
    resources: { limits: { cpu: '2', memory: '1Gi' } },
  })
  assert.deepEqual(spec.resources?.requests, { cpu: '200m', memory: '1Gi' })
})

test('ports of pods in the host network are host ports', () => {
  const { spec } = defaulted({ hostNetwork: true, containers: [{ name: 'a', image: 'i', ports: [{ containerPort: 80 }] }] })
  assert.equal(spec.containers?.[0]?.ports?.[0]?.hostPort, 80)
})

test('volumes', () => {
  const { spec } = defaulted({
    volumes: [
      { name: 'none' },
      { name: 'secret', secret: { secretName: 's' } },
      { name: 'host', hostPath: { path: '/' } },
      { name: 'projected', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
      { name: 'claim', ephemeral: { volumeClaimTemplate: { spec: {} } } },
    ],
  })
  assert.deepEqual(spec.volumes, [
    { name: 'none', emptyDir: {} },
    { name: 'secret', secret: { secretName: 's', defaultMode: 420 } },
    { name: 'host', hostPath: { path: '/', type: '' } },
    {
      name: 'projected',
      projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }], defaultMode: 420 },
    },
    { name: 'claim', ephemeral: { volumeClaimTemplate: { spec: { volumeMode: 'Filesystem' } } } },
  ])
})

test('the single pod address wins over a list that differs', () => {
  const { status } = defaulted({}, { status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.2' }] } })
  assert.deepEqual(status?.podIPs, [{ ip: '10.0.0.1' }])
})

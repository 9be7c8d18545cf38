import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1PodSpec } from '../../generated/types.ts'
import { writeContext } from '../../testing/write-context.ts'
import { defaultPod } from './pod-defaults.ts'
import { validatePodSpec } from './pod-spec-validation.ts'

/** What is wrong with a pod of one container and what else is given, as `field: message`. */
function problems(spec: CoreV1PodSpec, podName?: string): string[] {
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'x' }], ...spec } as CoreV1PodSpec }
  defaultPod(pod)
  return validatePodSpec(pod.spec, 'spec', writeContext(), { podName }).map((e) => `${e.field}: ${e.message}`)
}

const withContainer = (fields: object, spec: object = {}): string[] =>
  problems({ containers: [{ name: 'a', image: 'x', ...fields }], ...spec } as CoreV1PodSpec)

test('a plain pod is right', () => {
  assert.deepEqual(problems({} as CoreV1PodSpec), [])
})

test('a volume that is wrong can not be mounted', () => {
  assert.deepEqual(
    withContainer(
      { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      { volumes: [{ name: 'v', nfs: { server: 's', path: 'x' } }] },
    ),
    [
      'spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path',
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
  )
})

test('a volume has one source', () => {
  assert.deepEqual(problems({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x/../y' } }] } as never), [
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ])
})

test('projected files have different paths', () => {
  const items = [{ key: 'k', path: 'f' }]
  const sources = [{ secret: { name: 's', items } }, { configMap: { name: 'c', items: [...items, { key: 'l', path: '..g' }] } }]
  assert.deepEqual(problems({ volumes: [{ name: 'v', projected: { sources } }] } as never), [
    'spec.volumes[0].projected.sources[1].configMap.items[1].path: Invalid value: "..g": must not start with \'..\'',
    'spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths',
  ])
})

test('the claim of an ephemeral volume has the name of the pod', () => {
  const template = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1' } } } }
  const spec = { volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: template } }] } as never
  assert.deepEqual(problems(spec, 'p'), [])
  assert.match(
    problems(spec, 'P')[0]!,
    /^spec\.volumes\[0\]\.name: Invalid value: "v": PVC name "P-v": a lowercase RFC 1123 subdomain/,
  )
})

test('environment from the pod and its surroundings', () => {
  const env = [
    { name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['x']" } } },
    { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } },
    { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } },
    { name: 'D', value: 'd', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
    { name: 'E', valueFrom: {} },
  ]
  assert.deepEqual(withContainer({ env }), [
    'spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    'spec.containers[0].env[2].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
    'spec.containers[0].env[3].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    'spec.containers[0].env[4].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
  ])
})

test('containers share host ports and names', () => {
  const ports = [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]
  const containers = [
    { name: 'a', image: 'x', ports },
    { name: 'a', image: 'x', ports },
  ]
  assert.deepEqual(problems({ containers } as never), [
    'spec.containers[1].name: Duplicate value: "a"',
    'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"',
  ])
})

test('init containers have no probes unless they keep running', () => {
  const container = { name: 'i', image: 'x', livenessProbe: { exec: { command: ['true'] } } }
  assert.deepEqual(problems({ initContainers: [container] } as never), [
    'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ])
  assert.deepEqual(problems({ initContainers: [{ ...container, restartPolicy: 'Always' }] } as never), [])
})

test('requests fit limits', () => {
  const limits = { cpu: '1', 'hugepages-2Mi': '3Mi' }
  assert.deepEqual(withContainer({ resources: { requests: { cpu: '2', 'hugepages-2Mi': '4Mi', foo: '1' }, limits } }), [
    'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    'spec.containers[0].resources.requests: Invalid value: "4Mi": must be equal to hugepages-2Mi limit of 3Mi',
    'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
    'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource for containers',
  ])
})

test('containers fit the pod', () => {
  const resources = { requests: { cpu: '2' }, limits: { cpu: '4' } }
  assert.deepEqual(withContainer({ resources }, { resources: { requests: { cpu: '1500m' }, limits: { cpu: '3' } } }), [
    'spec.resources.requests[cpu]: Invalid value: "1500m": must be greater than or equal to aggregate container requests of 2',
    'spec.resources.containers[0][cpu].limits: Invalid value: "4": must be less than or equal to pod limits of 3',
  ])
})

test('scheduling', () => {
  const spec = {
    tolerations: [
      { operator: 'Equal', value: 'x' },
      { key: 'k', operator: 'Exists', tolerationSeconds: 1 },
    ],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'Gt', values: ['1', '2'] }] }],
        },
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 0,
        topologyKey: 'zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        minDomains: 1,
        labelSelector: { matchLabels: { app: 'x' }, matchExpressions: [{ key: 'app', operator: 'In', values: ['x'] }] },
        matchLabelKeys: ['app'],
      },
    ],
  }
  assert.deepEqual(problems(spec as never), [
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
    'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    'spec.tolerations[1].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    'spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
    'spec.topologySpreadConstraints[0][0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector',
  ])
})

test('privileges', () => {
  const securityContext = { allowPrivilegeEscalation: false, privileged: true, procMount: 'Unmasked', runAsUser: -1 }
  const found = withContainer({ securityContext }).map((problem) => problem.replace(/\{.*\}/, '{}'))
  assert.deepEqual(found, [
    'spec.containers[0].securityContext.privileged: Forbidden: disallowed by cluster policy',
    'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
    'spec.containers[0].securityContext: Invalid value: {}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
  ])
})

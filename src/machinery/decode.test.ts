import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TypeDecoder } from './decode.ts'
import { DecodeError } from './decode-error.ts'
import { SchemaFacts } from './schema.ts'

const decoder = new TypeDecoder(new SchemaFacts())
const POD = 'io.k8s.api.core.v1.Pod'

test('drops unknown fields, nulls and zero values that have no place, and keeps zeros of pointers', () => {
  const pod = decoder.decode(POD, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'p', labels: {}, bogus: 1 },
    spec: {
      hostNetwork: false,
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'i', command: [], stdin: false, tty: null }],
    },
  })
  assert.deepEqual(pod, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i', resources: {} }], automountServiceAccountToken: false },
    status: {},
  })
})

test('fields come out in the order of the Go struct, whatever the order of the input', () => {
  const pod = decoder.decode(POD, {
    spec: { nodeName: 'n', containers: [], volumes: [{ name: 'v' }] },
    metadata: {},
    kind: 'Pod',
  })
  assert.deepEqual(Object.keys(pod), ['kind', 'metadata', 'spec', 'status'])
  assert.deepEqual(Object.keys(pod.spec as object), ['volumes', 'containers', 'nodeName'])
})

test('a missing required list is null, as Go writes it', () => {
  assert.deepEqual(decoder.decode(POD, {}).spec, { containers: null })
})

test('tells a wrong type in the words of Go', () => {
  const cases: [unknown, string][] = [
    [
      { spec: { containers: 'x' } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      { spec: { containers: ['x'] } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container',
    ],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { spec: { activeDeadlineSeconds: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64',
    ],
    [
      { spec: { containers: [{ livenessProbe: { httpGet: { port: true } } }] } },
      'json: cannot unmarshal bool into Go struct field HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32',
    ],
    [
      { spec: { containers: [{ resources: { limits: 'x' } }] } },
      'json: cannot unmarshal string into Go struct field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList',
    ],
    [
      { spec: { containers: [{ securityContext: { capabilities: { add: [1] } } }] } },
      'json: cannot unmarshal number into Go struct field Capabilities.spec.containers.securityContext.capabilities.add of type v1.Capability',
    ],
    [
      { metadata: { creationTimestamp: 1 } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string',
    ],
    [[], 'json: cannot unmarshal array into Go value of type v1.Pod'],
  ]
  for (const [raw, message] of cases) {
    assert.throws(
      () => decoder.decode(POD, raw as never),
      (error) => error instanceof DecodeError && error.message === message,
    )
  }
})

test('collects the paths of unknown fields at every depth', () => {
  const unknown: string[] = []
  decoder.decode(POD, { spec: { containers: [{ name: 'c' }, { name: 'd', nope: 1 }], odd: {} }, top: 1 }, unknown)
  assert.deepEqual(unknown.sort(), ['spec.containers[1].nope', 'spec.odd', 'top'])
})

test('the input is left as it was', () => {
  const raw = {
    metadata: { name: 'x', labels: { b: '1', a: '2' } },
    spec: { containers: [{ name: 'c', resources: { limits: { cpu: '0.5' } } }] },
  }
  const before = JSON.stringify(raw)
  const pod = decoder.decode(POD, raw)
  assert.equal(JSON.stringify(raw), before)
  assert.equal(JSON.stringify(pod).includes('"cpu":"500m"'), true)
})

test('a map may have a key named __proto__', () => {
  const map = decoder.decode('io.k8s.api.core.v1.ConfigMap', JSON.parse('{"data":{"__proto__":"x","a":"y"}}'))
  assert.equal(JSON.stringify(map.data), '{"__proto__":"x","a":"y"}')
})

test('times and quantities are written as Go writes them, or refused', () => {
  const meta = decoder.decode(POD, { metadata: { creationTimestamp: '2024-01-01T01:00:00+01:00' } }).metadata as {
    creationTimestamp: string
  }
  assert.equal(meta.creationTimestamp, '2024-01-01T00:00:00Z')
  assert.throws(
    () => decoder.decode(POD, { spec: { containers: [{ resources: { limits: { cpu: 'many' } } }] } }),
    /quantities must match the regular expression/,
  )
})

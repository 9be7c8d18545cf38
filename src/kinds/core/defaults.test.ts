import assert from 'node:assert/strict'
import test from 'node:test'
import type {
  CoreV1LimitRange,
  CoreV1Namespace,
  CoreV1Node,
  CoreV1PersistentVolumeClaim,
  CoreV1Secret,
} from '../../generated/types.ts'
import { TypeDecoder } from '../../machinery/decode.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { SchemaFacts } from '../../machinery/schema.ts'
import type { KindDefinition } from '../../registry/kind.ts'
import { writeContext } from '../../testing/write-context.ts'
import { event } from './event.ts'
import { limitRange } from './limit-range.ts'
import { namespace } from './namespace.ts'
import { node } from './node.ts'
import { persistentVolumeClaim } from './persistent-volume-claim.ts'
import { secret } from './secret.ts'

const decoder = new TypeDecoder(new SchemaFacts())

/** Decoded and defaulted, as JSON. */
function defaulted<T>(kind: KindDefinition, raw: JsonObject, prepare = false): T {
  const object = decoder.decode(kind.schema, raw)
  kind.defaults?.(object as object)
  if (prepare) kind.prepareForCreate?.(object as object, writeContext())
  return JSON.parse(JSON.stringify(object)) as T
}

test('LimitRange: limits of containers follow from each other', () => {
  const { spec } = defaulted<CoreV1LimitRange>(limitRange, {
    spec: {
      limits: [
        { type: 'Container', max: { memory: '1Gi', cpu: '2' }, min: { cpu: '100m', storage: '1' }, default: { cpu: '1' } },
        { type: 'Pod', max: { cpu: '1500u' } },
      ],
    },
  })
  assert.deepEqual(spec?.limits?.[0]?.default, { cpu: '1', memory: '1Gi' })
  assert.deepEqual(spec?.limits?.[0]?.defaultRequest, { cpu: '1', memory: '1Gi', storage: '1' })
  assert.deepEqual(spec?.limits?.[1], { type: 'Pod', max: { cpu: '2m' } })
})

test('Secret: stringData is merged into data, sorted, and wins', () => {
  const object = defaulted<CoreV1Secret>(secret, { data: { b: 'eA==', a: 'eA==' }, stringData: { a: 'ü', c: '' } })
  assert.deepEqual(object, { metadata: {}, data: { a: 'w7w=', b: 'eA==', c: '' }, type: 'Opaque' })
  assert.deepEqual(Object.keys(object.data ?? {}), ['a', 'b', 'c'])
})

test('Namespace: the name label and the finalizer are there whatever the creator says', () => {
  const labels = { 'kubernetes.io/metadata.name': 'other', z: '1', a: '2' }
  const object = defaulted<CoreV1Namespace>(
    namespace,
    { metadata: { name: 'ns', labels }, spec: { finalizers: ['example.com/x'] }, status: { phase: 'Terminating' } },
    true,
  )
  assert.deepEqual(object.metadata?.labels, { a: '2', 'kubernetes.io/metadata.name': 'ns', z: '1' })
  assert.deepEqual(object.spec?.finalizers, ['example.com/x', 'kubernetes'])
  assert.equal(object.status?.phase, 'Active')
})

test('Node: the two ways to write the pod range agree, the singular one wins', () => {
  const ranges = (spec: JsonObject) => {
    const { podCIDR, podCIDRs } = defaulted<CoreV1Node>(node, { spec }).spec ?? {}
    return [podCIDR, podCIDRs]
  }
  assert.deepEqual(ranges({ podCIDR: '10.1.0.0/24' }), ['10.1.0.0/24', ['10.1.0.0/24']])
  assert.deepEqual(ranges({ podCIDRs: ['10.1.0.0/24', 'fd00::/64'] }), ['10.1.0.0/24', ['10.1.0.0/24', 'fd00::/64']])
  assert.deepEqual(ranges({ podCIDR: 'x', podCIDRs: ['10.1.0.0/24', 'fd00::/64'] }), ['x', ['x']])
})

test('PersistentVolumeClaim: the data sources agree; only claims and snapshots come from the older one', () => {
  const sources = (spec: JsonObject) => {
    const { dataSource, dataSourceRef } = defaulted<CoreV1PersistentVolumeClaim>(persistentVolumeClaim, { spec }, true).spec ?? {}
    return [dataSource, dataSourceRef]
  }
  const claim = { kind: 'PersistentVolumeClaim', name: 'a' }
  const other = { apiGroup: 'example.com', kind: 'Source', name: 'a' }
  const [from, to] = sources({ dataSource: claim })
  assert.deepEqual([from?.name, to?.name, to?.kind], ['a', 'a', 'PersistentVolumeClaim'])
  assert.deepEqual(sources({ dataSource: other }), [undefined, undefined])
  assert.deepEqual(sources({ dataSourceRef: other }), [other, other])
})

test('Event: both versions hold the same and come back unchanged', () => {
  const served = event.alsoServed![0]!
  const raw = {
    metadata: { name: 'e', namespace: 'ns' },
    eventTime: '2026-03-04T05:06:07.123456Z',
    regarding: { kind: 'Pod', name: 'p', namespace: 'ns' },
    note: 'hello',
    reportingController: 'example.com/ctl',
    deprecatedCount: 2,
    deprecatedSource: { component: 'kubelet' },
  }
  const decoded = decoder.decode(served.schema, raw)
  const stored = decoder.decode(event.schema, served.toStorage(decoded as object) as JsonObject)
  assert.deepEqual(
    [stored.involvedObject, stored.message, stored.reportingComponent, stored.count, stored.source],
    [raw.regarding, 'hello', 'example.com/ctl', 2, { component: 'kubelet' }],
  )
  assert.deepEqual(decoder.decode(served.schema, served.fromStorage(stored as object) as JsonObject), decoded)
})

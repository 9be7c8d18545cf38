import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aggregateBy } from '../kinds/core/pod-resources.ts'
import type { JsonObject } from '../machinery/json.ts'
import { limitRanger } from './limit-ranger.ts'
import { admitted, asked, refused, TestObjects } from './testing.ts'

const rangeOf = (name: string, ...limits: JsonObject[]) => ({ metadata: { name, namespace: 'a' }, spec: { limits } })

const plugin = (...limitranges: JsonObject[]) =>
  limitRanger({ objects: new TestObjects({ limitranges }), total: aggregateBy, podLevelResources: true })

const container = (name: string, requests?: JsonObject, limits?: JsonObject) => ({
  name,
  resources: { ...(requests && { requests }), ...(limits && { limits }) },
})

const creating = (...containers: JsonObject[]) =>
  asked('pods', { namespace: 'a', object: { metadata: { name: 'p' }, spec: { containers } } })

const messageOf = async (limits: JsonObject, ...containers: JsonObject[]) => {
  const { message = '', code } = await refused(plugin(rangeOf('l', limits)), creating(...containers))
  assert.equal(code, 403)
  return message.replace('pods "p" is forbidden: ', '')
}

test('containers get what they lack, and an annotation tells', async () => {
  const ranger = plugin(rangeOf('l', { type: 'Container', default: { memory: '2Gi', cpu: '2' }, defaultRequest: { cpu: '1' } }))
  const object = {
    metadata: { name: 'p', annotations: { kept: 'yes' } },
    spec: { containers: [container('c', { cpu: '500m', 'example.com/x': '1' }), { name: 'd' }], initContainers: [{ name: 'i' }] },
  }
  const pod = await admitted(ranger, asked('pods', { namespace: 'a', object }))
  assert.deepEqual(pod.spec.containers, [
    { name: 'c', resources: { requests: { cpu: '500m', 'example.com/x': '1' }, limits: { cpu: '2', memory: '2Gi' } } },
    { name: 'd', resources: { requests: { cpu: '1' }, limits: { cpu: '2', memory: '2Gi' } } },
  ])
  assert.deepEqual(pod.metadata.annotations, {
    kept: 'yes',
    'kubernetes.io/limit-ranger':
      'LimitRanger plugin set: cpu, memory limit for container c; cpu request for container d; cpu, memory limit for container d; ' +
      'cpu request for init container i; cpu, memory limit for init container i',
  })
})

test('the annotation is that of the last range which set anything, and absent if none did', async () => {
  const ranges = [
    rangeOf('a', { type: 'Container', default: { cpu: '1' } }),
    rangeOf('b', { type: 'Container', default: { cpu: '2', memory: '1Gi' } }),
  ]
  const pod = await admitted(plugin(...ranges), creating(container('c')))
  assert.deepEqual(pod.spec.containers, [{ name: 'c', resources: { limits: { cpu: '1', memory: '1Gi' } } }])
  assert.deepEqual(pod.metadata.annotations, {
    'kubernetes.io/limit-ranger': 'LimitRanger plugin set: memory limit for container c',
  })
  const complete = await admitted(plugin(...ranges), creating(container('c', undefined, { cpu: '1', memory: '1Gi' })))
  assert.equal(complete.metadata.annotations, undefined)
})

test('other namespaces are not concerned', async () => {
  const ranger = plugin(rangeOf('l', { type: 'Container', default: { cpu: '1' }, max: { cpu: '1' } }))
  const object = { metadata: { name: 'p' }, spec: { containers: [container('c', {}, { cpu: '5' })] } }
  await admitted(ranger, asked('pods', { namespace: 'b', object }))
})

test('bounds of containers', async () => {
  const limits = {
    type: 'Container',
    min: { cpu: '100m' },
    max: { cpu: '1', memory: '1Gi' },
    maxLimitRequestRatio: { cpu: '2.5' },
  }
  const fine = { memory: '1Mi' }
  await admitted(plugin(rangeOf('l', limits)), creating(container('c', { cpu: '400m' }, { cpu: '1', ...fine })))
  assert.equal(
    await messageOf(limits, container('c', { cpu: '50m' }, { cpu: '60m', ...fine })),
    'minimum cpu usage per Container is 100m, but request is 50m',
  )
  assert.equal(
    await messageOf(limits, container('c', { cpu: '1' }, { cpu: '2', memory: '2Gi' })),
    '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
  )
  assert.equal(
    await messageOf(limits, container('c')),
    '[minimum cpu usage per Container is 100m.  No request is specified, maximum cpu usage per Container is 1.  No limit is specified, ' +
      'maximum memory usage per Container is 1Gi.  No limit is specified, ' +
      'cpu max limit to request ratio per Container is 2500m, but no request is specified or request is 0]',
  )
  assert.equal(
    await messageOf(limits, container('c', { cpu: '300m' }, { cpu: '1', ...fine })),
    'cpu max limit to request ratio per Container is 2500m, but provided ratio is 3.333333',
  )
  const zero = { type: 'Container', maxLimitRequestRatio: { cpu: '2' } }
  const noLimit = 'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0'
  assert.equal(await messageOf(zero, container('c', { cpu: '1' }, { cpu: '0' })), noLimit)
})

test('what several containers are told alike is told once', async () => {
  const limits = { type: 'Container', max: { cpu: '1' } }
  const large = { cpu: '2' }
  assert.equal(
    await messageOf(limits, container('c', {}, large), container('d', {}, large)),
    'maximum cpu usage per Container is 1, but limit is 2',
  )
})

test('bounds of pods are about the sum, or what the pod asks for as a whole', async () => {
  const limits = { type: 'Pod', max: { cpu: '1' } }
  const half = { cpu: '600m' }
  const halves = [container('c', half, half), container('d', half, half)]
  assert.equal(await messageOf(limits, ...halves), 'maximum cpu usage per Pod is 1, but limit is 1200m')
  const object = {
    metadata: { name: 'p' },
    spec: { containers: halves, resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } },
  }
  await admitted(plugin(rangeOf('l', limits)), asked('pods', { namespace: 'a', object }))
})

test('of updates of pods only resizes are looked at', async () => {
  const ranger = plugin(rangeOf('l', { type: 'Container', max: { cpu: '1' } }))
  const object = { metadata: { name: 'p' }, spec: { containers: [container('c', {}, { cpu: '2' })] } }
  const update = { namespace: 'a', operation: 'UPDATE', object, oldObject: object } as const
  await admitted(ranger, asked('pods', update))
  await admitted(ranger, asked('pods/status', update))
  assert.match((await refused(ranger, asked('pods/resize', update))).message ?? '', /but limit is 2$/)
  const going = { ...object, metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' } }
  await admitted(ranger, asked('pods/resize', { ...update, oldObject: going }))
})

test('claims have requests only', async () => {
  const ranger = plugin(rangeOf('l', { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } }))
  const claim = (storage: string) => ({ metadata: { name: 'c' }, spec: { resources: { requests: { storage } } } })
  const message = async (storage: string) =>
    (await refused(ranger, asked('persistentvolumeclaims', { namespace: 'a', object: claim(storage) }))).message
  const start = 'persistentvolumeclaims "c" is forbidden: '
  assert.equal(await message('1Mi'), `${start}minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi`)
  assert.equal(await message('6Gi'), `${start}maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi`)
  const update = { namespace: 'a', operation: 'UPDATE', object: claim('6Gi'), oldObject: claim('5Gi') } as const
  await refused(ranger, asked('persistentvolumeclaims', update))
  await admitted(ranger, asked('persistentvolumeclaims/status', update))
  await admitted(ranger, asked('persistentvolumeclaims', { namespace: 'a', object: claim('5Gi') }))
})

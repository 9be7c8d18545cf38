import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import { runtimeClass } from './runtime-class.ts'
import { admitted, asked, refused, TestObjects } from './testing.ts'

const marked = (name: string, created: string, annotation: string): JsonObject => ({
  metadata: { name, creationTimestamp: created, annotations: { [annotation]: 'true' } },
})

suite('DefaultStorageClass', () => {
  const annotation = 'storageclass.kubernetes.io/is-default-class'
  const plugin = (...classes: JsonObject[]) => defaultStorageClass(new TestObjects({ 'storageclasses.storage.k8s.io': classes }))
  const older = marked('older', '2026-01-01T00:00:00Z', annotation)
  const claim = (spec: JsonObject = {}, annotations: JsonObject = {}) =>
    asked('persistentvolumeclaims', { object: { metadata: { annotations }, spec } })

  test('names the newest of the default classes', async () => {
    const second = marked('second', '2026-01-02T00:00:00Z', 'storageclass.beta.kubernetes.io/is-default-class')
    const first = marked('first', '2026-01-02T00:00:00Z', annotation)
    const found = await admitted(plugin(older, second, first, { metadata: { name: 'plain' } }), claim())
    assert.deepEqual(found.spec, { storageClassName: 'first' })
    assert.deepEqual((await admitted(plugin(), claim())).spec, {})
  })

  test('leaves claims alone that name one, or say that they want none', async () => {
    assert.deepEqual((await admitted(plugin(older), claim({ storageClassName: '' }))).spec, { storageClassName: '' })
    const old = claim({}, { 'volume.beta.kubernetes.io/storage-class': 'mine' })
    assert.deepEqual((await admitted(plugin(older), old)).spec, {})
  })
})

suite('DefaultIngressClass', () => {
  const one = marked('one', '2026-01-01T00:00:00Z', 'ingressclass.kubernetes.io/is-default-class')
  const plugin = defaultIngressClass(new TestObjects({ 'ingressclasses.networking.k8s.io': [one] }))
  const ingress = (spec: JsonObject = {}, annotations: JsonObject = {}) =>
    asked('ingresses.networking.k8s.io', { object: { metadata: { annotations }, spec } })

  test('names the default class where none is named', async () => {
    assert.deepEqual((await admitted(plugin, ingress())).spec, { ingressClassName: 'one' })
    assert.deepEqual((await admitted(plugin, ingress({ ingressClassName: 'x' }))).spec, { ingressClassName: 'x' })
    assert.deepEqual((await admitted(plugin, ingress({}, { 'kubernetes.io/ingress.class': 'x' }))).spec, {})
  })
})

suite('PersistentVolumeClaimResize', () => {
  const plugin = persistentVolumeClaimResize(
    new TestObjects({
      'storageclasses.storage.k8s.io': [
        { metadata: { name: 'grows' }, allowVolumeExpansion: true },
        { metadata: { name: 'stays' } },
      ],
    }),
  )
  const claim = (storage: string, storageClassName?: string, phase = 'Bound'): JsonObject => ({
    metadata: { name: 'c' },
    spec: { resources: { requests: { storage } }, ...(storageClassName ? { storageClassName } : {}) },
    status: { phase },
  })
  const update = (oldObject: JsonObject, object: JsonObject) =>
    asked('persistentvolumeclaims', { operation: 'UPDATE', object, oldObject })

  test('lets bound claims of classes grow that allow it', async () => {
    await admitted(plugin, update(claim('1Gi', 'grows'), claim('2Gi', 'grows')))
    await admitted(plugin, update(claim('1Gi', 'stays'), claim('1024Mi', 'stays')))
    const says = async (oldObject: JsonObject, object: JsonObject, cause: string) =>
      assert.equal(
        (await refused(plugin, update(oldObject, object))).message,
        `persistentvolumeclaims "c" is forbidden: ${cause}`,
      )
    await says(
      claim('1Gi', 'grows', 'Pending'),
      claim('2Gi', 'grows', 'Pending'),
      'Only bound persistent volume claims can be expanded',
    )
    const fixed =
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
    await says(claim('1Gi', 'stays'), claim('2Gi', 'stays'), fixed)
    await says(claim('1Gi', 'none'), claim('2Gi', 'none'), fixed)
    await says(claim('1Gi'), claim('2Gi'), fixed)
  })
})

suite('RuntimeClass', () => {
  const plugin = runtimeClass(
    new TestObjects({
      'runtimeclasses.node.k8s.io': [
        {
          metadata: { name: 'rt' },
          overhead: { podFixed: { cpu: '250m', memory: '64Mi' } },
          scheduling: { nodeSelector: { rt: 'yes' }, tolerations: [{ key: 'rt', operator: 'Exists', effect: 'NoSchedule' }] },
        },
        { metadata: { name: 'plain' } },
      ],
    }),
  )
  const pod = (spec: JsonObject) => asked('pods', { object: { metadata: { name: 'p' }, spec } })
  const refusal = async (spec: JsonObject) => (await refused(plugin, pod(spec))).message

  test('adds overhead, node selector and tolerations', async () => {
    const all = { operator: 'Exists' }
    const spec = { runtimeClassName: 'rt', nodeSelector: { other: 'x' }, tolerations: [{ key: 'mine' }] }
    assert.deepEqual((await admitted(plugin, pod(spec))).spec, {
      runtimeClassName: 'rt',
      nodeSelector: { other: 'x', rt: 'yes' },
      tolerations: [{ key: 'mine' }, { key: 'rt', operator: 'Exists', effect: 'NoSchedule' }],
      overhead: { cpu: '250m', memory: '64Mi' },
    })
    const wide = await admitted(plugin, pod({ runtimeClassName: 'rt', tolerations: [all] }))
    assert.deepEqual(wide.spec.tolerations, [all])
    assert.deepEqual((await admitted(plugin, pod({ runtimeClassName: 'plain' }))).spec, { runtimeClassName: 'plain' })
  })

  test('refuses what contradicts the class', async () => {
    await admitted(plugin, pod({ runtimeClassName: 'rt', overhead: { cpu: '0.25', memory: '64Mi' } }))
    const prefix = 'pods "p" is forbidden: '
    assert.equal(await refusal({ runtimeClassName: 'no' }), `${prefix}pod rejected: RuntimeClass "no" not found`)
    assert.equal(
      await refusal({ runtimeClassName: 'rt', nodeSelector: { rt: 'no' } }),
      `${prefix}conflict: runtimeClass.scheduling.nodeSelector[rt] = yes; pod.spec.nodeSelector[rt] = no`,
    )
    assert.equal(
      await refusal({ runtimeClassName: 'rt', overhead: { cpu: '1' } }),
      `${prefix}pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`,
    )
    const own = `${prefix}pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead`
    assert.equal(await refusal({ runtimeClassName: 'plain', overhead: { cpu: '1' } }), own)
    assert.equal(await refusal({ overhead: { cpu: '1' } }), own)
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'
import { admitted, asked } from './testing.ts'

suite('DefaultTolerationSeconds', () => {
  const plugin = defaultTolerationSeconds({ notReady: 300, unreachable: 200 })
  const notReady = {
    key: 'node.kubernetes.io/not-ready',
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  }
  const unreachable = { ...notReady, key: 'node.kubernetes.io/unreachable', tolerationSeconds: 200 }
  const tolerations = async (given: JsonObject[] | undefined, resource = 'pods') => {
    const object = { metadata: {}, spec: given ? { tolerations: given } : {} }
    return (await admitted(plugin, asked(resource, { object }))).spec.tolerations
  }

  test('adds what is missing', async () => {
    assert.deepEqual(await tolerations(undefined), [notReady, unreachable])
    const own = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }
    assert.deepEqual(await tolerations([own]), [own, unreachable])
    const other = { ...own, effect: 'NoSchedule' }
    assert.deepEqual(await tolerations([other]), [other, notReady, unreachable])
  })

  test('adds nothing to a pod that tolerates all', async () => {
    assert.deepEqual(await tolerations([{ operator: 'Exists' }]), [{ operator: 'Exists' }])
    assert.equal(await tolerations(undefined, 'pods/status'), undefined)
  })
})

suite('StorageObjectInUseProtection', () => {
  const finalizers = async (resource: string, given?: string[]) => {
    const object = { metadata: given ? { finalizers: given } : {} }
    return (await admitted(storageObjectInUseProtection, asked(resource, { object }))).metadata.finalizers
  }

  test('adds the finalizer of the kind once', async () => {
    assert.deepEqual(await finalizers('persistentvolumes'), ['kubernetes.io/pv-protection'])
    assert.deepEqual(await finalizers('persistentvolumeclaims', ['a']), ['a', 'kubernetes.io/pvc-protection'])
    assert.deepEqual(await finalizers('persistentvolumeclaims', ['kubernetes.io/pvc-protection']), [
      'kubernetes.io/pvc-protection',
    ])
    assert.deepEqual(await finalizers('volumeattributesclasses.storage.k8s.io'), ['kubernetes.io/vac-protection'])
    assert.equal(await finalizers('storageclasses.storage.k8s.io'), undefined)
  })
})

suite('TaintNodesByCondition', () => {
  const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
  const taints = async (given?: JsonObject[]) => {
    const object = { metadata: {}, ...(given ? { spec: { taints: given } } : {}) }
    return (await admitted(taintNodesByCondition, asked('nodes', { object }))).spec.taints
  }

  test('adds the taint unless it is there', async () => {
    assert.deepEqual(await taints(), [taint])
    assert.deepEqual(await taints([{ ...taint, value: 'x' }]), [{ ...taint, value: 'x' }])
    const other = { ...taint, effect: 'NoExecute' }
    assert.deepEqual(await taints([other]), [other, taint])
  })
})

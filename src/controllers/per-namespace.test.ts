import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CoreV1ConfigMap } from '../generated/types.ts'
import { MemoryObjects } from '../testing/memory-objects.ts'
import { DEFAULT_SERVICE_ACCOUNT, type KeptObject, PerNamespace, rootCaConfigMap } from './per-namespace.ts'
import { ControlledServer } from './testing.ts'

const NAMESPACES = '/api/v1/namespaces'
const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }

suite('every namespace', () => {
  test('has its service account and the CA when the server is ready', async () => {
    await using api = await ControlledServer.start()
    for (const namespace of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
      assert.deepEqual(await api.names(`${NAMESPACES}/${namespace}/serviceaccounts`), ['default'])
      const { data, metadata } = await api.get(`${NAMESPACES}/${namespace}/configmaps/kube-root-ca.crt`)
      assert.deepEqual(data, { 'ca.crt': api.server.ca })
      assert.match(metadata.annotations['kubernetes.io/description'], /^Contains a CA bundle/)
      assert.deepEqual(
        metadata.managedFields.map(({ manager }: { manager: string }) => manager),
        ['kube-controller-manager'],
      )
    }
  })

  for (const storage of ['memory', 'embedded'] as const)
    test(`takes pods as soon as it is there, in a store of kind ${storage}`, async (t) => {
      await using api = await ControlledServer.start({ storage })
      const took: number[] = []
      for (let i = 0; i < 5; i++) {
        await api.post(NAMESPACES, { metadata: { name: `n${i}` } })
        const begun = performance.now()
        await api.post(`${NAMESPACES}/n${i}/pods`, pod)
        took.push(performance.now() - begun)
      }
      t.diagnostic(`the pods took ${took.map((ms) => ms.toFixed(1))} ms`)
      // Whoever misses the account's arrival asks again after 150 ms.
      assert.ok(Math.min(...took) < 100)
      const { spec } = await api.get(`${NAMESPACES}/n4/pods/p`)
      assert.equal(spec.serviceAccountName, 'default')
    })

  test('gets them again', async () => {
    await using api = await ControlledServer.start()
    const account = `${NAMESPACES}/default/serviceaccounts/default`
    const map = `${NAMESPACES}/default/configmaps/kube-root-ca.crt`
    const [{ uid }, { uid: mapUid }] = [(await api.get(account)).metadata, (await api.get(map)).metadata]
    await api.delete(account)
    await api.delete(map)
    await api.until(account, (object) => object !== undefined && object.metadata.uid !== uid)
    const again = await api.until(map, (object) => object !== undefined && object.metadata.uid !== mapUid)
    assert.deepEqual(again.data, { 'ca.crt': api.server.ca })
    await api.merge(map, { data: { 'ca.crt': 'x', more: 'y' } })
    await api.until(map, ({ data }) => data['ca.crt'] === api.server.ca && !('more' in data))
  })

  test('has none of them when the controllers are off', async () => {
    const flags = { controllers: ['*', '-serviceaccount-controller'] }
    await using some = await ControlledServer.start({ flags })
    assert.deepEqual(await some.names('/api/v1/serviceaccounts'), [])
    assert.equal((await some.names('/api/v1/configmaps')).filter((name) => name === 'kube-root-ca.crt').length, 4)
    await using none = await ControlledServer.start({ flags: { controllers: [] } })
    assert.deepEqual(await none.names('/api/v1/serviceaccounts'), [])
    assert.equal((await none.names('/api/v1/configmaps')).includes('kube-root-ca.crt'), false)
    await none.post(`${NAMESPACES}/default/pods`, pod)
  })
})

function setUp(kept: KeptObject) {
  const memory = new MemoryObjects()
  const errors: unknown[] = []
  const objects = memory.objects(kept.resource)
  const controller = new PerNamespace({ kept, objects: () => objects, onError: (error) => void errors.push(error) })
  return { memory, objects, errors, controller }
}

suite('what every namespace is to have', () => {
  test('is made in active namespaces alone', async () => {
    const { memory, controller } = setUp(DEFAULT_SERVICE_ACCOUNT)
    controller.putNamespace('a', true)
    controller.putNamespace('b', false)
    await controller.settled()
    controller.putNamespace('a', false)
    controller.check('a')
    controller.check('b')
    controller.check('c')
    await controller.settled()
    assert.deepEqual(memory.names('serviceaccounts'), ['a/default'])
  })

  test('follows the CA', async () => {
    let ca = 'one'
    const { objects, controller } = setUp(rootCaConfigMap(() => ca, true))
    controller.putNamespace('a', true)
    await controller.settled()
    ca = 'two'
    controller.check()
    await controller.settled()
    assert.deepEqual(((await objects.get('a', 'kube-root-ca.crt')) as CoreV1ConfigMap).data, { 'ca.crt': 'two' })
  })

  test('stays as others leave it while the CA is a guess', async () => {
    const { objects, controller } = setUp(rootCaConfigMap(() => 'leaf', false))
    await objects.create({ metadata: { namespace: 'a', name: 'kube-root-ca.crt' } })
    controller.putNamespace('a', true)
    controller.putNamespace('b', true)
    await controller.settled()
    assert.equal(((await objects.get('a', 'kube-root-ca.crt')) as CoreV1ConfigMap).data, undefined)
    assert.deepEqual(((await objects.get('b', 'kube-root-ca.crt')) as CoreV1ConfigMap).data, { 'ca.crt': 'leaf' })
  })

  test('is not fought over with another server', async () => {
    let corrections = 0
    const { objects, controller } = setUp({
      resource: 'configmaps',
      name: 'x',
      make: (namespace) => ({ metadata: { namespace, name: 'x' } }),
      // Somebody changes it back at once, however often it is put right.
      correct: () => {
        corrections++
        return true
      },
    })
    const update = objects.update
    let updates = 0
    objects.update = (...args) => {
      updates++
      return update(...args)
    }
    controller.putNamespace('a', true)
    for (let i = 0; i < 50; i++) {
      controller.check('a')
      await controller.settled()
    }
    assert.equal(updates, 1)
    assert.ok(corrections >= 50)
    await controller.close()
  })
})

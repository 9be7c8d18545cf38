import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CoreV1Pod, CoreV1PodSpec } from '../generated/types.ts'
import type { JsonObject } from '../machinery/json.ts'
import { serviceAccount } from './service-account.ts'
import { admitted, asked, refused, TestObjects } from './testing.ts'

const account = (name: string, more: JsonObject = {}): JsonObject => ({ metadata: { name, namespace: 'n' }, ...more })
const strict = (value: string): JsonObject => ({
  metadata: { name: 'strict', namespace: 'n', annotations: { 'kubernetes.io/enforce-mountable-secrets': value } },
  secrets: [{ name: 'ok' }],
  imagePullSecrets: [{ name: 'pull' }],
})

function setUp(...accounts: JsonObject[]) {
  const objects = new TestObjects({ serviceaccounts: accounts })
  const pauses: number[] = []
  const plugin = serviceAccount({
    objects,
    generateName: (base) => `${base}abcde`,
    pause: async (ms) => void pauses.push(ms),
  })
  const podOf = (spec: CoreV1PodSpec, annotations?: JsonObject): JsonObject => ({
    metadata: { name: 'p', namespace: 'n', ...(annotations ? { annotations } : {}) },
    spec: { containers: [{ name: 'c' }], ...(spec as JsonObject) },
  })
  const create = (spec: CoreV1PodSpec, annotations?: JsonObject) =>
    asked('pods', { namespace: 'n', object: podOf(spec, annotations) })
  return {
    plugin,
    objects,
    pauses,
    podOf,
    admit: async (spec: CoreV1PodSpec, annotations?: JsonObject) =>
      ((await admitted(plugin, create(spec, annotations))) as CoreV1Pod).spec ?? {},
    refuse: async (spec: CoreV1PodSpec, annotations?: JsonObject) => (await refused(plugin, create(spec, annotations))).message,
  }
}

const VOLUME = {
  name: 'kube-api-access-abcde',
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
    defaultMode: 420,
  },
}
const MOUNT = {
  name: 'kube-api-access-abcde',
  readOnly: true,
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
}

suite('the account', () => {
  test('has a name that fits into a path', async () => {
    const { refuse } = setUp(account('default'))
    assert.match(
      (await refuse({ serviceAccountName: 'a/b%' })) ?? '',
      /error looking up service account n\/a\/b%: invalid resource name "a\/b%": \[may not contain '\/' may not contain '%'\]$/,
    )
  })

  test('is the default one when none is named', async () => {
    const spec = await setUp(account('default')).admit({})
    assert.equal(spec.serviceAccountName, 'default')
    assert.equal(spec.serviceAccount, 'default')
  })

  test('has to exist', async () => {
    const { refuse, pauses } = setUp(account('default'))
    assert.equal(
      await refuse({ serviceAccountName: 'none' }),
      'pods "p" is forbidden: error looking up service account n/none: serviceaccount "none" not found',
    )
    assert.equal(pauses.length, 0)
  })

  test('is waited for when it is the default one, though not for ever', async () => {
    const { refuse, pauses } = setUp()
    assert.match((await refuse({})) ?? '', /error looking up service account n\/default/)
    assert.equal(pauses.length, 9)
  })

  test('is found when it comes meanwhile', async () => {
    const { admit, objects, pauses } = setUp()
    objects.beforeFresh = () => pauses.length === 3 && objects.add('serviceaccounts', account('default'))
    assert.equal((await admit({})).volumes?.length, 1)
    assert.equal(pauses.length, 3)
  })

  test('gives its pull secrets to pods that have none', async () => {
    const { admit } = setUp(account('default', { imagePullSecrets: [{ name: 'one' }, { name: 'two' }] }))
    assert.deepEqual((await admit({})).imagePullSecrets, [{ name: 'one' }, { name: 'two' }])
    assert.deepEqual((await admit({ imagePullSecrets: [] })).imagePullSecrets, [{ name: 'one' }, { name: 'two' }])
    assert.deepEqual((await admit({ imagePullSecrets: [{ name: 'own' }] })).imagePullSecrets, [{ name: 'own' }])
  })
})

suite('the token', () => {
  test('is mounted in all containers', async () => {
    const spec = await setUp(account('default')).admit({ initContainers: [{ name: 'i' }], volumes: [{ name: 'v' }] })
    assert.deepEqual(spec.volumes, [{ name: 'v' }, VOLUME])
    assert.deepEqual(spec.containers?.[0]?.volumeMounts, [MOUNT])
    assert.deepEqual(spec.initContainers?.[0]?.volumeMounts, [MOUNT])
  })

  test('is not mounted over something else', async () => {
    const containers = [{ name: 'c', volumeMounts: [{ name: 'v', mountPath: MOUNT.mountPath }] }]
    const spec = await setUp(account('default')).admit({ containers })
    assert.equal(spec.volumes, undefined)
    assert.equal(spec.containers?.[0]?.volumeMounts?.length, 1)
  })

  test('is taken from a volume that is there already', async () => {
    const spec = await setUp(account('default')).admit({ volumes: [{ name: 'kube-api-access-x' }] })
    assert.deepEqual(spec.volumes, [{ name: 'kube-api-access-x' }])
    assert.equal(spec.containers?.[0]?.volumeMounts?.[0]?.name, 'kube-api-access-x')
  })

  test('is left out if the pod says so, or if it says nothing and the account does', async () => {
    const { admit } = setUp(account('default'), account('off', { automountServiceAccountToken: false }))
    assert.equal((await admit({ automountServiceAccountToken: false })).volumes, undefined)
    assert.equal((await admit({ serviceAccountName: 'off' })).volumes, undefined)
    assert.equal((await admit({ serviceAccountName: 'off', automountServiceAccountToken: true })).volumes?.length, 1)
  })
})

suite('mirror pods', () => {
  const mirror = { 'kubernetes.io/config.mirror': 'x' }

  test('stay as they are', async () => {
    assert.deepEqual(await setUp().admit({ volumes: [{ name: 'v', configMap: { name: 'm' } }] }, mirror), {
      containers: [{ name: 'c' }],
      volumes: [{ name: 'v', configMap: { name: 'm' } }],
    })
  })

  test('refer to no account, secret or token', async () => {
    const { refuse } = setUp(account('default'))
    const says = async (spec: CoreV1PodSpec, cause: string) =>
      assert.equal(await refuse(spec, mirror), `pods "p" is forbidden: a mirror pod may not ${cause}`)
    await says({ serviceAccountName: 'default' }, 'reference service accounts')
    await says({ imagePullSecrets: [{ name: 's' }] }, 'reference secrets')
    await says({ volumes: [{ secret: { secretName: 's' } }] }, 'reference secrets')
    await says({ volumes: [{ csi: { driver: 'd', nodePublishSecretRef: { name: 's' } } }] }, 'reference secrets')
    await says({ volumes: [{ projected: { sources: [{ secret: { name: 's' } }] } }] }, 'reference secrets')
    await says({ volumes: [{ rbd: { secretRef: { name: 's' } } }] }, 'reference secrets')
    await says({ containers: [{ envFrom: [{ secretRef: { name: 's' } }] }] }, 'reference secrets')
    await says({ initContainers: [{ env: [{ valueFrom: { secretKeyRef: { key: 'k' } } }] }] }, 'reference secrets')
    const token = { projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }
    await says({ volumes: [token] }, 'use ServiceAccountToken volume projections')
  })
})

suite('accounts that allow only the secrets that they list', () => {
  const ending = 'is not allowed because service account strict does not reference that secret'

  test('refuse others', async () => {
    const { refuse } = setUp(strict('true'))
    const says = async (spec: CoreV1PodSpec, cause: string) =>
      assert.equal(await refuse({ serviceAccountName: 'strict', ...spec }), `pods "p" is forbidden: ${cause}`)
    const env = [{ name: 'E', valueFrom: { secretKeyRef: { name: 'bad', key: 'k' } } }]
    const envFrom = [{ secretRef: { name: 'bad' } }]
    await says({ volumes: [{ secret: { secretName: 'bad' } }] }, `volume with secret.secretName="bad" ${ending}`)
    await says({ containers: [{ name: 'c', env }] }, `container c with envVar E referencing secret.secretName="bad" ${ending}`)
    await says(
      { initContainers: [{ name: 'i', envFrom }] },
      `init container i with envFrom referencing secret.secretName="bad" ${ending}`,
    )
    await says(
      { imagePullSecrets: [{ name: 'bad' }] },
      'imagePullSecrets[0].name="bad" is not allowed because service account strict does not reference that imagePullSecret',
    )
  })

  test('admit their own', async () => {
    const { admit } = setUp(strict('T'))
    const own = {
      serviceAccountName: 'strict',
      volumes: [{ secret: { secretName: 'ok' } }],
      imagePullSecrets: [{ name: 'pull' }],
    }
    assert.equal((await admit(own)).volumes?.length, 2)
  })

  test('are those with a true annotation', async () => {
    const { admit } = setUp(strict('yes'))
    await admit({ serviceAccountName: 'strict', volumes: [{ secret: { secretName: 'bad' } }] })
  })

  test('refuse ephemeral containers, too', async () => {
    const { plugin, podOf } = setUp(strict('true'))
    const ephemeralContainers = [{ name: 'e', envFrom: [{ secretRef: { name: 'bad' } }] }]
    const update = (account: string) =>
      asked('pods/ephemeralcontainers', {
        operation: 'UPDATE',
        namespace: 'n',
        object: podOf({ ephemeralContainers }),
        oldObject: podOf({ serviceAccountName: account }),
      })
    const { code, reason, message } = await refused(plugin, update('strict'))
    assert.deepEqual([code, reason], [500, undefined])
    assert.equal(message, `ephemeral container e with envFrom referencing secret.secretName="bad" ${ending}`)
    assert.equal((await refused(plugin, update(''))).message, 'pods "p" is forbidden: no service account specified for pod n/p')
  })
})

test('only new pods are touched', async () => {
  const { plugin, podOf } = setUp()
  const object = podOf({})
  await admitted(plugin, asked('pods', { operation: 'UPDATE', namespace: 'n', object, oldObject: podOf({}) }))
  await admitted(plugin, asked('pods/binding', { namespace: 'n', object }))
  await admitted(plugin, asked('pods.metrics.k8s.io', { namespace: 'n', object }))
  assert.deepEqual(object, podOf({}))
})

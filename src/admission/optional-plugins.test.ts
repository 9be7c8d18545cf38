import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { alwaysAdmit, alwaysDeny } from './always.ts'
import { alwaysPullImages } from './always-pull-images.ts'
import { denyServiceExternalIPs } from './deny-service-external-ips.ts'
import { extendedResourceToleration } from './extended-resource-toleration.ts'
import { limitPodHardAntiAffinityTopology } from './limit-pod-hard-anti-affinity-topology.ts'
import { namespaceExists } from './namespace-exists.ts'
import { admitted, asked, refused, TestObjects } from './testing.ts'

const of = (spec: JsonObject) => ({ metadata: { name: 'x' }, spec })
const updating = (resource: string, oldSpec: JsonObject, spec: JsonObject) =>
  asked(resource, { operation: 'UPDATE', object: of(spec), oldObject: of(oldSpec) })

test('AlwaysAdmit and AlwaysDeny', async () => {
  await admitted(alwaysAdmit, asked('pods', { object: of({}) }))
  const { message } = await refused(alwaysDeny, asked('pods', { object: of({}) }))
  assert.equal(message, 'pods "x" is forbidden: admission control is denying all modifications')
  assert(alwaysDeny.operations.includes('CONNECT'))
})

test('NamespaceExists', async () => {
  const objects = new TestObjects({ namespaces: [{ metadata: { name: 'here' } }] })
  const plugin = namespaceExists(objects)
  await admitted(plugin, asked('pods', { namespace: 'here', object: of({}) }))
  await admitted(plugin, asked('nodes', { object: of({}) }))
  await admitted(plugin, asked('namespaces', { namespace: 'new', object: of({}) }))
  const { code, message } = await refused(plugin, asked('pods', { operation: 'DELETE', namespace: 'gone', name: 'x' }))
  assert.deepEqual([code, message], [404, 'namespaces "gone" not found'])
  objects.beforeFresh = () => objects.add('namespaces', { metadata: { name: 'late' } })
  await admitted(plugin, asked('pods', { namespace: 'late', object: of({}) }))
})

test('DenyServiceExternalIPs', async () => {
  const [one, two] = [{ externalIPs: ['1.1.1.1'] }, { externalIPs: ['1.1.1.1', '2.2.2.2'] }]
  await admitted(denyServiceExternalIPs, asked('services', { object: of({}) }))
  await admitted(denyServiceExternalIPs, updating('services', two, one))
  await admitted(denyServiceExternalIPs, updating('services/status', {}, one))
  const why = 'services "x" is forbidden: Use of external IPs is denied by admission control'
  assert.equal((await refused(denyServiceExternalIPs, asked('services', { object: of(one) }))).message, why)
  assert.equal((await refused(denyServiceExternalIPs, updating('services', one, two))).message, why)
})

test('LimitPodHardAntiAffinityTopology', async () => {
  const pod = (...keys: string[]) => {
    const terms = keys.map((topologyKey) => ({ topologyKey }))
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: terms }
    return asked('pods', { object: of({ affinity: { podAntiAffinity } }) })
  }
  await admitted(limitPodHardAntiAffinityTopology, asked('pods', { object: of({}) }))
  await admitted(limitPodHardAntiAffinityTopology, pod('kubernetes.io/hostname'))
  const { message } = await refused(limitPodHardAntiAffinityTopology, pod('kubernetes.io/hostname', 'zone'))
  const what = 'affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone'
  assert.equal(message, `pods "x" is forbidden: ${what} but only key kubernetes.io/hostname is allowed`)
})

test('ExtendedResourceToleration', async () => {
  const container = (requests: JsonObject) => ({ name: 'c', resources: { requests } })
  const tolerations = async (spec: JsonObject) =>
    (await admitted(extendedResourceToleration, asked('pods', { object: of(spec) }))).spec.tolerations
  const toleration = (key: string) => ({ key, operator: 'Exists', effect: 'NoSchedule' })
  assert.equal(await tolerations({ containers: [container({ cpu: '1', 'kubernetes.io/batch': '1' })] }), undefined)
  const asking = {
    containers: [container({ 'b.example/x': '1' })],
    initContainers: [container({ 'a.example/x': '1', 'b.example/x': '1' })],
  }
  assert.deepEqual(await tolerations(asking), [toleration('a.example/x'), toleration('b.example/x')])
  const given = [toleration('b.example/x'), { ...toleration('a.example/x'), tolerationSeconds: 3 }, { key: 'c' }]
  assert.deepEqual(await tolerations({ ...asking, tolerations: given }), [
    toleration('b.example/x'),
    toleration('a.example/x'),
    { key: 'c' },
  ])
})

suite('AlwaysPullImages', () => {
  const spec = (image = 'i') => ({
    initContainers: [{ name: 'a', image }],
    containers: [{ name: 'b', image, imagePullPolicy: 'Never' }],
    volumes: [
      { name: 'v', image: { reference: 'r' } },
      { name: 'w', emptyDir: {} },
    ],
  })

  test('sets the policy of all that is new', async () => {
    const always = { imagePullPolicy: 'Always', image: 'i' }
    const pod = await admitted(alwaysPullImages, asked('pods', { object: of(spec()) }))
    assert.deepEqual(pod.spec, {
      initContainers: [{ name: 'a', ...always }],
      containers: [{ name: 'b', ...always }],
      volumes: [
        { name: 'v', image: { reference: 'r', pullPolicy: 'Always' } },
        { name: 'w', emptyDir: {} },
      ],
    })
    assert.deepEqual((await admitted(alwaysPullImages, updating('pods', spec(), spec()))).spec, spec())
    const changed = await admitted(alwaysPullImages, updating('pods', spec(), spec('new')))
    assert.deepEqual(changed.spec.containers, [{ name: 'b', image: 'new', imagePullPolicy: 'Always' }])
    assert.deepEqual((await admitted(alwaysPullImages, asked('pods/resize', { object: of(spec()) }))).spec, spec())
  })

  test('sees when another plugin undoes it', async () => {
    const containers = [{ name: 'b', image: 'i', imagePullPolicy: 'Never' }]
    const { validate } = alwaysPullImages
    const { code, message } = await refused(
      { ...alwaysPullImages, admit: () => {}, validate: validate! },
      asked('pods', { object: of({ containers }) }),
    )
    assert.equal(code, 500)
    const wrong = 'spec.containers[0].imagePullPolicy: Unsupported value: "Never": supported values: "Always"'
    assert.equal(message, `pods "x" is forbidden: ${wrong}`)
  })
})

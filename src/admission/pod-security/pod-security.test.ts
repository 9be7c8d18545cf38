import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Pod } from '../../generated/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { admitted, asked, refused, TestObjects } from '../testing.ts'
import { type PodSecurityDeps, podSecurity } from './pod-security.ts'
import { levelVersion, PRIVILEGED } from './policy.ts'

const label = (mode: string): string => `pod-security.kubernetes.io/${mode}`

function namespace(name: string, modes: Record<string, string> = {}): JsonObject {
  return { metadata: { name, labels: Object.fromEntries(Object.entries(modes).map(([mode, value]) => [label(mode), value])) } }
}

function plugin(deps: Partial<PodSecurityDeps> = {}): AdmissionPlugin {
  const namespaces = [
    namespace('free'),
    namespace('baseline', { enforce: 'baseline' }),
    namespace('warned', { warn: 'baseline' }),
    namespace('both', { enforce: 'baseline', warn: 'restricted', 'warn-version': 'v1.7' }),
    namespace('audited', { audit: 'restricted' }),
    namespace('broken', { enforce: 'nonsense' }),
  ]
  return podSecurity({ objects: new TestObjects({ namespaces }), podsIn: async () => [], ...deps })
}

const pod = (more: JsonObject = {}): JsonObject => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i' }], ...more },
})
const host = pod({ hostNetwork: true })
const VIOLATES = 'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'

async function warnings(resource: string, of: Parameters<typeof asked>[1], used = plugin()): Promise<string[]> {
  const texts: string[] = []
  await admitted(used, asked(resource, { warn: (text) => texts.push(text), ...of }))
  return texts
}

test('refuses pods that violate what is enforced', async () => {
  const status = await refused(plugin(), asked('pods', { namespace: 'baseline', object: host }))
  assert.equal(status.code, 403)
  assert.equal(status.message, `pods "p" is forbidden: ${VIOLATES}`)
  assert.deepEqual(status.details, { name: 'p', kind: 'pods' })
  assert.deepEqual(await warnings('pods', { namespace: 'baseline', object: pod() }), [])
  assert.match(
    String((await refused(plugin(), asked('pods', { namespace: 'broken', object: pod() }))).message),
    /"restricted:latest"/,
  )
})

test('calls pods by the name that was generated for them', async () => {
  const { message } = await refused(plugin(), asked('pods', { namespace: 'baseline', object: host, name: '' }))
  assert.equal(message, `pods "p" is forbidden: ${VIOLATES}`)
})

test('does nothing, at once, in namespaces that ask for nothing', () => {
  assert.equal(plugin().validate?.(asked('pods', { namespace: 'free', object: host })), undefined)
  assert.equal(plugin().validate?.(asked('leases.coordination.k8s.io', { namespace: 'gone' })), undefined)
})

test('warns of pods', async () => {
  assert.deepEqual(await warnings('pods', { namespace: 'warned', object: host }), [
    `would ${VIOLATES.replace('violates', 'violate')}`,
  ])
  assert.deepEqual(await warnings('pods', { namespace: 'both', object: pod() }), [
    'would violate PodSecurity "restricted:v1.7": runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
  ])
  assert.deepEqual(await warnings('pods', { namespace: 'audited', object: host }), [])
})

test('warns of workloads, and lets them in', async () => {
  const template = { spec: { hostNetwork: true, containers: [] } }
  const workloads = {
    'deployments.apps': { spec: { template } },
    'replicasets.apps': { spec: { template } },
    'statefulsets.apps': { spec: { template } },
    'daemonsets.apps': { spec: { template } },
    'jobs.batch': { spec: { template } },
    'cronjobs.batch': { spec: { jobTemplate: { spec: { template } } } },
    replicationcontrollers: { spec: { template } },
    podtemplates: { template },
  }
  for (const [resource, object] of Object.entries(workloads))
    assert.deepEqual(
      await warnings(resource, { namespace: 'baseline', object }),
      [`would ${VIOLATES.replace('violates', 'violate')}`],
      resource,
    )
  assert.deepEqual(await warnings('deployments.apps/scale', { namespace: 'baseline', object: workloads['jobs.batch'] }), [])
  assert.deepEqual(await warnings('deployments.example.com', { namespace: 'baseline', object: workloads['jobs.batch'] }), [])
  assert.deepEqual(await warnings('replicationcontrollers', { namespace: 'baseline', object: { spec: {} } }), [])
  assert.deepEqual(await warnings('jobs.batch', { namespace: 'gone', object: workloads['jobs.batch'] }), [])
})

test('updates count when they bring something to run', async () => {
  const update = (subresource: string, object: JsonObject, oldObject = host) =>
    asked(`pods${subresource}`, { operation: 'UPDATE', namespace: 'baseline', object, oldObject })
  await admitted(plugin(), update('', pod({ hostNetwork: true, activeDeadlineSeconds: 5 })))
  await admitted(plugin(), update('/status', pod({ hostNetwork: true, containers: [{ name: 'c', image: 'other' }] })))
  await admitted(plugin(), update('/resize', pod({ hostNetwork: true, containers: [{ name: 'c', image: 'i', resources: {} }] })))
  await refused(plugin(), update('', pod({ hostNetwork: true, containers: [{ name: 'c', image: 'other' }] })))
  await refused(plugin(), update('', pod({ hostNetwork: true, initContainers: [{ name: 'i' }] })))
  const debugged = pod({ hostNetwork: true, ephemeralContainers: [{ name: 'd', image: 'i' }] })
  await refused(plugin(), update('/ephemeralcontainers', debugged))
  await admitted(plugin(), update('/ephemeralcontainers', debugged, debugged))
})

test('says so when there is no namespace', async () => {
  const { code, message } = await refused(plugin(), asked('pods', { namespace: 'gone', object: host }))
  assert.equal(code, 500)
  assert.equal(message, 'Internal error occurred: failed to lookup namespace "gone"')
})

test('namespaces need labels that can be read, unless they had none before', async () => {
  const bad = namespace('ns', { enforce: 'x' })
  const { code, message } = await refused(plugin(), asked('namespaces', { object: bad }))
  assert.equal(code, 422)
  assert.equal(
    message,
    'Namespace "ns" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "x": must be one of privileged, baseline, restricted',
  )
  const update = (object: JsonObject, oldObject: JsonObject) => asked('namespaces', { operation: 'UPDATE', object, oldObject })
  await refused(plugin(), update(bad, namespace('ns')))
  await refused(plugin(), update(bad, namespace('ns', { enforce: 'y' })))
  await admitted(plugin(), update(bad, bad))
  await admitted(plugin(), asked('namespaces/status', { operation: 'UPDATE', object: bad, oldObject: namespace('ns') }))
})

test('a namespace that becomes stricter is told of its pods', async () => {
  const podsIn = async () => [() => host as CoreV1Pod]
  const about = (before: Record<string, string>, after: Record<string, string>) =>
    warnings(
      'namespaces',
      { operation: 'UPDATE', object: namespace('ns', after), oldObject: namespace('ns', before) },
      plugin({ podsIn }),
    )
  const head = 'existing pods in namespace "ns" violate the new PodSecurity enforce level'
  assert.deepEqual(await about({}, { enforce: 'baseline' }), [`${head} "baseline:latest"`, 'p: host namespaces'])
  assert.deepEqual(
    (await about({ enforce: 'restricted' }, { enforce: 'baseline', 'enforce-version': 'v1.3' }))[0],
    `${head} "baseline:v1.3"`,
  )
  assert.deepEqual(await about({ enforce: 'restricted' }, { enforce: 'baseline' }), [])
  assert.deepEqual(await about({ enforce: 'baseline' }, { enforce: 'baseline', warn: 'restricted' }), [])
  assert.deepEqual(await about({ enforce: 'baseline' }, {}), [])
  assert.deepEqual(await warnings('namespaces', { object: namespace('ns', { enforce: 'baseline' }) }, plugin({ podsIn })), [])
})

test('exempt are users, namespaces and runtime classes', async () => {
  const names = (...all: string[]) => new Set(all)
  const exemptions = (more: object) => ({ usernames: names(), namespaces: names(), runtimeClasses: names(), ...more })
  const attributes = asked('pods', { namespace: 'baseline', object: pod({ hostNetwork: true, runtimeClassName: 'vm' }) })
  await admitted(plugin({ exemptions: exemptions({ usernames: names('alice') }) }), attributes)
  await admitted(plugin({ exemptions: exemptions({ runtimeClasses: names('vm') }) }), attributes)
  const free = plugin({
    exemptions: exemptions({ namespaces: names('baseline') }),
    podsIn: async () => [() => host as CoreV1Pod],
  })
  await admitted(free, attributes)
  const ignored = 'namespace "baseline" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored'
  const object = namespace('baseline', { enforce: 'restricted' })
  assert.deepEqual(await warnings('namespaces', { object }, free), [ignored])
  assert.deepEqual(await warnings('namespaces', { operation: 'UPDATE', object, oldObject: namespace('baseline') }, free), [
    ignored,
  ])
  assert.deepEqual(await warnings('namespaces', { object: namespace('baseline') }, free), [])
})

test('defaults hold where labels say nothing', async () => {
  const defaults = { ...PRIVILEGED, enforce: levelVersion('baseline', 30) }
  const { message } = await refused(plugin({ defaults }), asked('pods', { namespace: 'free', object: host }))
  assert.match(String(message), /violates PodSecurity "baseline:v1.30"/)
})

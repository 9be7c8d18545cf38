import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Pod } from '../../generated/types.ts'
import { type CheckLimits, warningsAbout } from './existing-pods.ts'
import { levelVersion } from './policy.ts'

const BASELINE = levelVersion('baseline', Number.POSITIVE_INFINITY)
const HEAD = 'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"'

const pod = (name: string, spec: CoreV1Pod['spec'], controller?: string): CoreV1Pod => ({
  metadata: {
    name,
    ...(controller ? { ownerReferences: [{ apiVersion: 'v1', kind: 'K', name: 'k', uid: controller, controller: true }] } : {}),
  },
  spec,
})

function warnings(pods: CoreV1Pod[], limits?: CheckLimits): Promise<string[]> {
  const skips = ({ spec }: CoreV1Pod) => spec?.runtimeClassName === 'exempt'
  return warningsAbout(
    'ns',
    BASELINE,
    pods.map((one) => () => one),
    skips,
    limits,
  )
}

test('nothing to say of pods that keep the standard', async () => {
  assert.deepEqual(await warnings([pod('a', { containers: [{ name: 'c' }] })]), [])
  assert.deepEqual(await warnings([pod('a', { hostPID: true, runtimeClassName: 'exempt' })]), [])
})

test('pods that are wrong alike are told of together', async () => {
  const host = { hostNetwork: true }
  const both = { ...host, volumes: [{ name: 'v', hostPath: { path: '/' } }] }
  assert.deepEqual(
    await warnings([pod('z', both), pod('c', host), pod('b', host), pod('a', { hostPID: true }), pod('y', both)]),
    [HEAD, 'a (and 2 other pods): host namespaces', 'y (and 1 other pod): host namespaces, hostPath volumes'],
  )
})

test('looks at one pod of each controller first, and not at more than it may', async () => {
  const bad = { hostNetwork: true }
  const pods = [pod('a', {}, 'one'), pod('b', bad, 'one'), pod('c', {}, 'two'), pod('d', bad)]
  assert.deepEqual(await warnings(pods, { pods: 3, ms: 1000 }), [
    'new PodSecurity enforce level only checked against the first 3 of 4 existing pods',
    HEAD,
    'd: host namespaces',
  ])
  assert.deepEqual(await warnings(pods, { pods: 4, ms: 1000 }), [HEAD, 'b (and 1 other pod): host namespaces'])
  assert.equal(
    (await warnings(pods, { pods: 9, ms: 0 }))[0],
    'new PodSecurity enforce level only checked against the first 1 of 4 existing pods',
  )
})

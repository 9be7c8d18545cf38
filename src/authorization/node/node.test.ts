import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CoreV1Pod } from '../../generated/types.ts'
import type { UserInfo } from '../../machinery/user.ts'
import { type Attributes, resourceAttributes } from '../attributes.ts'
import { NodeGraph } from './graph.ts'
import { NodeAuthorizer } from './node.ts'

const kubelet = (node: string): UserInfo => ({ name: `system:node:${node}`, uid: '', groups: ['system:nodes'], extra: {} })

const pod = (name: string, nodeName: string, spec: CoreV1Pod['spec'] = {}): CoreV1Pod => ({
  metadata: { namespace: 'n', name },
  spec: { nodeName, ...spec },
})

function setUp(...pods: CoreV1Pod[]) {
  const graph = new NodeGraph()
  for (const one of pods) graph.setPod(one)
  const rules = [{ verbs: ['list'], apiGroups: [''], resources: ['services'] }]
  const authorizer = new NodeAuthorizer({ rules, graph: () => graph })
  const ask = (given: Partial<Attributes> & { verb: string; resource: string }, node = 'a') =>
    authorizer.authorize(kubelet(node), resourceAttributes({ namespace: 'n', ...given }))
  const may = (verb: string, resource: string, name: string, more: Partial<Attributes> = {}, node = 'a') =>
    (ask({ verb, resource, name, ...more }, node) as { verdict: string }).verdict === 'allow'
  return { graph, authorizer, ask, may }
}

suite('what a pod uses can be read by its node', () => {
  const uses = pod('p', 'a', {
    serviceAccountName: 'account',
    imagePullSecrets: [{ name: 'pull' }],
    containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'settings' } }] }],
    initContainers: [{ name: 'i', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'key', key: 'k' } } }] }],
    volumes: [
      { name: 'v', projected: { sources: [{ secret: { name: 'projected' } }] } },
      { name: 'scratch', ephemeral: {} },
      { name: 'data', persistentVolumeClaim: { claimName: 'claim' } },
    ],
    resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu-claim' }],
  })

  test('and by no other', () => {
    const { may } = setUp(uses, pod('other', 'b'))
    for (const [resource, name] of [
      ['secrets', 'pull'],
      ['secrets', 'key'],
      ['secrets', 'projected'],
      ['configmaps', 'settings'],
      ['persistentvolumeclaims', 'claim'],
      ['persistentvolumeclaims', 'p-scratch'],
      ['pods', 'p'],
    ] as const) {
      assert.ok(may('get', resource, name), name)
      assert.ok(!may('get', resource, name, {}, 'b'), `${name} by b`)
      assert.ok(!may('get', resource, name, { namespace: 'm' }), `${name} elsewhere`)
    }
    assert.ok(may('get', 'resourceclaims', 'gpu-claim', { apiGroup: 'resource.k8s.io' }))
    assert.ok(may('create', 'serviceaccounts', 'account', { subresource: 'token' }))
    assert.ok(!may('create', 'serviceaccounts', 'default', { subresource: 'token' }))
    assert.ok(may('watch', 'secrets', 'key'))
    assert.ok(!may('update', 'secrets', 'key'))
    assert.ok(may('patch', 'persistentvolumeclaims', 'claim', { subresource: 'status' }))
  })

  test('until the last pod that uses it goes', () => {
    const one = { imagePullSecrets: [{ name: 's' }] }
    const { graph, may } = setUp(pod('p', 'a', one), pod('q', 'a', one))
    graph.deletePod('n', 'p')
    assert.ok(may('get', 'secrets', 's'))
    graph.setPod(pod('q', 'b', one))
    assert.ok(!may('get', 'secrets', 's'))
    assert.ok(may('get', 'secrets', 's', {}, 'b'))
  })

  test('but nothing through the mirror pods that nodes make themselves', () => {
    const mirror = pod('m', 'a', { imagePullSecrets: [{ name: 's' }] })
    mirror.metadata!.annotations = { 'kubernetes.io/config.mirror': 'x' }
    const { may } = setUp(mirror)
    assert.ok(may('get', 'pods', 'm'))
    assert.ok(!may('get', 'secrets', 's'))
  })

  test('and what its volumes need, wherever it lies', () => {
    const { graph, may } = setUp(uses)
    graph.setVolume({
      metadata: { name: 'pv' },
      spec: {
        claimRef: { namespace: 'n', name: 'claim' },
        csi: {
          nodeStageSecretRef: { namespace: 'vault', name: 'mount' },
          controllerPublishSecretRef: { namespace: 'vault', name: 'attach' },
        },
      },
    } as Parameters<NodeGraph['setVolume']>[0])
    assert.ok(may('get', 'persistentvolumes', 'pv', { namespace: '' }))
    assert.ok(may('get', 'secrets', 'mount', { namespace: 'vault' }))
    assert.ok(!may('get', 'secrets', 'attach', { namespace: 'vault' }))
    graph.deleteVolume('pv')
    assert.ok(!may('get', 'secrets', 'mount', { namespace: 'vault' }))
  })
})

test('a node only reads itself and its pods, by name or by selector', () => {
  const { may, ask } = setUp()
  assert.ok(may('get', 'nodes', 'a', { namespace: '' }))
  assert.ok(!may('get', 'nodes', 'b', { namespace: '' }))
  assert.ok(may('list', 'pods', '', { fieldSelector: 'status.phase!=Failed,spec.nodeName=a' }))
  assert.ok(!may('list', 'pods', '', { fieldSelector: 'spec.nodeName=b' }))
  assert.ok(!may('list', 'pods', '', { fieldSelector: 'spec.nodeName!=a' }))
  assert.ok(may('list', 'pods', '', { fieldSelector: [{ key: 'spec.nodeName', operator: 'In', values: ['a'] }] }))
  assert.deepEqual(ask({ verb: 'list', resource: 'pods' }), {
    verdict: 'no opinion',
    reason: 'can only list/watch pods with spec.nodeName field selector',
  })
})

test('only users who are nodes are judged', () => {
  const { authorizer } = setUp()
  const services = resourceAttributes({ verb: 'list', resource: 'services' })
  const verdict = (user: UserInfo) => authorizer.authorize(user, services)
  assert.deepEqual(verdict(kubelet('a')), { verdict: 'allow', reason: '' })
  assert.deepEqual(verdict({ ...kubelet('a'), groups: [] }), { verdict: 'no opinion', reason: '' })
  assert.deepEqual(verdict(kubelet('')), { verdict: 'no opinion', reason: 'unknown node for user "system:node:"' })
})

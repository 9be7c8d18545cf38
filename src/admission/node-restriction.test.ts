import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { nodeRestriction } from './node-restriction.ts'
import { admitted, asked, refused, TestObjects } from './testing.ts'

const user = { name: 'system:node:a', uid: '', groups: ['system:nodes'], extra: {} }

const podOn = (name: string, nodeName: string, more: JsonObject = {}): JsonObject => ({
  metadata: { namespace: 'n', name, uid: `uid-${name}` },
  spec: { nodeName, ...more },
})

function setUp(restrictAudiences = true) {
  const objects = new TestObjects({
    nodes: [{ metadata: { name: 'a', uid: 'uid-a' } }],
    pods: [
      podOn('mine', 'a', { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { audience: 'vault' } }] } }] }),
      podOn('theirs', 'b'),
    ],
  })
  const access = { mayRequestAudience: async (_user: unknown, audience: string) => audience === 'granted' }
  const plugin = nodeRestriction({ objects, restrictAudiences, access })
  type Given = Parameters<typeof asked>[1]
  return {
    admit: (resource: string, given: Given) => admitted(plugin, asked(resource, { user, namespace: 'n', ...given })),
    refuse: async (resource: string, given: Given) =>
      (await refused(plugin, asked(resource, { user, namespace: 'n', ...given }))).message ?? '',
  }
}

const owner = { apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'uid-a', controller: true }
const mirror = (spec: JsonObject = {}, owners: JsonObject[] = [owner]): JsonObject => ({
  metadata: {
    namespace: 'n',
    name: 'm',
    annotations: { 'kubernetes.io/config.mirror': 'x' },
    ownerReferences: owners,
  },
  spec: { nodeName: 'a', containers: [], ...spec },
})

test('others are not looked at', async () => {
  const { admit } = setUp()
  await admit('nodes', { user: { ...user, groups: [] }, object: { metadata: { name: 'b' } } })
})

suite('pods', () => {
  test('are only made as mirror pods of the node itself, without references', async () => {
    const { admit, refuse } = setUp()
    await admit('pods', { object: mirror() })
    assert.match(await refuse('pods', { object: podOn('p', 'a') }), /can only create mirror pods$/)
    assert.match(await refuse('pods', { object: mirror({ nodeName: 'b' }) }), /with spec.nodeName set to itself$/)
    assert.match(await refuse('pods', { object: mirror({}, []) }), /with an owner reference set to itself$/)
    assert.match(await refuse('pods', { object: mirror({}, [{ ...owner, uid: 'x' }]) }), /UID mismatch: expected x got uid-a$/)
    assert.match(await refuse('pods', { object: mirror({ serviceAccountName: 's' }) }), /reference a service account$/)
    assert.match(await refuse('pods', { object: mirror({ imagePullSecrets: [{ name: 's' }] }) }), /reference secrets$/)
    const configMap = { volumes: [{ name: 'v', configMap: { name: 'c' } }] }
    assert.match(await refuse('pods', { object: mirror(configMap) }), /reference configmaps$/)
  })

  test('are only deleted, evicted and reported on where they run', async () => {
    const { admit, refuse } = setUp()
    await admit('pods', { operation: 'DELETE', oldObject: podOn('mine', 'a') })
    assert.match(await refuse('pods', { operation: 'DELETE', oldObject: podOn('theirs', 'b') }), /can only delete pods/)
    await admit('pods/eviction', { name: 'mine', object: {} })
    assert.match(await refuse('pods/eviction', { name: 'theirs', object: {} }), /can only evict pods/)
    const object = podOn('mine', 'a')
    await admit('pods/status', { operation: 'UPDATE', object, oldObject: podOn('mine', 'a') })
    const labelled = { ...object, metadata: { ...(object.metadata as JsonObject), labels: { a: 'b' } } }
    const relabel = { operation: 'UPDATE' as const, object: labelled, oldObject: podOn('mine', 'a') }
    assert.match(await refuse('pods/status', relabel), /cannot update labels through pod status$/)
    assert.match(await refuse('pods/exec', { object: {} }), /unexpected pod subresource "exec"/)
  })
})

test('a node sets neither its taints nor labels that steer workloads', async () => {
  const { admit, refuse } = setUp()
  const node = (labels: JsonObject, spec: JsonObject = {}): JsonObject => ({ metadata: { name: 'a', labels }, spec })
  await admit('nodes', { object: node({ 'kubernetes.io/hostname': 'a', 'node.kubernetes.io/x': '1', mine: '1' }) })
  const forbidden = { 'kubernetes.io/x': '1', 'x.node-restriction.kubernetes.io/y': '1' }
  assert.match(
    await refuse('nodes', { object: node(forbidden) }),
    /is not allowed to set the following labels: kubernetes.io\/x, x.node-restriction.kubernetes.io\/y$/,
  )
  const taints = {
    operation: 'UPDATE' as const,
    object: node({}, { taints: [] }),
    oldObject: node({}, { taints: [{ key: 'x' }] }),
  }
  assert.match(await refuse('nodes', taints), /is not allowed to modify taints$/)
  assert.match(await refuse('nodes/status', { object: { metadata: { name: 'b' } } }), /not allowed to modify node "b"$/)
})

test('tokens are for pods of the node, and for audiences that they name', async () => {
  const { admit, refuse } = setUp()
  const token = (name: string, audiences: string[] = ['vault'], uid = `uid-${name}`) => ({
    name: 'account',
    object: { spec: { audiences, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } } },
  })
  await admit('serviceaccounts/token', token('mine'))
  await admit('serviceaccounts/token', token('mine', ['granted']))
  assert.match(await refuse('serviceaccounts/token', token('theirs')), /bound to a pod scheduled on a different node$/)
  assert.match(await refuse('serviceaccounts/token', token('mine', ['vault'], 'x')), /UID in the bound object reference \(x\)/)
  assert.match(await refuse('serviceaccounts/token', token('gone')), /"gone" not found$/)
  assert.match(await refuse('serviceaccounts/token', { object: { spec: {} } }), /not bound to a pod$/)
  assert.match(
    await refuse('serviceaccounts/token', token('mine', ['other'])),
    /audience "other" not found in pod spec volume, system:node:a is not authorized to request tokens for this audience$/,
  )
  assert.match(await refuse('serviceaccounts/token', token('mine', ['a', 'b'])), /may only request 0 or 1 audiences$/)
  await setUp(false).admit('serviceaccounts/token', token('mine', ['other']))
})

test('leases, CSI nodes and slices are those of the node', async () => {
  const { admit, refuse } = setUp()
  const lease = (name: string) => ({ namespace: 'kube-node-lease', object: { metadata: { name } } })
  await admit('leases.coordination.k8s.io', lease('a'))
  assert.match(await refuse('leases.coordination.k8s.io', lease('b')), /the same name as the requesting node$/)
  assert.match(await refuse('csinodes.storage.k8s.io', { object: { metadata: { name: 'b' } } }), /can only access CSINode/)
  const slice = (nodeName: string) => ({ object: { spec: { nodeName } } })
  await admit('resourceslices.resource.k8s.io', slice('a'))
  assert.match(await refuse('resourceslices.resource.k8s.io', slice('b')), /can only create ResourceSlice/)
})

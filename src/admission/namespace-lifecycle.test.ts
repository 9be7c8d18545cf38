import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { admitted, asked, refused, TestObjects } from './testing.ts'

const objects = new TestObjects({
  namespaces: [
    { metadata: { name: 'here' }, status: { phase: 'Active' } },
    { metadata: { name: 'going' }, status: { phase: 'Terminating' } },
  ],
})
const plugin = namespaceLifecycle(objects)
const object = { metadata: { name: 'x' } }

suite('objects in namespaces', () => {
  test('need one', async () => {
    await admitted(plugin, asked('configmaps', { namespace: 'here', object }))
    const { code, message, details } = await refused(plugin, asked('configmaps', { namespace: 'none', object }))
    assert.equal(code, 404)
    assert.equal(message, 'namespaces "none" not found')
    assert.deepEqual(details, { name: 'none', kind: 'namespaces' })
  })

  test('are not updated either where there is none', async () => {
    const { code } = await refused(plugin, asked('configmaps', { operation: 'UPDATE', namespace: 'none', object }))
    assert.equal(code, 404)
  })

  test('are not created where all goes away, but updated and deleted', async () => {
    const { code, message, details } = await refused(plugin, asked('deployments.apps', { namespace: 'going', object }))
    assert.equal(code, 403)
    assert.equal(
      message,
      'deployments.apps "x" is forbidden: unable to create new content in namespace going because it is being terminated',
    )
    assert.deepEqual(details, {
      name: 'x',
      group: 'apps',
      kind: 'deployments',
      causes: [{ reason: 'NamespaceTerminating', message: 'namespace going is being terminated', field: 'metadata.namespace' }],
    })
    await admitted(plugin, asked('deployments.apps', { operation: 'UPDATE', namespace: 'going', object }))
    await admitted(plugin, asked('deployments.apps', { operation: 'DELETE', namespace: 'going' }))
    await admitted(plugin, asked('deployments.apps', { operation: 'DELETE', namespace: 'none' }))
  })

  test('are called by their generateName until they have a name', async () => {
    const unnamed = { metadata: { generateName: 'x-' } }
    const { message } = await refused(plugin, asked('pods', { namespace: 'going', object: unnamed }))
    assert.match(message ?? '', /^pods "x-" is forbidden/)
  })

  test('see a namespace that another server created just now', async () => {
    const late = new TestObjects()
    late.beforeFresh = () => late.add('namespaces', { metadata: { name: 'late' }, status: { phase: 'Active' } })
    await admitted(namespaceLifecycle(late), asked('configmaps', { namespace: 'late', object }))
  })
})

test('what is in no namespace is not looked at, and questions about access tell nothing', async () => {
  await admitted(plugin, asked('nodes', { object }))
  await admitted(plugin, asked('localsubjectaccessreviews.authorization.k8s.io', { namespace: 'none', object: {} }))
})

test('namespaces of the system stay', async () => {
  for (const name of ['default', 'kube-system', 'kube-public']) {
    const { code, message } = await refused(plugin, asked('namespaces', { operation: 'DELETE', name }))
    assert.equal(code, 403)
    assert.equal(message, `namespaces "${name}" is forbidden: this namespace may not be deleted`)
  }
  await admitted(plugin, asked('namespaces', { operation: 'DELETE', name: 'kube-node-lease' }))
  await admitted(plugin, asked('namespaces', { operation: 'UPDATE', name: 'default', object }))
})

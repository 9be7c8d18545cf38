import assert from 'node:assert/strict'
import test from 'node:test'
import type { RbacV1ClusterRole, RbacV1ClusterRoleBinding } from '../../generated/types.ts'
import { metaOf } from '../../machinery/object.ts'
import { MemoryObjects } from '../../testing/memory-objects.ts'
import { defaultBindings, defaultRoles, nodeRules } from './default-policy.ts'
import { reconcilePolicy } from './reconcile-policy.ts'

const GROUP = 'rbac.authorization.k8s.io'

const all = async (store: MemoryObjects) =>
  JSON.stringify(
    await Promise.all(
      ['clusterroles', 'roles', 'clusterrolebindings', 'rolebindings'].map((r) => store.objects(r, GROUP).list('')),
    ),
  )

test('the table is read as it was written', () => {
  const roles = new Map(defaultRoles().map((role) => [role.metadata?.name, role]))
  assert.deepEqual(roles.get('cluster-admin')?.rules, [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ])
  assert.deepEqual(roles.get('extension-apiserver-authentication-reader'), {
    metadata: {
      name: 'extension-apiserver-authentication-reader',
      namespace: 'kube-system',
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    },
    rules: [
      {
        verbs: ['get', 'list', 'watch'],
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['extension-apiserver-authentication'],
      },
    ],
  })
  const edit = roles.get('edit')
  assert.equal(edit?.rules, undefined)
  assert.equal(edit?.metadata?.labels?.[`${GROUP}/aggregate-to-admin`], 'true')
  assert.deepEqual(edit?.aggregationRule, {
    clusterRoleSelectors: [{ matchLabels: { [`${GROUP}/aggregate-to-edit`]: 'true' } }],
  })
  const dns = defaultBindings().find(({ metadata }) => metadata?.name === 'system:kube-dns')
  assert.deepEqual(dns?.subjects, [{ kind: 'ServiceAccount', name: 'kube-dns', namespace: 'kube-system' }])
  assert.ok(nodeRules().length > 10)
})

test('a fresh store gets everything; a second run changes nothing', async () => {
  const store = new MemoryObjects()
  await reconcilePolicy(store.objects)
  const counts = ['clusterroles', 'roles', 'clusterrolebindings', 'rolebindings'].map((r) => store.names(r, GROUP).length)
  assert.deepEqual(counts, [69, 7, 50, 7])
  const before = await all(store)
  await reconcilePolicy(store.objects)
  assert.equal(await all(store), before)
})

test('what is lacking is added, nothing is taken away', async () => {
  const store = new MemoryObjects()
  const roles = store.objects('clusterroles', GROUP)
  const extra = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
  await reconcilePolicy(store.objects)
  await roles.update('', 'system:discovery', (stored) => {
    const role = stored as RbacV1ClusterRole
    role.rules = [extra, { verbs: ['get'], nonResourceURLs: ['/api', '/apis*', '/healthz', '/livez', '/openapi*', '/readyz'] }]
    metaOf(role).labels = { mine: 'yes' }
    return role
  })
  await reconcilePolicy(store.objects)
  const { rules, metadata } = (await roles.get('', 'system:discovery')) as RbacV1ClusterRole
  assert.deepEqual(metadata?.labels, { 'kubernetes.io/bootstrapping': 'rbac-defaults', mine: 'yes' })
  assert.deepEqual(rules?.slice(2), [
    { nonResourceURLs: ['/api/*'], verbs: ['get'] },
    { nonResourceURLs: ['/version'], verbs: ['get'] },
    { nonResourceURLs: ['/version/'], verbs: ['get'] },
  ])
  assert.deepEqual(rules?.[0], extra)
})

test('what is protected stays as it is, and a binding to another role is made anew', async () => {
  const store = new MemoryObjects()
  const roles = store.objects('clusterroles', GROUP)
  const bindings = store.objects('clusterrolebindings', GROUP)
  await reconcilePolicy(store.objects)
  await roles.update('', 'system:discovery', (stored) => {
    const role = stored as RbacV1ClusterRole
    role.rules = []
    metaOf(role).annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' }
    return role
  })
  await bindings.update('', 'system:discovery', (stored) => {
    const binding = stored as RbacV1ClusterRoleBinding
    metaOf(binding).uid = 'u'
    binding.roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: 'cluster-admin' }
    return binding
  })
  await bindings.update('', 'system:basic-user', (stored) => ({ ...stored, subjects: [] }))
  await reconcilePolicy(store.objects)
  assert.deepEqual(((await roles.get('', 'system:discovery')) as RbacV1ClusterRole).rules, [])
  const discovery = (await bindings.get('', 'system:discovery')) as RbacV1ClusterRoleBinding
  assert.equal(discovery.roleRef?.name, 'system:discovery')
  const basic = (await bindings.get('', 'system:basic-user')) as RbacV1ClusterRoleBinding
  assert.deepEqual(basic.subjects, [{ apiGroup: GROUP, kind: 'Group', name: 'system:authenticated' }])
})

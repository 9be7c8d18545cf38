import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RbacV1ClusterRole } from '../generated/types.ts'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'

const ROLES = '/apis/rbac.authorization.k8s.io/v1/clusterroles'

const read = async (server: TestServer, name: string): Promise<RbacV1ClusterRole> =>
  (await (await server.request(`${ROLES}/${name}`)).json()) as RbacV1ClusterRole

/** Waits until a role's rules are for these resources. */
async function untilResources(server: TestServer, name: string, wanted: string[]): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { rules } = await read(server, name)
    const resources = (rules ?? []).flatMap((rule) => rule.resources ?? [])
    if (JSON.stringify(resources) === JSON.stringify(wanted)) return
    if (tries > 100) assert.deepEqual(resources, wanted)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const part = (name: string, resource: string, label = 'x') => ({
  metadata: { name, labels: { 'test/part-of': label } },
  rules: [{ verbs: ['get'], apiGroups: [''], resources: [resource] }],
})

test('admin, edit and view have their rules as soon as the server is ready', async () => {
  await using server = await startTestServer()
  for (const name of ['admin', 'edit', 'view']) assert.ok((await read(server, name)).rules!.length > 5, name)
  const admin = await read(server, 'admin')
  assert.ok(admin.rules?.some((rule) => rule.resources?.includes('rolebindings') && rule.verbs?.includes('create')))
})

test('an aggregated role follows its parts, sorted by name and each rule once', async () => {
  await using server = await startTestServer()
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { 'test/part-of': 'x' } }] }
  const make = (body: object) => server.request(ROLES, { method: 'POST', body })
  await make(part('b', 'secrets'))
  await make({ metadata: { name: 'whole' }, aggregationRule, rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['nodes'] }] })
  await untilResources(server, 'whole', ['secrets'])
  await make(part('a', 'pods'))
  await make(part('c', 'pods'))
  await make(part('d', 'nodes', 'another'))
  await untilResources(server, 'whole', ['pods', 'secrets'])
  await server.request(`${ROLES}/b`, { method: 'DELETE' })
  await untilResources(server, 'whole', ['pods'])
})

test('without the controller the rules stay as they are given', async () => {
  await using server = await startTestServer({ flags: { controllers: [] } })
  assert.equal((await read(server, 'view')).rules, null)
})

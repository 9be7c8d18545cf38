/**
 * What a decision costs with the default policy and 10,000 role bindings over 1,000 namespaces, in µs, and whether a change of a binding
 * is there for the next request: `node bench/authorization.ts`.
 */

import assert from 'node:assert/strict'
import { resourceAttributes } from '../src/authorization/attributes.ts'
import { AuthorizerChain, privilegedGroup } from '../src/authorization/authorizer.ts'
import { NodeGraph } from '../src/authorization/node/graph.ts'
import { NodeAuthorizer } from '../src/authorization/node/node.ts'
import { PolicyIndex } from '../src/authorization/rbac/policy-index.ts'
import { RbacAuthorizer } from '../src/authorization/rbac/rbac.ts'
import type { UserInfo } from '../src/machinery/user.ts'
import { defaultBindings, defaultRoles, nodeRules } from '../src/registry/bootstrap/default-policy.ts'
import { startTestServer } from '../src/testing/start-test-server.ts'

const NAMESPACES = 1000
const BINDINGS = 10_000
const DECISIONS = 200_000

const index = new PolicyIndex()
for (const { metadata, rules } of defaultRoles()) index.setRole(metadata?.namespace ?? '', metadata?.name ?? '', rules)
for (const { metadata, roleRef = {}, subjects = [] } of defaultBindings()) {
  index.setBinding({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', roleRef, subjects })
}
for (let i = 0; i < BINDINGS; i++) {
  const namespace = `ns-${i % NAMESPACES}`
  const nth = Math.floor(i / NAMESPACES)
  index.setRole(namespace, `role-${nth}`, [
    { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods', 'services', 'configmaps'] },
    { verbs: ['update'], apiGroups: ['apps'], resources: ['deployments', 'deployments/scale'], resourceNames: [`d-${nth}`] },
  ])
  index.setBinding({
    namespace,
    name: `binding-${nth}`,
    roleRef: { kind: 'Role', name: `role-${nth}` },
    subjects: [
      { kind: 'User', name: `user-${i % 100}` },
      { kind: 'Group', name: `team-${i % 10}` },
      { kind: 'ServiceAccount', name: `account-${nth}` },
    ],
  })
}

const graph = new NodeGraph()
const chain = new AuthorizerChain([
  privilegedGroup,
  new NodeAuthorizer({ rules: nodeRules(), graph: () => graph }),
  new RbacAuthorizer(index),
])

/** Some are allowed, some aren't; paths, names and subresources are among them. */
const questions = Array.from({ length: 5000 }, (_, i) => {
  const groups = [`team-${i % 10}`, `team-${(i + 3) % 10}`, 'devs', 'system:authenticated']
  const user: UserInfo = { name: `user-${(i * 7) % 100}`, uid: '', groups, extra: {} }
  const namespace = `ns-${(i * 13) % NAMESPACES}`
  const attributes = [
    resourceAttributes({ verb: 'get', resource: 'pods', namespace, name: 'p' }),
    resourceAttributes({ verb: 'list', resource: 'secrets', namespace }),
    resourceAttributes({
      verb: 'update',
      apiGroup: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace,
      name: 'd-3',
    }),
    { ...resourceAttributes({ verb: 'get', resource: '' }), isResource: false, path: '/apis/apps/v1' },
  ][i % 4]!
  return { user, attributes }
})

function decisions(): { median: number; p99: number; allowed: number } {
  const times = new Float64Array(DECISIONS)
  let allowed = 0
  for (let i = 0; i < DECISIONS; i++) {
    const { user, attributes } = questions[i % questions.length]!
    const begun = process.hrtime.bigint()
    const decision = chain.authorize(user, attributes)
    times[i] = Number(process.hrtime.bigint() - begun) / 1000
    if (!(decision instanceof Promise) && decision.verdict === 'allow') allowed++
  }
  times.sort()
  return { median: times[DECISIONS / 2]!, p99: times[Math.floor(DECISIONS * 0.99)]!, allowed: allowed / DECISIONS }
}

decisions()
const { median, p99, allowed } = decisions()
const percent = (share: number): string => `${Math.round(share * 100)} %`
console.log(`decision with ${BINDINGS} role bindings over ${NAMESPACES} namespaces (${percent(allowed)} allowed)`)
console.log(`  median ${median.toFixed(2)} µs, 99th percentile ${p99.toFixed(2)} µs (limit of the median: 20 µs)`)

const changed = performance.now()
for (let i = 0; i < 1000; i++) {
  const binding = { namespace: `ns-${i}`, name: 'binding-0', roleRef: { kind: 'Role', name: 'role-0' } }
  index.setBinding({ ...binding, subjects: [{ kind: 'Group', name: 'team-1' }] })
}
console.log(`a change of a binding: ${(performance.now() - changed).toFixed(1)} µs`)

await seenAtOnce()
assert.ok(median < 20)

/** Binds and unbinds a role over and over: each change has to be what the very next request meets. */
async function seenAtOnce(): Promise<void> {
  await using server = await startTestServer({ flags: { authorizationMode: ['RBAC'], controllers: [] }, storage: 'embedded' })
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'
  const body = {
    metadata: { name: 'bench' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node' },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:unauthenticated' }],
  }
  const rounds = 200
  for (let i = 0; i < rounds; i++) {
    await server.request(bindings, { method: 'POST', body })
    assert.equal((await server.request('/api/v1/services', { token: null })).status, 200)
    await server.request(`${bindings}/bench`, { method: 'DELETE' })
    assert.equal((await server.request('/api/v1/services', { token: null })).status, 403)
  }
  console.log(`the next request met each of ${2 * rounds} changes of a binding`)
}

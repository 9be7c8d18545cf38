import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { suite, test } from 'node:test'
import { startTestServer, type TestServer, type TestServerOptions } from '../src/testing/start-test-server.ts'
import { findKubectl, KUBECTL_VERSIONS, Kubectl, skipWithout } from './support/kubectl.ts'
import { temporaryFolder } from './support/server-process.ts'

const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const REVIEWS = '/apis/authorization.k8s.io/v1'
const API_GROUP = 'rbac.authorization.k8s.io'

interface Answer {
  status: number
  body: { message?: string; status?: { allowed?: boolean; reason?: string; evaluationError?: string } }
}

/** A server with what the tests need to speak as anybody. */
async function serverWith(options: TestServerOptions = {}) {
  const server = await startTestServer({ ...options, flags: { controllers: [], ...options.flags } })
  const as = async (user: string | undefined, method: string, url: string, body?: object): Promise<Answer> => {
    const [name = '', ...groups] = (user ?? '').split(' ')
    const headers: Record<string, string> = name ? { 'impersonate-user': name } : {}
    if (groups.length) headers['impersonate-group'] = groups.join()
    if (method === 'PATCH') headers['content-type'] = 'application/merge-patch+json'
    const answer = await server.request(url, { method, headers, ...(body ? { body } : {}) })
    const text = await answer.text()
    return {
      status: answer.status,
      body: answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : { message: text },
    }
  }
  const make = async (url: string, body: object): Promise<void> => {
    const { status, body: answer } = await as(undefined, 'POST', url, body)
    assert.equal(status, 201, JSON.stringify(answer))
  }
  return { server, as, make, [Symbol.asyncDispose]: () => server.close() }
}

const rule = (verbs: string, apiGroup: string, resources: string, resourceNames?: string[]) => ({
  verbs: verbs.split(','),
  apiGroups: [apiGroup],
  resources: resources.split(','),
  ...(resourceNames ? { resourceNames } : {}),
})
const roleBody = (name: string, ...rules: object[]) => ({ metadata: { name }, rules })
const bindingBody = (name: string, kind: string, role: string, user: string) => ({
  metadata: { name },
  roleRef: { apiGroup: API_GROUP, kind, name: role },
  subjects: [{ kind: 'User', apiGroup: API_GROUP, name: user }],
})

const ROLES = `${RBAC}/namespaces/default/roles`
const BINDINGS = `${RBAC}/namespaces/default/rolebindings`

suite('rights come and go with the very next request', () => {
  test('as bindings and roles change', async () => {
    await using s = await serverWith()
    const read = async () => (await s.as('ann', 'GET', '/api/v1/namespaces/default/pods')).status
    assert.equal(await read(), 403)
    await s.make(BINDINGS, bindingBody('b', 'Role', 'r', 'ann'))
    const { body } = await s.as('ann', 'GET', '/api/v1/namespaces/default/pods')
    assert.equal(
      body.message,
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "r" not found',
    )
    await s.make(ROLES, roleBody('r', rule('list', '', 'pods')))
    assert.equal(await read(), 200)
    await s.as(undefined, 'PATCH', `${ROLES}/r`, { rules: [] })
    assert.equal(await read(), 403)
    await s.as(undefined, 'PATCH', `${ROLES}/r`, { rules: [rule('*', '*', '*')] })
    assert.equal(await read(), 200)
    await s.as(undefined, 'DELETE', `${BINDINGS}/b`)
    assert.equal(await read(), 403)
  })

  test('and are there again after a restart', async () => {
    const dataDir = temporaryFolder('rbac')
    try {
      {
        await using s = await serverWith({ dataDir, storage: 'embedded' })
        await s.make(BINDINGS, bindingBody('b', 'ClusterRole', 'system:node', 'ann'))
      }
      await using s = await serverWith({ dataDir, storage: 'embedded' })
      assert.equal((await s.as('ann', 'GET', '/api/v1/namespaces/default/services')).status, 200)
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

  test('a PUT or an apply that creates needs the right to create', async () => {
    await using s = await serverWith()
    await s.make(ROLES, roleBody('r', rule('update,patch', 'coordination.k8s.io', 'leases')))
    await s.make(BINDINGS, bindingBody('b', 'Role', 'r', 'ann'))
    const url = '/apis/coordination.k8s.io/v1/namespaces/default/leases/x'
    const { status, body } = await s.as('ann', 'PUT', url, { metadata: { name: 'x' } })
    assert.equal(status, 403)
    assert.equal(
      body.message,
      'leases.coordination.k8s.io "x" is forbidden: User "ann" cannot create resource "leases" in API group "coordination.k8s.io" in the namespace "default"',
    )
    await s.as(undefined, 'PATCH', `${ROLES}/r`, { rules: [rule('update,create', 'coordination.k8s.io', 'leases')] })
    assert.equal((await s.as('ann', 'PUT', url, { metadata: { name: 'x' } })).status, 201)
  })
})

suite('nobody gives away more than they have', () => {
  const missing = (what: string, name: string, rules: string) =>
    `${what}.rbac.authorization.k8s.io "${name}" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n${rules}`

  test('in roles', async () => {
    await using s = await serverWith()
    await s.make(
      ROLES,
      roleBody(
        'own',
        rule('*', API_GROUP, 'roles', ['mine', 'other']),
        rule('create', API_GROUP, 'roles'),
        rule('get', '', 'pods'),
      ),
    )
    await s.make(BINDINGS, bindingBody('b', 'Role', 'own', 'ann'))
    assert.equal((await s.as('ann', 'POST', ROLES, roleBody('fine', rule('get', '', 'pods', ['x'])))).status, 201)
    const { status, body } = await s.as('ann', 'POST', ROLES, roleBody('more', rule('get,list', '', 'pods,secrets')))
    assert.equal(status, 403)
    const rules = [
      '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}',
      '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
    ]
    assert.equal(body.message, missing('roles', 'more', rules.join('\n')))
    // `*` on roles by name includes `escalate`, also where a PUT creates.
    assert.equal((await s.as('ann', 'PUT', `${ROLES}/mine`, roleBody('mine', rule('*', '*', '*')))).status, 201)
    assert.equal((await s.as('ann', 'PUT', `${ROLES}/fine`, roleBody('fine', rule('*', '*', '*')))).status, 403)
  })

  test('in bindings, unless they may bind the role', async () => {
    await using s = await serverWith()
    await s.make(ROLES, roleBody('strong', rule('*', '', 'secrets')))
    await s.make(ROLES, roleBody('own', rule('*', API_GROUP, 'rolebindings')))
    await s.make(BINDINGS, bindingBody('own', 'Role', 'own', 'ann'))
    const bind = async (role: string) => await s.as('ann', 'POST', BINDINGS, bindingBody(`to-${role}`, 'Role', role, 'ben'))
    assert.equal((await bind('own')).status, 201)
    const { body } = await bind('strong')
    assert.equal(body.message, missing('rolebindings', 'to-strong', '{APIGroups:[""], Resources:["secrets"], Verbs:["*"]}'))
    assert.deepEqual(
      [(await bind('gone')).status, (await bind('gone')).body.message],
      [404, 'rolebindings.rbac.authorization.k8s.io "gone" not found'],
    )
    await s.as(undefined, 'PATCH', `${ROLES}/own`, {
      rules: [rule('*', API_GROUP, 'rolebindings'), rule('bind', API_GROUP, 'roles', ['strong'])],
    })
    assert.equal((await bind('strong')).status, 201)
  })

  test('nor puts roles together from others', async () => {
    await using s = await serverWith()
    await s.make(`${RBAC}/clusterroles`, roleBody('maker', rule('create', API_GROUP, 'clusterroles')))
    await s.make(`${RBAC}/clusterrolebindings`, bindingBody('maker', 'ClusterRole', 'maker', 'ann'))
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }
    const { body } = await s.as('ann', 'POST', `${RBAC}/clusterroles`, { metadata: { name: 'whole' }, aggregationRule })
    assert.match(body.message ?? '', /must have cluster-admin privileges to use the aggregationRule$/)
  })
})

test('reviews answer for anybody, with the reason', async () => {
  await using s = await serverWith()
  const resourceAttributes = { verb: 'watch', resource: 'services' }
  const ask = async (spec: object) => (await s.as(undefined, 'POST', `${REVIEWS}/subjectaccessreviews`, { spec })).body.status
  assert.deepEqual(await ask({ user: 'system:kube-proxy', resourceAttributes }), {
    allowed: true,
    reason:
      'RBAC: allowed by ClusterRoleBinding "system:node-proxier" of ClusterRole "system:node-proxier" to User "system:kube-proxy"',
  })
  assert.deepEqual(await ask({ user: 'ann', resourceAttributes }), { allowed: false })
  assert.deepEqual(await ask({ user: 'ann', groups: ['system:masters'], resourceAttributes }), { allowed: true })
  const self = await s.as('ann', 'POST', `${REVIEWS}/selfsubjectaccessreviews`, {
    spec: { nonResourceAttributes: { verb: 'get', path: '/healthz' } },
  })
  assert.equal(self.body.status?.allowed, true)
})

suite('other modes', () => {
  const asNode = 'system:node:a system:nodes'

  test('NodeRestriction holds kubelets to their own node', async () => {
    await using s = await serverWith({ flags: { enableAdmissionPlugins: ['NodeRestriction'] } })
    const node = (name: string, labels = {}) => ({ metadata: { name, labels } })
    assert.equal((await s.as(asNode, 'POST', '/api/v1/nodes', node('a'))).status, 201)
    const other = await s.as(asNode, 'POST', '/api/v1/nodes', node('b'))
    assert.equal(other.body.message, 'nodes "b" is forbidden: node "a" is not allowed to modify node "b"')
    const relabel = await s.as(asNode, 'PATCH', '/api/v1/nodes/a', { metadata: { labels: { 'kubernetes.io/x': 'y' } } })
    assert.equal(relabel.body.message, 'nodes "a" is forbidden: is not allowed to modify labels: kubernetes.io/x')
  })

  test('AlwaysDeny leaves nothing open but to system:masters', async () => {
    await using s = await serverWith({ flags: { authorizationMode: ['AlwaysDeny'] } })
    const { status, body } = await s.as('ann', 'GET', '/version')
    assert.deepEqual([status, body.message], [403, 'forbidden: User "ann" cannot get path "/version": Everything is forbidden.'])
    assert.equal((await s.as(undefined, 'GET', '/api/v1/pods')).status, 200)
  })

  test('Webhook asks the server of a kubeconfig', async () => {
    const folder = temporaryFolder('webhook')
    const asked: { spec: { user: string } }[] = []
    const webhook = http.createServer((request, response) => {
      let text = ''
      request.on('data', (chunk) => (text += chunk))
      request.on('end', () => {
        const review = JSON.parse(text)
        asked.push(review)
        const allowed = review.spec.user === 'ann' && request.headers.authorization === 'Bearer secret'
        response.end(JSON.stringify({ ...review, status: { allowed, reason: 'says the webhook' } }))
      })
    })
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
    try {
      const file = path.join(folder, 'webhook.kubeconfig')
      const server = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/authorize`
      writeFileSync(
        file,
        `apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: w, user: u}}]\nclusters: [{name: w, cluster: {server: "${server}"}}]\nusers: [{name: u, user: {token: secret}}]\n`,
      )
      const flags = { authorizationMode: ['Webhook', 'RBAC'], authorizationWebhookConfigFile: file }
      await using s = await serverWith({ flags })
      assert.equal((await s.as('ann', 'GET', '/api/v1/pods')).status, 200)
      assert.equal((await s.as('ann', 'GET', '/api/v1/pods')).status, 200)
      assert.equal(asked.filter(({ spec }) => spec.user === 'ann').length, 1)
      assert.match((await s.as('ben', 'GET', '/api/v1/pods')).body.message ?? '', /at the cluster scope: says the webhook$/)
      assert.equal((await s.as('ben', 'GET', '/version')).status, 200)
    } finally {
      webhook.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('ABAC reads a policy file, and a broken one stops the start', async () => {
    const folder = temporaryFolder('abac')
    try {
      const file = path.join(folder, 'policy')
      writeFileSync(file, '{"user":"ann","resource":"pods","readonly":true}\n')
      const flags = { authorizationMode: ['ABAC'], authorizationPolicyFile: file }
      {
        await using s = await serverWith({ flags })
        assert.equal((await s.as('ann', 'GET', '/api/v1/pods')).status, 200)
        assert.equal((await s.as('ann', 'GET', '/api/v1/services')).status, 403)
      }
      writeFileSync(file, 'nonsense\n')
      await assert.rejects(serverWith({ flags }), /policy:1: /)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

for (const version of KUBECTL_VERSIONS) {
  const binary = findKubectl(version)
  suite(`kubectl ${version}`, { skip: skipWithout(`kubectl ${version}`, binary), timeout: 60_000 }, () => {
    test('a role is made, bound, asked about and used', async () => await tutorial(binary as string))
  })
}

/** Role, binding, `auth can-i`, and then the user's own token. */
async function tutorial(binary: string): Promise<void> {
  const home = temporaryFolder('home')
  try {
    const tokenAuthFile = path.join(home, 'tokens.csv')
    writeFileSync(tokenAuthFile, 'jane-token,jane,u-jane\n')
    await using server: TestServer = await startTestServer({ flags: { tokenAuthFile } })
    const kubectl = new Kubectl({ binary, kubeconfig: server.kubeconfig, namespace: 'default', home })
    const janes = new Kubectl({ binary, kubeconfig: kubeconfigWithToken(server, 'jane-token', home), namespace: 'default', home })
    const says = async (line: string, ...more: string[]) => (await kubectl.output([...line.split(' '), ...more])).stdout.trim()
    await kubectl.sh('create role pod-reader --verb=get,list --resource=pods')
    await kubectl.sh('create rolebinding read-pods --role=pod-reader --user=jane')
    assert.equal(await says('auth can-i get pods --as=jane'), 'yes')
    assert.equal(await says('auth can-i create pods --as=jane'), 'no')
    assert.equal(await says('auth can-i get pods --as=jane --namespace=kube-system'), 'no')
    assert.equal(await says('auth can-i', '*', '*'), 'yes')
    assert.match(await says('auth can-i --list --as=jane'), /^pods +\[\] +\[\] +\[get list\]$/m)
    assert.match(await says('auth can-i --list'), /^\*\.\* +\[\] +\[\] +\[\*\]$/m)

    const jane = async () => await janes.output(['get', 'pods'])
    const asJane = await jane()
    assert.equal(asJane.code, 0, asJane.stderr)
    await kubectl.sh('delete rolebinding read-pods')
    const { code, stderr } = await jane()
    assert.equal(code, 1)
    assert.match(stderr, /User "jane" cannot list resource "pods" in API group "" in the namespace "default"/)

    const reconciled = [
      { kind: 'Role', ...roleBody('pod-reader', rule('watch', '', 'pods')) },
      { kind: 'RoleBinding', ...bindingBody('read-pods', 'Role', 'pod-reader', 'jane') },
    ].map((object) => ({ ...object, apiVersion: `${API_GROUP}/v1`, metadata: { ...object.metadata, namespace: 'default' } }))
    for (const object of reconciled) await kubectl.sh('auth reconcile --filename=-', JSON.stringify(object))
    assert.equal(await says('auth can-i watch pods --as=jane'), 'yes')
    assert.equal(await says('auth can-i get pods --as=jane'), 'yes')
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** A kubeconfig for the holder of a token, who has no certificate. */
function kubeconfigWithToken(server: TestServer, token: string, folder: string): string {
  const file = path.join(folder, 'token.kubeconfig')
  const cluster = { server: server.url, 'certificate-authority-data': Buffer.from(server.ca).toString('base64') }
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token } }],
    }),
  )
  return file
}

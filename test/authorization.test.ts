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

suite('a file with authorizers', () => {
  type Review = { spec: { user: string; resourceAttributes?: { verb: string } } }

  /** A webhook that says what `answer` says, and remembers whom it was asked about. */
  async function webhook(folder: string, name: string, answer: (review: Review) => object | undefined) {
    const asked: string[] = []
    const server = http.createServer((request, response) => {
      let text = ''
      request.on('data', (part) => {
        text += part
      })
      request.on('end', () => {
        const review = JSON.parse(text) as Review
        asked.push(review.spec.user)
        const status = answer(review)
        response.writeHead(status ? 200 : 403, { 'content-type': 'application/json' })
        response.end(status ? JSON.stringify({ ...review, status }) : '')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const kubeconfig = path.join(folder, `${name}.kubeconfig`)
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/authorize`
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': 'x',
        contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
        clusters: [{ name: 'x', cluster: { server: url } }],
        users: [{ name: 'x', user: {} }],
      }),
    )
    const close = (): void => {
      server.closeAllConnections()
      server.close()
    }
    return { asked, kubeconfig, [Symbol.dispose]: close }
  }

  const entryOf = (name: string, kubeConfigFile: string, more: object = {}): object => ({
    type: 'Webhook',
    name,
    webhook: {
      timeout: '3s',
      subjectAccessReviewVersion: 'v1',
      matchConditionSubjectAccessReviewVersion: 'v1',
      failurePolicy: 'NoOpinion',
      connectionInfo: { type: 'KubeConfigFile', kubeConfigFile },
      ...more,
    },
  })
  const document = (...authorizers: object[]): string =>
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers })

  test('several webhooks, each asked only where its conditions hold', async () => {
    const folder = temporaryFolder('authorizers')
    using first = await webhook(folder, 'first', ({ spec }) => ({ allowed: false, denied: spec.user === 'eve', reason: 'first' }))
    using second = await webhook(folder, 'second', ({ spec }) =>
      spec.user === 'down' ? undefined : { allowed: spec.user === 'ann', reason: 'second' },
    )
    const conditions = (...expressions: string[]) => ({ matchConditions: expressions.map((expression) => ({ expression })) })
    const config = path.join(folder, 'authorization.yaml')
    const chain = [
      entryOf('first', first.kubeconfig, conditions("has(request.resourceAttributes) && request.user != 'skipped'")),
      { type: 'RBAC', name: 'rbac' },
      entryOf('second', second.kubeconfig, {
        failurePolicy: 'Deny',
        ...conditions("request.user != 'broken' || request.resourceAttributes.labelSelector.rawSelector == ''"),
      }),
    ]
    writeFileSync(config, document(...chain))
    await using s = await serverWith({ flags: { authorizationConfig: config } })
    const get = async (user: string, url = '/api/v1/secrets') => await s.as(user, 'GET', url)

    assert.equal((await get('ann')).status, 200)
    assert.deepEqual([first.asked, second.asked], [['ann'], ['ann']])
    const refused = await get('eve')
    assert.match(refused.body.message ?? '', /at the cluster scope: first$/)
    assert.equal((await get('skipped')).status, 403)
    assert.deepEqual(
      [first.asked, second.asked],
      [
        ['ann', 'eve'],
        ['ann', 'skipped'],
      ],
    )
    assert.equal((await get('ben', '/version')).status, 200, 'RBAC comes before the second')
    assert.equal(first.asked.includes('ben'), false, 'no resource')
    assert.equal((await get('down')).status, 500, 'no answer, and the policy is to deny')
    const broken = await get('broken')
    assert.equal(broken.status, 500)
    assert.match(broken.body.message ?? '', /cel evaluation error: expression '.*' resulted in error: no such key: labelSelector/)
    assert.equal((await get('broken', '/api/v1/secrets?labelSelector=')).status, 500)
    assert.equal(second.asked.includes('broken'), false)

    rmSync(folder, { recursive: true })
  })

  test('files that can not be used', async () => {
    const folder = temporaryFolder('authorizers')
    const good = path.join(folder, 'x.kubeconfig')
    writeFileSync(good, '{}')
    const rbac = { type: 'RBAC', name: 'rbac' }
    const hook = (more: object): string => document(entryOf('hook', good, more))
    const bad: [string, string][] = [
      [document(), 'authorizers: Required value: at least one authorization mode must be defined'],
      [document({ name: 'x' }), 'authorizers[0].type: Required value'],
      [
        document({ type: 'X', name: 'x' }),
        'authorizers[0].type: Unsupported value: "X": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
      ],
      [document(rbac, rbac), 'authorizers[1].type: Duplicate value: "RBAC"'],
      [document(rbac, { type: 'Node', name: 'rbac' }), 'authorizers[1].name: Duplicate value: "rbac"'],
      [document({ type: 'RBAC' }), 'authorizers[0].name: Required value'],
      [
        document({ ...rbac, webhook: {} }),
        'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
      ],
      [document({ type: 'Webhook', name: 'x' }), 'authorizers[0].webhook: Required value: required when type=Webhook'],
      [hook({ timeout: undefined }), 'authorizers[0].timeout: Required value'],
      [hook({ timeout: '31s' }), 'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s'],
      [hook({ authorizedTTL: '-1s' }), 'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s'],
      [hook({ unauthorizedTTL: '0s' }), 'authorizers[0].unauthorizedTTL: Required value'],
      [
        hook({ subjectAccessReviewVersion: 'v2' }),
        'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
      ],
      [hook({ failurePolicy: undefined }), 'authorizers[0].failurePolicy: Required value'],
      [
        hook({ failurePolicy: 'Allow' }),
        'authorizers[0].failurePolicy: Unsupported value: "Allow": supported values: "NoOpinion", "Deny"',
      ],
      [
        hook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'x' } }),
        'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "x": must be an absolute path',
      ],
      [
        hook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/no/such' } }),
        'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "/no/such": error loading file: stat /no/such: no such file or directory',
      ],
      [hook({ matchConditions: [{ expression: ' ' }] }), 'authorizers[0].matchConditions[0].expression: Required value'],
      [
        hook({ matchConditions: [{ expression: 'true' }, { expression: 'true' }] }),
        'authorizers[0].matchConditions[1].expression: Duplicate value: "true"',
      ],
      [
        hook({ matchConditions: [{ expression: 'request.user' }] }),
        'authorizers[0].matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool but got string',
      ],
      [
        hook({ matchConditions: [{ expression: 'request.nosuch' }] }),
        `authorizers[0].matchConditions[0].expression: Invalid value: "request.nosuch": compilation failed: ERROR: <input>:1:8: undefined field 'nosuch'\n | request.nosuch\n | .......^`,
      ],
      [
        hook({ matchConditionSubjectAccessReviewVersion: undefined, matchConditions: [{ expression: 'true' }] }),
        'authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
      ],
    ]
    const file = path.join(folder, 'bad.yaml')
    for (const [content, message] of bad) {
      writeFileSync(file, content)
      await assert.rejects(startTestServer({ flags: { authorizationConfig: file } }), { message: `${file}: ${message}` }, content)
    }
    writeFileSync(file, document(rbac))
    await assert.rejects(
      startTestServer({ flags: { authorizationConfig: file, authorizationMode: ['RBAC'] } }),
      /--authorization-config can not be specified when --authorization-mode or --authorization-webhook-\* flags are defined/,
    )
    rmSync(folder, { recursive: true })
  })
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

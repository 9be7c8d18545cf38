import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { startTestServer, type TestServer } from '../../src/testing/start-test-server.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'impersonation-'))
let server: TestServer

before(async () => {
  const tokens = path.join(dir, 'tokens.csv')
  const users = ['alice', 'bob', 'carol', 'dave', 'erin', 'agent', 'olga'].map((name) => `${name}-token,${name},${name}\n`)
  writeFileSync(tokens, users.join(''))
  server = await startTestServer({ flags: { tokenAuthFile: tokens } })
})
after(async () => {
  await server.close()
  rmSync(dir, { recursive: true })
})

const RBAC = '/apis/rbac.authorization.k8s.io/v1'

type Rule = [group: string, resource: string, verb: string, names?: string[]]

let roles = 0

/** Lets a user do more. */
async function allow(user: string, ...rules: Rule[]): Promise<void> {
  const name = `role-${++roles}`
  await create(`${RBAC}/clusterroles`, {
    metadata: { name },
    rules: rules.map(([group, resource, verb, resourceNames]) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [verb],
      ...(resourceNames ? { resourceNames } : {}),
    })),
  })
  await create(`${RBAC}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  })
}

async function create(url: string, body: object): Promise<void> {
  const answer = await server.request(url, { method: 'POST', body })
  assert.equal(answer.status, 201, await answer.clone().text())
}

interface Answer {
  code: number
  message?: string
  user?: { username: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> }
}

/** Asks who one is, with headers as they are: repeated ones stay so. */
function whoAmI(token: string, headers: Record<string, string | string[]>): Promise<Answer> {
  const url = `${server.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`
  const options = { method: 'POST', ca: server.ca, agent: false as const, servername: 'localhost' }
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }
    const sent = request(url, { ...options, headers: all as Record<string, string | string[]> }, (answer) => {
      text(answer).then((body) => {
        const { message, status } = JSON.parse(body)
        resolve({ code: answer.statusCode ?? 0, message, user: status?.userInfo })
      }, reject)
    })
    sent.on('error', reject)
    sent.end('{}')
  })
}

const admin = (headers: Record<string, string | string[]>) => whoAmI(server.admin.token, headers)

test('who may do everything may be anybody', async () => {
  assert.deepEqual((await admin({ 'Impersonate-User': 'jane' })).user, { username: 'jane', groups: ['system:authenticated'] })
  for (const [user, groups] of Object.entries({
    'system:serviceaccount:ns:bot': ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
    'system:serviceaccount:ns:': ['system:authenticated'],
    'system:node:n': ['system:nodes', 'system:authenticated'],
    'system:node:N!': ['system:authenticated'],
  })) {
    assert.deepEqual((await admin({ 'Impersonate-User': user })).user?.groups, groups, user)
  }
  const given = { 'Impersonate-User': 'jane', 'Impersonate-Group': 'system:authenticated' }
  assert.deepEqual((await admin(given)).user?.groups, ['system:authenticated'])
  assert.deepEqual(
    (
      await admin({
        'IMPERSONATE-USER': 'jane',
        'impersonate-group': ['a, b', 'c'],
        'Impersonate-Uid': 'u-1',
        'Impersonate-Extra-Scopes': ['view', 'edit'],
        'Impersonate-Extra-Acme.com%2FProject': 'x',
      })
    ).user,
    {
      username: 'jane',
      uid: 'u-1',
      groups: ['a, b', 'c', 'system:authenticated'],
      extra: { 'acme.com/project': ['x'], scopes: ['view', 'edit'] },
    },
  )
  // Whoever isn't authenticated may not even ask who they are.
  for (const headers of [
    { 'Impersonate-User': 'system:anonymous' },
    { 'Impersonate-User': 'jane', 'Impersonate-Group': 'system:unauthenticated' },
  ]) {
    assert.match(
      (await admin(headers as Record<string, string>)).message ?? '',
      /User "(system:anonymous|jane)" cannot create resource/,
    )
  }
})

test('headers that name no user', async () => {
  for (const [headers, printed] of [
    [{ 'Impersonate-Group': ['a', 'b'] }, 'Name:"", UID:"", Groups:[]string{"a", "b"}, Extra:map[string][]string(nil)'],
    [{ 'Impersonate-Uid': 'u"1' }, 'Name:"", UID:"u\\"1", Groups:[]string(nil), Extra:map[string][]string(nil)'],
    [
      { 'Impersonate-Extra-b': 'y', 'Impersonate-Extra-a': ['x', 'z'], 'Impersonate-User': '' },
      'Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"a":[]string{"x", "z"}, "b":[]string{"y"}}',
    ],
  ] as const) {
    const { code, message } = await admin(headers as Record<string, string | string[]>)
    assert.equal(code, 400)
    assert.equal(message, `requested &user.DefaultInfo{${printed}} without impersonating a user name`)
  }
  assert.equal((await admin({ 'Impersonate-User': '' })).user?.username, 'admin', 'nobody is as good as none')
})

test('who may not is told the first right that is missing', async () => {
  const { code, message } = await whoAmI('alice-token', { 'Impersonate-User': 'jane' })
  assert.equal(code, 403)
  const review = 'resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope'
  assert.equal(
    message,
    `selfsubjectreviews.authentication.k8s.io is forbidden: User "alice" cannot impersonate-on:user-info:create ${review}`,
  )
  const unknown = await whoAmI('nobody', { 'Impersonate-User': 'jane' })
  assert.deepEqual([unknown.code, unknown.message], [401, 'Unauthorized'])
})

test('the old right, by user, group, uid and extra', async () => {
  await allow('bob', ['', 'users', 'impersonate', ['jane']], ['', 'groups', 'impersonate', ['devs']])
  await allow('bob', ['authentication.k8s.io', 'userextras/scopes', 'impersonate', ['view']])
  const bob = (headers: Record<string, string | string[]>) => whoAmI('bob-token', { 'Impersonate-User': 'jane', ...headers })
  assert.equal((await bob({})).user?.username, 'jane')
  assert.equal((await bob({ 'Impersonate-Group': 'devs', 'Impersonate-Extra-scopes': 'view' })).code, 201)
  for (const [headers, what] of [
    [{ 'Impersonate-User': 'joe' }, 'users "joe"'],
    [{ 'Impersonate-Group': ['devs', 'ops'] }, 'groups "ops"'],
    [{ 'Impersonate-Group': 'devs, ops' }, 'groups "devs, ops"'],
    [{ 'Impersonate-Uid': 'u' }, 'uids.authentication.k8s.io "u"'],
    [{ 'Impersonate-Extra-scopes': ['view', 'edit'] }, 'userextras.authentication.k8s.io "edit"'],
    [{ 'Impersonate-User': 'system:serviceaccount:default:bot' }, 'serviceaccounts "bot"'],
    [{ 'Impersonate-User': 'system:node:n' }, 'users "system:node:n"'],
  ] as const) {
    const { code, message } = await bob(headers as Record<string, string | string[]>)
    assert.equal(code, 403)
    assert.ok(message?.startsWith(`${what} is forbidden: User "bob" cannot impersonate resource`), message ?? 'no message')
  }
})

test('constrained: the user, and what is done as them', async () => {
  const reviews: Rule = ['authentication.k8s.io', 'selfsubjectreviews', 'impersonate-on:user-info:create']
  await allow('carol', ['authentication.k8s.io', 'users', 'impersonate:user-info', ['jane']], reviews)
  await allow('carol', ['authentication.k8s.io', 'groups', 'impersonate:user-info', ['*']])
  const carol = (headers: Record<string, string | string[]>) => whoAmI('carol-token', { 'Impersonate-User': 'jane', ...headers })
  assert.deepEqual((await carol({})).user, { username: 'jane', groups: ['system:authenticated'] })
  const many = ['a', 'b', 'c', 'd']
  assert.deepEqual((await carol({ 'Impersonate-Group': many })).user?.groups, [...many, 'system:authenticated'])
  const refused = async (headers: Record<string, string | string[]>, message: RegExp): Promise<void> => {
    const answer = await carol(headers)
    assert.equal(answer.code, 403)
    assert.match(answer.message ?? '', message)
  }
  await refused(
    { 'Impersonate-User': 'joe' },
    /^users\.authentication\.k8s\.io "joe" is forbidden: .* cannot impersonate:user-info/,
  )
  await refused({ 'Impersonate-Group': ['a'] }, /^groups\.authentication\.k8s\.io "a" is forbidden/)
  await refused({ 'Impersonate-Group': [...many, 'system:masters'] }, /impersonating the system:masters group is not allowed$/)
  await refused(
    { 'Impersonate-Extra-scopes': 'x' },
    /impersonating an invalid key in extra is not allowed: extra\.key: Invalid value/,
  )
  await refused({ 'Impersonate-User': 'system:node:n' }, /cannot impersonate-on:arbitrary-node:create resource/)
  const list = await server.request('/api/v1/pods', { token: 'carol-token', headers: { 'Impersonate-User': 'jane' } })
  assert.match(await list.text(), /cannot impersonate-on:user-info:list resource \\"pods\\"/, 'something else as the same user')
})

test('constrained: service accounts and nodes', async () => {
  const on = (mode: string): Rule => ['authentication.k8s.io', 'selfsubjectreviews', `impersonate-on:${mode}:create`]
  await allow('dave', on('serviceaccount'), ['authentication.k8s.io', 'serviceaccounts', 'impersonate:serviceaccount', ['bot']])
  await allow('erin', on('arbitrary-node'), ['authentication.k8s.io', 'nodes', 'impersonate:arbitrary-node', ['n']])
  const bot = await whoAmI('dave-token', { 'Impersonate-User': 'system:serviceaccount:default:bot' })
  assert.deepEqual(bot.user?.groups, ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'])
  assert.equal((await whoAmI('dave-token', { 'Impersonate-User': 'system:serviceaccount:default:other' })).code, 403)
  const node = await whoAmI('erin-token', { 'Impersonate-User': 'system:node:n' })
  assert.deepEqual(node.user, { username: 'system:node:n', groups: ['system:nodes', 'system:authenticated'] })
  assert.equal((await whoAmI('erin-token', { 'Impersonate-User': 'system:node:m' })).code, 403)
  // A name with more than a name is none of these modes'.
  const more = { 'Impersonate-User': 'system:node:n', 'Impersonate-Group': 'system:nodes' }
  assert.equal((await whoAmI('erin-token', more)).code, 403)
})

test('constrained: an agent as the node that it runs on', async () => {
  const base = '/api/v1/namespaces/default'
  await create(`${base}/serviceaccounts`, { metadata: { name: 'agent' } })
  await create('/api/v1/nodes', { metadata: { name: 'home' } })
  const pod = {
    metadata: { name: 'agent' },
    spec: { serviceAccountName: 'agent', nodeName: 'home', containers: [{ name: 'c', image: 'i' }] },
  }
  await create(`${base}/pods`, pod)
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'agent' }
  const issued = await server.request(`${base}/serviceaccounts/agent/token`, {
    method: 'POST',
    body: { spec: { boundObjectRef } },
  })
  const { status } = (await issued.json()) as { status: { token: string } }
  const account = 'system:serviceaccount:default:agent'
  await allow(account, ['authentication.k8s.io', 'selfsubjectreviews', 'impersonate-on:associated-node:create'])
  const as = (node: string) => whoAmI(status.token, { 'Impersonate-User': `system:node:${node}` })
  assert.match(
    (await as('home')).message ?? '',
    /^nodes\.authentication\.k8s\.io "\*" is forbidden: .* cannot impersonate:associated-node/,
  )
  await allow(account, ['authentication.k8s.io', 'nodes', 'impersonate:associated-node'])
  assert.deepEqual((await as('home')).user, { username: 'system:node:home', groups: ['system:nodes', 'system:authenticated'] })
  assert.match((await as('away')).message ?? '', /cannot impersonate-on:arbitrary-node:create/)
})

test('rights are those of the other user', async () => {
  await allow('olga', ['', 'users', 'impersonate', ['reader']])
  await allow('reader', ['', 'configmaps', 'list'])
  const ask = (url: string, headers: Record<string, string>) => server.request(url, { token: 'olga-token', headers })
  assert.equal((await ask('/api/v1/configmaps', { 'Impersonate-User': 'reader' })).status, 200)
  assert.equal((await ask('/api/v1/configmaps', {})).status, 403)
  assert.equal((await ask('/api/v1/secrets', { 'Impersonate-User': 'reader' })).status, 403)
})

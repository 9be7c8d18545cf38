import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { CompactSign, createLocalJWKSet, jwtVerify } from 'jose'
import { startTestServer, type TestServer } from '../../src/testing/start-test-server.ts'
import { authority, serving } from '../support/certificates.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'tokens-'))
after(() => rmSync(dir, { recursive: true }))

function file(name: string, content: string): string {
  const at = path.join(dir, name)
  writeFileSync(at, content)
  return at
}

// biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came, and fail when it isn't there
async function post(server: TestServer, url: string, body: object, token?: string): Promise<any> {
  const answer = await server.request(url, { method: 'POST', body, ...(token === undefined ? {} : { token }) })
  return await answer.json()
}

const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts'
const bot = (server: TestServer) => post(server, ACCOUNTS, { metadata: { name: 'bot' } })
const review = async (server: TestServer, token: string, audiences: string[] = []) =>
  (await post(server, '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences } })).status
const whoAmI = async (server: TestServer, token: string) =>
  (await post(server, '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, token)).status.userInfo
const payloadOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString())

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

test('a token says what it is bound to, and others can verify it', async () => {
  await using server = await startTestServer()
  const account = await bot(server)
  const node = await post(server, '/api/v1/nodes', { metadata: { name: 'n' } })
  const pod = await post(server, '/api/v1/namespaces/default/pods', {
    metadata: { name: 'p' },
    spec: { serviceAccountName: 'bot', nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  })
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p' }
  const { spec, status } = await post(server, `${ACCOUNTS}/bot/token`, { spec: { expirationSeconds: 600, boundObjectRef } })
  const issuer = 'https://kubernetes.default.svc.cluster.local'
  const payload = payloadOf(status.token)
  assert.deepEqual(payload, {
    aud: [issuer],
    exp: payload.iat + 600,
    iat: payload.iat,
    iss: issuer,
    jti: payload.jti,
    'kubernetes.io': {
      namespace: 'default',
      node: { name: 'n', uid: node.metadata.uid },
      pod: { name: 'p', uid: pod.metadata.uid },
      serviceaccount: { name: 'bot', uid: account.metadata.uid },
    },
    nbf: payload.iat,
    sub: 'system:serviceaccount:default:bot',
  })
  assert.deepEqual(Object.keys(payload), Object.keys(payload).sort(), 'in the order of their names')
  assert.equal(spec.expirationSeconds, 600)
  assert.equal(Date.parse(status.expirationTimestamp), payload.exp * 1000)
  const configuration = await (await server.request('/.well-known/openid-configuration')).json()
  assert.deepEqual(configuration, {
    issuer,
    jwks_uri: (configuration as { jwks_uri: string }).jwks_uri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  })
  assert.equal((await server.request('/.well-known/openid-configuration/')).status, 200)
  const keys = await server.request('/openid/v1/jwks', { headers: { accept: 'application/jwk-set+json' } })
  assert.equal(keys.headers.get('content-type'), 'application/jwk-set+json')
  assert.equal(keys.headers.get('cache-control'), 'public, max-age=3600')
  const verified = await jwtVerify(status.token, createLocalJWKSet((await keys.json()) as never), { issuer })
  assert.equal(verified.payload.jti, payload.jti)
})

test('what pods are given lives longer, but no token longer than the flag says', async () => {
  const flags = { serviceAccountMaxTokenExpiration: 2 * 3600 * 1000 }
  await using server = await startTestServer({ flags })
  await bot(server)
  const pod = { metadata: { name: 'p' }, spec: { serviceAccountName: 'bot', containers: [{ name: 'c', image: 'i' }] } }
  await post(server, '/api/v1/namespaces/default/pods', pod)
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p' }
  const issue = (spec: object) => post(server, `${ACCOUNTS}/bot/token`, { spec })
  const seconds = ({ status }: { status: { token: string } }): number => payloadOf(status.token).exp - payloadOf(status.token).iat
  const usual = await issue({ expirationSeconds: 3607, boundObjectRef })
  assert.equal(seconds(usual), 365 * 24 * 3600)
  assert.equal(payloadOf(usual.status.token)['kubernetes.io'].warnafter, payloadOf(usual.status.token).iat + 3607)
  assert.equal(usual.spec.expirationSeconds, 3607)
  assert.equal(seconds(await issue({ expirationSeconds: 3607 })), 3607, 'not bound to a pod')
  assert.equal(seconds(await issue({ expirationSeconds: 3607, boundObjectRef, audiences: ['vault'] })), 3607, 'for others')
  const answer = await server.request(`${ACCOUNTS}/bot/token`, { method: 'POST', body: { spec: { expirationSeconds: 10_000 } } })
  assert.equal(answer.headers.get('warning'), '299 - "requested expiration of 10000 seconds shortened to 7200 seconds"')
  assert.equal(((await answer.json()) as { spec: { expirationSeconds: number } }).spec.expirationSeconds, 7200)
})

test('keys of every kind, old and new, and several issuers', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
  const publicPem = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string
  const keyFiles = [
    file('old.pub', publicPem(p384.privateKey) + publicPem(rsa.privateKey)),
    file('new.key', pem(p521.privateKey)),
  ]
  for (const [{ privateKey }, alg] of [
    [rsa, 'RS256'],
    [p384, 'ES384'],
    [p521, 'ES512'],
  ] as const) {
    const flags = {
      serviceAccountIssuer: ['https://new.example', 'https://old.example'],
      apiAudiences: ['api'],
      serviceAccountKeyFile: keyFiles,
      serviceAccountSigningKeyFile: file('signing.key', pem(privateKey)),
    }
    await using server = await startTestServer({ flags })
    const { metadata } = await bot(server)
    const { status } = await post(server, `${ACCOUNTS}/bot/token`, { spec: {} })
    assert.equal(headerOf(status.token).alg, alg)
    assert.equal(payloadOf(status.token).iss, 'https://new.example')
    assert.equal((await whoAmI(server, status.token)).uid, metadata.uid)
    // As they were issued before the issuer was renamed, by each of the keys.
    for (const [{ privateKey: other }, algorithms] of [
      [rsa, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
      [p384, ['ES384']],
      [p521, ['ES512']],
    ] as const) {
      for (const algorithm of algorithms) {
        const claims = { ...payloadOf(status.token), iss: 'https://old.example' }
        const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
          .setProtectedHeader({ alg: algorithm })
          .sign(other)
        assert.equal((await review(server, token)).authenticated, true, algorithm)
      }
    }
  }
  const ed25519 = generateKeyPairSync('ed25519')
  const unusable = file('ed25519.key', pem(ed25519.privateKey))
  await assert.rejects(startTestServer({ flags: { serviceAccountSigningKeyFile: unusable } }), /neither RSA nor ECDSA/)
  const empty = file('empty.key', 'nothing')
  const keys = { serviceAccountSigningKeyFile: file('signing.key', pem(rsa.privateKey)), serviceAccountKeyFile: [empty] }
  await assert.rejects(startTestServer({ flags: keys }), /neither RSA nor ECDSA keys/)
})

test('tokens of the old kind, in secrets', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await using server = await startTestServer({ flags: { serviceAccountSigningKeyFile: file('sa.key', pem(privateKey)) } })
  const { metadata } = await bot(server)
  const claims = {
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:default:bot',
    'kubernetes.io/serviceaccount/namespace': 'default',
    'kubernetes.io/serviceaccount/secret.name': 'bot-token',
    'kubernetes.io/serviceaccount/service-account.name': 'bot',
    'kubernetes.io/serviceaccount/service-account.uid': metadata.uid,
  }
  const token = await new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
  assert.equal((await review(server, token)).error, '[invalid bearer token, Token has been invalidated]')
  const SECRET = '/api/v1/namespaces/default/secrets'
  const data = { token: Buffer.from(token).toString('base64') }
  await post(server, SECRET, { metadata: { name: 'bot-token' }, data })
  assert.deepEqual(await whoAmI(server, token), {
    username: 'system:serviceaccount:default:bot',
    uid: metadata.uid,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
  })
  for (let i = 0; ; i++) {
    const secret = (await (await server.request(`${SECRET}/bot-token`)).json()) as { metadata: { labels?: object } }
    if (secret.metadata.labels) {
      const today = new Date().toISOString().slice(0, 10)
      assert.deepEqual(secret.metadata.labels, { 'kubernetes.io/legacy-token-last-used': today })
      break
    }
    assert.ok(i < 100, 'its last use is noted')
  }
  const patch = (url: string, body: object) =>
    server.request(url, { method: 'PATCH', body, headers: { 'content-type': 'application/merge-patch+json' } })
  await patch(`${ACCOUNTS}/bot`, { secrets: [{ name: 'bot-token' }] })
  const warned = await server.request('/version', { token })
  assert.match(warned.headers.get('warning') ?? '', /instead of auto-generated secret-based tokens/)
  await patch(`${SECRET}/bot-token`, { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } } })
  assert.match((await review(server, token)).error, /has been marked invalid/)
  await patch(`${SECRET}/bot-token`, { data: { token: 'b3RoZXI=' }, metadata: { labels: null } })
  assert.equal((await review(server, token)).error, "[invalid bearer token, Token does not match server's copy]")
  await server.request(`${SECRET}/bot-token`, { method: 'DELETE' })
  assert.equal((await server.request('/version', { token })).status, 401)
})

test('bootstrap tokens', async () => {
  let now = Date.now()
  await using server = await startTestServer({ flags: { enableBootstrapTokenAuth: true }, clock: () => now })
  const SECRETS = '/api/v1/namespaces/kube-system/secrets'
  const add = (id: string, changes: object = {}, type = 'bootstrap.kubernetes.io/token') =>
    post(server, SECRETS, {
      metadata: { name: `bootstrap-token-${id}` },
      type,
      stringData: {
        'token-id': id,
        'token-secret': '0123456789abcdef',
        'usage-bootstrap-authentication': 'true',
        ...changes,
      },
    })
  await add('abcdef', {
    expiration: new Date(now + 60_000).toISOString(),
    'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a',
  })
  const good = 'abcdef.0123456789abcdef'
  assert.deepEqual(await whoAmI(server, good), {
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b', 'system:authenticated'],
  })
  await add('unused', { 'usage-bootstrap-authentication': 'false' })
  await add('groups', { 'auth-extra-groups': 'system:masters' })
  await add('otherr', { 'token-id': 'abcdef' })
  await add('expire', { expiration: 'some day' })
  await add('opaque', {}, 'Opaque')
  for (const id of ['unused', 'groups', 'otherr', 'expire', 'opaque', 'nobody']) {
    assert.equal((await server.request('/version', { token: `${id}.0123456789abcdef` })).status, 401, id)
  }
  for (const token of ['abcdef.0123456789abcdee', 'abcdef.0123456789abcde', 'ABCDEF.0123456789abcdef', `${good}.`]) {
    assert.equal((await server.request('/version', { token })).status, 401, token)
  }
  now += 61_000
  assert.equal((await server.request('/version', { token: good })).status, 401, 'it has expired')
  await using closed = await startTestServer()
  assert.equal((await closed.request('/version', { token: good })).status, 401, 'they are off by default')
})

test('a webhook is asked whose a token is, and its answers are remembered', async () => {
  const ca = authority('webhook-ca')
  const asked: {
    headers: Record<string, unknown>
    review: { apiVersion: string; spec: { token: string; audiences: string[] } }
  }[] = []
  let broken = 0
  const webhook = createServer(serving(ca), (request, response) => {
    void text(request).then((body) => {
      const review = JSON.parse(body)
      asked.push({ headers: request.headers, review })
      if (broken-- > 0) return response.writeHead(503).end('not now')
      const known = review.spec.token === 'hooked'
      const user = { username: 'hooked-user', uid: 'u', groups: ['g'], extra: { k: ['v'] } }
      const status = known ? { authenticated: true, user } : { authenticated: false, error: 'never heard of it' }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...review, status }))
    })
  })
  webhook.listen(0, '127.0.0.1')
  await once(webhook, 'listening')
  const { port } = webhook.address() as AddressInfo
  const kubeconfig = file(
    'webhook.kubeconfig',
    `apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: w, user: me}}]
clusters: [{name: w, cluster: {server: "https://localhost:${port}/review", certificate-authority: webhook-ca.crt}}]
users: [{name: me, user: {token: my-secret}}]
`,
  )
  file('webhook-ca.crt', ca.certificatePem)
  let now = Date.now()
  const flags = {
    authenticationTokenWebhookConfigFile: kubeconfig,
    authenticationTokenWebhookVersion: 'v1',
    authenticationTokenWebhookCacheTtl: 60_000,
    apiAudiences: ['api'],
  }
  const log: string[] = []
  try {
    await using server = await startTestServer({ flags, clock: () => now, log: (line) => log.push(line) })
    const user = { username: 'hooked-user', uid: 'u', groups: ['g', 'system:authenticated'], extra: { k: ['v'] } }
    const [first, second] = await Promise.all([whoAmI(server, 'hooked'), whoAmI(server, 'hooked')])
    assert.deepEqual(first, user)
    assert.deepEqual(second, user)
    assert.equal(asked.length, 1, 'once, though two asked')
    assert.equal(asked[0]!.headers.authorization, 'Bearer my-secret')
    assert.equal(asked[0]!.review.apiVersion, 'authentication.k8s.io/v1')
    assert.deepEqual(asked[0]!.review.spec, { token: 'hooked', audiences: ['api'] })
    assert.equal((await server.request('/version')).status, 200)
    assert.equal(asked.length, 1, 'nobody is asked about tokens that the server knows')
    assert.equal((await review(server, 'unknown')).error, '[invalid bearer token, never heard of it]')
    now += 61_000
    broken = 2
    assert.deepEqual(await whoAmI(server, 'hooked'), user, 'after a while it is asked again, until it answers')
    assert.ok(!log.join('\n').includes('hooked'))
  } finally {
    webhook.closeAllConnections()
    webhook.close()
  }
  const bad = file('bad.kubeconfig', 'current-context: c\n')
  await assert.rejects(
    startTestServer({ flags: { authenticationTokenWebhookConfigFile: bad } }),
    /bad\.kubeconfig: there is no context "c"/,
  )
})

test('a token in the protocols of a WebSocket', async () => {
  await using server = await startTestServer()
  const protocol = `base64url.bearer.authorization.k8s.io.${Buffer.from(server.admin.token).toString('base64url')}`
  const ask = (headers: Record<string, string>) => server.request('/api/v1/namespaces/default', { token: null, headers })
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
  assert.equal((await ask({ ...upgrade, 'sec-websocket-protocol': `${protocol}, v4.channel.k8s.io` })).status, 200)
  assert.equal((await ask({ ...upgrade, 'sec-websocket-protocol': protocol })).status, 401, 'alone')
  assert.equal((await ask({ ...upgrade, 'sec-websocket-protocol': `${protocol}, ${protocol}, x` })).status, 401, 'twice')
  assert.equal((await ask({ 'sec-websocket-protocol': `${protocol}, x` })).status, 403, 'another request')
})

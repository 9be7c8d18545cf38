import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { CompactSign } from 'jose'
import { startTestServer, type TestServer } from '../../src/testing/start-test-server.ts'
import { type Authority, authority, client } from '../support/certificates.ts'

// Whatever somebody makes up must be refused, with a 401 and no reason, and must not take long.

const UNAUTHORIZED = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'Unauthorized',
  reason: 'Unauthorized',
  code: 401,
}
const LONGEST = 2_000
const ISSUER = 'https://attacked.example'

const dir = mkdtempSync(path.join(tmpdir(), 'attacks-'))
const pki = path.join(dir, 'pki')
const proxyCa: Authority = authority('proxy-ca')
const logged: string[] = []
let server: TestServer
let key: KeyObject
let account: { uid: string }

before(async () => {
  writeFileSync(path.join(dir, 'proxy-ca.crt'), proxyCa.certificatePem)
  server = await startTestServer({
    flags: {
      certDir: pki,
      anonymousAuth: false,
      serviceAccountIssuer: [ISSUER, 'https://other-issuer.example'],
      requestheaderClientCaFile: path.join(dir, 'proxy-ca.crt'),
      requestheaderAllowedNames: ['front-proxy'],
      requestheaderUsernameHeaders: ['X-Remote-User'],
      requestheaderGroupHeaders: ['X-Remote-Group'],
      requestheaderExtraHeadersPrefix: ['X-Remote-Extra-'],
    },
    log: (line) => logged.push(line),
  })
  key = createPrivateKey(readFileSync(path.join(pki, 'sa.key')))
  account = (await create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'bot' } })).metadata
})
after(async () => {
  await server.close()
  rmSync(dir, { recursive: true })
})

// biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came, and fail when it isn't there
async function create(url: string, body: object): Promise<any> {
  const answer = await server.request(url, { method: 'POST', body })
  assert.equal(answer.status, 201, `POST ${url}`)
  return await answer.json()
}

async function refused(token: string, what: string): Promise<void> {
  const began = performance.now()
  const answer = await server.request('/api/v1/namespaces/default', { token })
  assert.equal(answer.status, 401, what)
  assert.deepEqual(await answer.json(), UNAUTHORIZED, what)
  assert.ok(performance.now() - began < LONGEST, `${what} took ${performance.now() - began} ms`)
}

async function accepted(token: string): Promise<void> {
  const url = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const answer = await server.request(url, { method: 'POST', body: {}, token })
  assert.equal(answer.status, 201, await answer.clone().text())
}

const tokenFor = async (name: string, spec: object = {}): Promise<string> =>
  (await create(`/api/v1/namespaces/default/serviceaccounts/${name}/token`, { spec })).status.token

const now = (): number => Math.floor(Date.now() / 1000)
const claims = (changes: object = {}): object => ({
  aud: [ISSUER],
  exp: now() + 3600,
  iat: now(),
  nbf: now(),
  iss: ISSUER,
  sub: 'system:serviceaccount:default:bot',
  'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'bot', uid: account.uid } },
  ...changes,
})
const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const sign = (payload: unknown, by: KeyObject = key, header: object = {}): Promise<string> =>
  new CompactSign(Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)))
    .setProtectedHeader({ alg: by.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256', ...header })
    .sign(by)

test('what is made here is accepted when it is as it should be', async () => {
  await accepted(await sign(claims()))
  await accepted(await tokenFor('bot'))
})

test('claims that are not good, well signed', async () => {
  for (const [what, changes] of Object.entries({
    expired: { exp: now() - 7200 },
    'not yet valid': { nbf: now() + 3600 },
    'issued in the future': { iat: now() + 3600 },
    'for another audience': { aud: ['https://elsewhere.example'] },
    'for an audience that only begins the same': { aud: [`${ISSUER}/`] },
    'of another issuer': { iss: 'https://elsewhere.example' },
    'of an issuer of another case': { iss: ISSUER.toUpperCase() },
    'of no issuer': { iss: undefined },
    'of a list of issuers': { iss: [ISSUER] },
    'for an audience of the wrong type': { aud: 7 },
    'with an end of the wrong type': { exp: 'never' },
    'for a missing account': { 'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'none', uid: 'x' } } },
    'for an account of another uid': { 'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'bot', uid: 'x' } } },
    'for an account of no uid': { 'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'bot' } } },
    'for an account in another namespace': {
      'kubernetes.io': { namespace: '../default', serviceaccount: { name: 'bot', uid: account.uid } },
    },
    'without what Kubernetes adds': { 'kubernetes.io': undefined },
    'with that in another type': { 'kubernetes.io': 'default' },
    'with lists in it': { 'kubernetes.io': { namespace: ['default'], serviceaccount: ['bot'] } },
    'bound to a missing pod': {
      'kubernetes.io': {
        namespace: 'default',
        serviceaccount: { name: 'bot', uid: account.uid },
        pod: { name: 'none', uid: 'x' },
      },
    },
    'bound to a missing node': {
      'kubernetes.io': {
        namespace: 'default',
        serviceaccount: { name: 'bot', uid: account.uid },
        node: { name: 'none', uid: 'x' },
      },
    },
    'of the old kind, in no secret': { iss: 'kubernetes/serviceaccount' },
    'of the old kind, in a missing secret': {
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': 'default',
      'kubernetes.io/serviceaccount/secret.name': 'none',
      'kubernetes.io/serviceaccount/service-account.name': 'bot',
      'kubernetes.io/serviceaccount/service-account.uid': account.uid,
    },
  })) {
    await refused(await sign(claims(changes)), what)
  }
})

test('signatures of nobody, or of somebody else', async () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const kid = JSON.parse(Buffer.from((await tokenFor('bot')).split('.')[0]!, 'base64url').toString()).kid as string
  const publicKey = createPublicKey(key)
  const jwk = createPublicKey(stranger).export({ format: 'jwk' })
  const payload = base64(claims())
  for (const alg of ['none', 'None', 'NONE', '', undefined]) {
    await refused(`${base64({ alg, kid })}.${payload}.`, `alg ${alg} without a signature`)
    await refused(`${base64({ alg, kid })}.${payload}.${(await sign(claims())).split('.')[2]}`, `alg ${alg} with one`)
  }
  for (const secret of [
    publicKey.export({ type: 'spki', format: 'pem' }),
    publicKey.export({ type: 'spki', format: 'der' }),
    readFileSync(path.join(pki, 'sa.pub')),
    '',
  ]) {
    const signed = `${base64({ alg: 'HS256', kid })}.${payload}`
    await refused(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`, 'the public key as a secret')
  }
  await refused(await sign(claims(), stranger), 'the key of a stranger')
  await refused(await sign(claims(), stranger, { kid }), 'the key of a stranger under our id')
  await refused(await sign(claims(), stranger, { jwk }), 'a key that the token brings')
  await refused(await sign(claims(), stranger, { jku: 'https://127.0.0.1:1/keys' }), 'a place for keys that the token names')
  await refused(await sign(claims(), curve, { kid }), 'another kind of key')
  await refused(await sign(claims(), key, { alg: 'PS256', kid: 'x' }), 'another way to sign, by an id of no key')
  await refused(await sign(claims(), key, { kid: '../../etc/passwd' }), 'an id of no key')
  await refused(await sign(claims({ iss: 'https://other-issuer.example' }), stranger), 'a stranger for our other issuer')
  const [header, body, signature] = (await sign(claims())).split('.')
  const raw = Buffer.from(signature!, 'base64url')
  const half = raw.length / 2
  const [first, second] = [raw.subarray(0, half), raw.subarray(half)]
  for (const [what, changed] of [
    ['zeros', Buffer.alloc(raw.length)],
    ['half of it', first],
    ['its halves exchanged', Buffer.concat([second, first])],
    ['more than it', Buffer.concat([raw, Buffer.alloc(1)])],
    ['a bit of it changed', Buffer.concat([raw.subarray(0, -1), Buffer.from([raw.at(-1)! ^ 1])])],
  ] as const) {
    await refused(`${header}.${body}.${changed.toString('base64url')}`, `as its signature ${what}`)
  }
})

test('tokens that were changed', async () => {
  const token = await sign(claims())
  const [header, body, signature] = token.split('.') as [string, string, string]
  await accepted(token)
  await refused(`${header}.${base64(claims({ sub: 'system:serviceaccount:kube-system:admin' }))}.${signature}`, 'other claims')
  await refused(`${base64({ alg: 'RS256', kid: '' })}.${body}.${signature}`, 'another header')
  await refused(`${header}.${body}`, 'no signature')
  await refused(`${header}.${body}.`, 'an empty signature')
  await refused(`.${body}.${signature}`, 'an empty header')
  await refused(`${header}..${signature}`, 'empty claims')
  await refused(`${token}.`, 'a fourth part')
  await refused(`${token}.${signature}`, 'a fourth part with something in it')
  await refused(`${token}=`, 'padding')
  await refused(`${token}!`, 'a character that is none of it')
  await refused(`${header}.${body}.${signature.replace(/^./, '*')}`, 'a strange character within')
  await refused(`${header}%2E${body}%2E${signature}`, 'escapes')
  await refused(JSON.stringify({ payload: body, protected: header, signature }), 'the other way to write it')
  for (let length = 1; length < token.length; length += 37)
    await refused(token.slice(0, length), `the first ${length} characters`)
  for (let at = 3; at < token.length; at += 53) {
    if (token[at] === '.') continue
    await refused(token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1), `character ${at} changed`)
  }
  for (const header of [
    { crit: ['exp'], exp: 1 },
    { crit: ['b64'], b64: false },
    { zip: 'DEF', crit: ['zip'] },
  ]) {
    const forged = `${base64({ alg: 'RS256', ...header })}.${body}.${signature}`
    await refused(forged, `a header that asks for more: ${JSON.stringify(header)}`)
  }
})

test('tokens that are enormous, or deeply nested', async () => {
  const deep = (depth: number): string => `{"iss":"${ISSUER}","x":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const objects = (depth: number): string => `{"iss":"${ISSUER}","x":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`
  await refused(await sign(deep(50_000)), 'nested lists, well signed')
  await refused(await sign(objects(20_000)), 'nested objects, well signed')
  await refused(`${base64(deep(20_000))}.${base64(claims())}.x`, 'a nested header')
  await refused(await sign(claims({ aud: Array.from({ length: 10_000 }, (_, i) => `a${i}`) })), 'many audiences')
  await refused('a'.repeat(900_000), 'a long word')
  await refused('a.'.repeat(400_000), 'many dots')
  await refused('.'.repeat(900_000), 'nothing but dots')
  await refused(await sign(claims({ padding: 'x'.repeat(600_000) })), 'long claims, well signed')
  // A review's body may hold more than a header.
  for (const token of ['a.b.c'.repeat(400_000), await sign(deep(500_000)), `${'é'.repeat(100_000)}.${'é'.repeat(100_000)}.x`]) {
    const began = performance.now()
    const review = { spec: { token } }
    const answer = await server.request('/apis/authentication.k8s.io/v1/tokenreviews', { method: 'POST', body: review })
    assert.equal(answer.status, 201)
    const { status } = (await answer.json()) as { status: { authenticated?: boolean; error: string } }
    assert.equal(status.authenticated, undefined)
    assert.ok(status.error.length < 1000, 'what is said doesn’t grow with what was asked')
    assert.ok(performance.now() - began < LONGEST)
  }
})

test('tokens end with what they are bound to', async () => {
  const remove = async (url: string): Promise<void> => {
    const answer = await server.request(url, { method: 'DELETE' })
    assert.equal(answer.status, 200, url)
  }
  const base = '/api/v1/namespaces/default'
  const pod = { metadata: { name: 'p' }, spec: { serviceAccountName: 'bot', containers: [{ name: 'c', image: 'i' }] } }
  const things = [
    { url: `${base}/pods`, name: 'p', body: pod, kind: 'Pod', options: '?gracePeriodSeconds=0' },
    { url: `${base}/secrets`, name: 's', body: { metadata: { name: 's' } }, kind: 'Secret', options: '' },
    { url: '/api/v1/nodes', name: 'n', body: { metadata: { name: 'n' } }, kind: 'Node', options: '' },
  ]
  for (const { url, name, body, kind, options } of things) {
    await create(url, body)
    const token = await tokenFor('bot', { boundObjectRef: { apiVersion: 'v1', kind, name } })
    await accepted(token)
    await remove(`${url}/${name}${options}`)
    await refused(token, `a token of a ${kind} that is gone`)
    await create(url, body)
    await refused(token, `a token of a ${kind} that is another one`)
  }
  await create(`${base}/serviceaccounts`, { metadata: { name: 'brief' } })
  const token = await tokenFor('brief')
  await accepted(token)
  await remove(`${base}/serviceaccounts/brief`)
  await refused(token, 'a token of an account that is gone')
  await create(`${base}/serviceaccounts`, { metadata: { name: 'brief' } })
  await refused(token, 'a token of an account that is another one')
})

/** Sends bytes as they are. @returns the code and the body of the first answer */
function send(head: string[], options: ConnectionOptions = {}): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port: server.port, servername: 'localhost', ca: server.ca, ALPNProtocols: ['http/1.1'] }
    const socket = connect({ ...target, ...options })
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', (error) => (text ? undefined : reject(error)))
    socket.on('close', () => resolve({ code: Number(text.slice(9, 12)), body: text.slice(text.indexOf('\r\n\r\n') + 4) }))
    socket.write(
      `GET /api/v1/namespaces/default HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${head.join('\r\n')}\r\n\r\n`,
    )
  })
}

async function unauthorized(head: string[], what: string, options: ConnectionOptions = {}): Promise<void> {
  const { code, body } = await send(head, options)
  assert.equal(code, 401, `${what}: ${body}`)
  assert.deepEqual(JSON.parse(body), UNAUTHORIZED, what)
}

test('headers that try to say more than one thing', async () => {
  const good = `Bearer ${server.admin.token}`
  assert.equal((await send([`authorization: ${good}`])).code, 200)
  await unauthorized([], 'no header')
  await unauthorized(['authorization: Bearer wrong', `authorization: ${good}`], 'a bad header before a good one')
  await unauthorized(['Authorization: Basic YWRtaW46YWRtaW4=', `AUTHORIZATION: ${good}`], 'another kind before a good one')
  await unauthorized([`authorization: Bearer  ${server.admin.token}`], 'two spaces')
  await unauthorized([`authorization: Bearer\t${server.admin.token}`], 'a tab')
  await unauthorized([`authorization: Bearer ${server.admin.token}x`], 'a token with more at its end')
  await unauthorized([`authorization: Bearer ${server.admin.token.toUpperCase()}`], 'another case')
  await unauthorized([`authorization: Bearer, ${good}`], 'a comma')
  await unauthorized([`authorization: Token ${server.admin.token}`], 'another scheme')
  await unauthorized([`authorization: ${server.admin.token}`], 'no scheme')
  await unauthorized([`x-authorization: ${good}`], 'another header')
  await unauthorized([`proxy-authorization: ${good}`], 'a proxy’s header')
  await unauthorized([`cookie: authorization=${good}`], 'a cookie')
  // What isn't HTTP at all is refused before anybody asks who it is.
  for (const broken of [
    `authorization : ${good}`,
    ` authorization: ${good}`,
    `x: y\r\n authorization: ${good}`,
    `x: y\nz\0: ${good}`,
  ])
    assert.notEqual((await send([broken])).code, 200, JSON.stringify(broken))
})

test('headers of a proxy, from somebody who is none', async () => {
  const forged = ['x-remote-user: admin', 'X-Remote-Group: system:masters', 'x-remote-extra-scopes: all']
  const proxy = client(proxyCa, ['CN', 'front-proxy'])
  assert.equal((await send(forged, proxy)).code, 200, 'the proxy itself may')
  await unauthorized(forged, 'without a certificate')
  await unauthorized([...forged, 'authorization: Bearer wrong'], 'with a bad token')
  await unauthorized(forged, 'a certificate of nobody’s', client(authority('nobody'), ['CN', 'front-proxy']))
  await unauthorized(forged, 'a CA of the same name', client(authority('proxy-ca'), ['CN', 'front-proxy']))
  await unauthorized(forged, 'another name of the proxy’s CA', client(proxyCa, ['CN', 'back-proxy']))
  await unauthorized([], 'the proxy, naming nobody', proxy)
  await unauthorized(['x-remote-user: '], 'the proxy, naming an empty user', proxy)
  const masters = client(proxyCa, ['O', 'system:masters'], ['CN', 'admin'])
  await unauthorized([], 'a user’s certificate of the proxy’s CA', masters)
  const clients: Authority = {
    certificatePem: readFileSync(path.join(pki, 'ca.crt'), 'utf8'),
    privateKey: createPrivateKey(readFileSync(path.join(pki, 'ca.key'))),
  }
  const impostor = client(clients, ['CN', 'front-proxy'])
  const { code, body } = await send(forged, impostor)
  assert.equal(code, 403, body)
  assert.match(body, /User \\"front-proxy\\" cannot get/, 'a client of the proxy’s name is just a client')
})

test('certificates of other authorities', async () => {
  const stranger = authority('client-ca')
  await unauthorized([], 'of nobody', client(stranger, ['O', 'system:masters'], ['CN', 'admin']))
  await unauthorized([], 'of a CA of the same name', client(authority('kubernetes-ca'), ['O', 'system:masters'], ['CN', 'admin']))
  const { cert, key: own } = server.admin
  assert.equal((await send([], { cert, key: own })).code, 200)
  // A leaf is no authority.
  const leaf: Authority = { certificatePem: cert, privateKey: createPrivateKey(own) }
  const below = client(leaf, ['O', 'system:masters'], ['CN', 'admin'])
  await unauthorized([], 'issued by a client', { cert: `${below.cert}\n${cert}`, key: below.key })
})

test('nothing of it is in the log', async () => {
  const token = await tokenFor('bot')
  await accepted(token)
  await refused(`${token}x`, 'a token with more at its end')
  const text = logged.join('\n')
  for (const secret of [token, token.split('.')[2]!, server.admin.token]) assert.ok(!text.includes(secret))
})

import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureServer, connect as http2Connect } from 'node:http2'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { StatusError } from '../machinery/status.ts'
import { credentialsOf } from '../testing/credentials.ts'
import { type CertificateRequest, issueCertificate } from '../util/x509.ts'
import type { Credentials, TlsPeer } from './authenticator.ts'
import { bearer } from './bearer.ts'
import { RequestAuthenticator } from './request.ts'
import { userOf, x509 } from './x509.ts'

const HOUR = 3_600_000
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

function issue(subject: CertificateRequest['subject'], options: Partial<CertificateRequest> = {}) {
  const privateKey = newKey()
  const cert = issueCertificate({
    subject,
    publicKey: privateKey,
    usage: 'client',
    notBefore: new Date(Date.now() - HOUR),
    notAfter: new Date(Date.now() + HOUR),
    ...options,
  })
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, privateKey }
}
const authority = (name: string) => {
  const { cert, privateKey } = issue([['CN', name]], { usage: 'ca' })
  return { certificatePem: cert, privateKey }
}

const ca = authority('client-ca')
const jane: CertificateRequest['subject'] = [
  ['O', 'devs'],
  ['O', 'ops'],
  ['CN', 'jane'],
]

/** A peer whose certificate was verified. */
const peer = (pem: string): TlsPeer => ({
  authorized: true,
  authorizationError: null,
  getPeerX509Certificate: () => new X509Certificate(pem),
})
const ask = (tls: TlsPeer | undefined, authenticator = x509({ clock: Date })) =>
  authenticator.authenticate(credentialsOf({ tls }))

test('the subject names user, groups and uid; the certificate is the credential', () => {
  const { cert } = issue([...jane, ['1.3.6.1.4.1.57683.2', 'uid-1']], { issuer: ca })
  const sha256 = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex')
  assert.deepEqual(ask(peer(cert)), {
    name: 'jane',
    uid: 'uid-1',
    groups: ['devs', 'ops'],
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${sha256}`] },
  })
})

test('subjects of every form', () => {
  const of = (...subject: [string, string][]) => userOf(new X509Certificate(issue(subject, { issuer: ca }).cert))
  assert.deepEqual(of(['CN', 'a'])?.groups, [])
  assert.equal(of(['CN', 'a'])?.uid, '')
  assert.deepEqual(of(['CN', 'a'], ['O', 'one'])?.groups, ['one'])
  assert.equal(of(['CN', 'first'], ['CN', 'last'])?.name, 'last')
  assert.equal(of(['O', 'only-groups']), undefined)
  assert.equal(of(['CN', '']), undefined)
  assert.equal(of(['CN', 'a\nO=system:masters'])?.groups.length, 0, 'a value never becomes an attribute')
  assert.equal(of(['CN', 'system:serviceaccount:x:y + ü'])?.name, 'system:serviceaccount:x:y + ü')
  assert.equal(of(['CN', 'a'], ['2.5.4.11', 'unit'], ['2.5.4.6', 'DE'])?.groups.length, 0)
  const uid = '1.3.6.1.4.1.57683.2'
  assert.throws(() => of(['CN', 'a'], [uid, '1'], [uid, '2']), { message: 'expected 1 UID, but found multiple: [1 2]' })
  assert.throws(() => of(['CN', 'a'], [uid, '']), { message: 'UID cannot be an empty string' })
})

test('several attributes in one RDN count each', () => {
  // SET { O=a, CN=first, O=b }, O=c, CN=last; made with openssl req -multivalue-rdn
  const certificate = new X509Certificate(MULTI_VALUED)
  const user = userOf(certificate)
  assert.deepEqual(user?.groups, ['a', 'b', 'c'])
  assert.equal(user?.name, 'last')
})

test('a certificate is read once per connection, but its end is watched', () => {
  let now = Date.now()
  let reads = 0
  const { cert } = issue(jane, { issuer: ca })
  const tls = {
    ...peer(cert),
    getPeerX509Certificate: () => {
      reads++
      return new X509Certificate(cert)
    },
  }
  const authenticator = x509({ clock: { now: () => now } })
  const first = ask(tls, authenticator)
  assert.equal(ask(tls, authenticator), first)
  assert.equal(reads, 1)
  now += 2 * HOUR
  assert.throws(() => ask(tls, authenticator), { message: 'the client certificate has expired' })
})

test('without a certificate, or another kind of connection, there is nobody', () => {
  assert.equal(ask(undefined), undefined)
  // A resumed session without a certificate counts as authorized.
  assert.equal(ask({ authorized: true, getPeerX509Certificate: () => undefined }), undefined)
  assert.equal(ask(peer(issue([['O', 'system:masters']], { issuer: ca }).cert)), undefined)
})

test('a certificate that was not verified fails, whatever else is said', () => {
  const { cert } = issue(jane)
  const serial = new X509Certificate(cert).serialNumber
  const failed = { authorized: false, authorizationError: 'DEPTH_ZERO_SELF_SIGNED_CERT' }
  assert.throws(() => ask({ ...peer(cert), ...failed }), {
    message: `verifying certificate SN=${serial} failed: DEPTH_ZERO_SELF_SIGNED_CERT`,
  })
  assert.throws(() => ask({ ...peer(cert), authorized: false }), /not verified/)
  assert.throws(() => ask({ ...peer(cert), authorizationError: 'CERT_HAS_EXPIRED' }), /CERT_HAS_EXPIRED/)
})

// Over real connections.

const serving = issue([['CN', 'server']], { usage: 'server', dnsNames: ['localhost'], issuer: ca })
const serverOptions = {
  cert: serving.cert,
  key: serving.key,
  ca: ca.certificatePem,
  requestCert: true,
  rejectUnauthorized: false,
}
const authenticator = new RequestAuthenticator({
  authenticators: [
    x509({ clock: Date }),
    bearer({
      name: 'tokens',
      authenticate: ({ text }) =>
        text === 'bob-token' ? { user: { name: 'bob', uid: '', groups: [], extra: {} }, audiences: [] } : undefined,
    }),
  ],
  anonymous: () => true,
})

/** The user's name, or the code of the error. */
async function answer(request: Partial<Credentials>): Promise<string> {
  try {
    return (await authenticator.authenticate(credentialsOf(request))).name
  } catch (error) {
    return error instanceof StatusError ? String(error.code) : String(error)
  }
}

/** Answers each line, an Authorization header or empty, with a line. */
const server: Server = createServer(serverOptions, (socket) => {
  socket.on('error', () => {})
  socket.on('data', (data) => {
    void answer({ authorization: data.toString().trim(), tls: socket }).then((name) => socket.write(`${name}\n`))
  })
})
before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
after(() => server.close())

function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { port } = server.address() as { port: number }
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificatePem, ...options }, () =>
      resolve(socket),
    )
    socket.once('error', reject)
  })
}

async function talk(options: ConnectionOptions, ...headers: string[]): Promise<string[]> {
  const socket = await open(options)
  const answers: string[] = []
  for (const header of headers) {
    answers.push(
      await new Promise((resolve) => {
        socket.once('data', (data) => resolve(data.toString().trim()))
        socket.write(`${header}\n`)
      }),
    )
  }
  socket.destroy()
  return answers
}

const good = issue(jane, { issuer: ca })
const TOKENS = ['', 'Bearer bob-token', 'Bearer wrong', 'Bearer  wrong']

test('a certificate goes before a token, good or bad', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { minVersion: version, maxVersion: version, cert: good.cert, key: good.key }
    assert.deepEqual(await talk(options, ...TOKENS), ['jane', 'jane', 'jane', 'jane'])
    assert.deepEqual(await talk({ minVersion: version, maxVersion: version }, ...TOKENS), [
      'system:anonymous',
      'bob',
      '401',
      'system:anonymous',
    ])
  }
})

test('certificates that are no good are refused, but do not stand in a token’s way', async () => {
  const another = authority('client-ca')
  const bad = {
    'of another CA': issue(jane, { issuer: another }),
    'self-signed': (() => {
      const key = newKey()
      return { ...issue(jane, { publicKey: key }), key: key.export({ type: 'pkcs8', format: 'pem' }) as string }
    })(),
    expired: issue(jane, { issuer: ca, notAfter: new Date(Date.now() - 1000) }),
    'not valid yet': issue(jane, { issuer: ca, notBefore: new Date(Date.now() + HOUR / 2) }),
    'for servers': issue(jane, { issuer: ca, usage: 'server' }),
    'signed by a leaf': issue(jane, { issuer: { certificatePem: good.cert, privateKey: good.privateKey } }),
  }
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [what, { cert, key }] of Object.entries(bad)) {
      const options = { minVersion: version, maxVersion: version, cert, key }
      assert.deepEqual(await talk(options, ...TOKENS), ['401', 'bob', '401', '401'], `${what}, ${version}`)
    }
  }
})

test('a resumed session is who it was', async () => {
  const stranger = issue(jane, { issuer: authority('client-ca') })
  for (const [credentials, expected] of [
    [{ cert: good.cert, key: good.key }, 'jane'],
    [{ cert: stranger.cert, key: stranger.key }, '401'],
    [{}, 'system:anonymous'],
  ] as const) {
    const socket = await open(credentials)
    const session = await new Promise<Buffer>((resolve) => socket.once('session', resolve))
    socket.destroy()
    const resumed = await open({ session })
    assert.equal(resumed.isSessionReused(), true)
    resumed.destroy()
    assert.deepEqual(await talk({ session }, ''), [expected])
  }
})

test('an HTTP/2 stream knows its connection’s certificate', async () => {
  const http2 = createSecureServer({ ...serverOptions, allowHTTP1: true }, (request, response) => {
    void answer({ authorization: request.headers.authorization, tls: request.socket as TLSSocket }).then((name) =>
      response.end(name),
    )
  })
  await new Promise<void>((resolve) => http2.listen(0, '127.0.0.1', resolve))
  const { port } = http2.address() as { port: number }
  const session = http2Connect(`https://127.0.0.1:${port}`, {
    servername: 'localhost',
    ca: ca.certificatePem,
    cert: good.cert,
    key: good.key,
    lookup: undefined,
  })
  try {
    for (let i = 0; i < 2; i++) {
      const stream = session.request({ ':path': '/' })
      stream.setEncoding('utf8')
      assert.equal((await stream.toArray()).join(''), 'jane')
    }
  } finally {
    session.close()
    http2.close()
  }
})

const MULTI_VALUED = `-----BEGIN CERTIFICATE-----
MIIBRjCB7QIUOepXBCsTbUYeuYBfIhqI9QZ1XgQwCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCY2EwHhcNMjYxMTI0MDU0NzU4WhcNMjYxMTI5MDU0NzU4WjA/MSIwCAYD
VQQKDAFhMAgGA1UECgwBYjAMBgNVBAMMBWZpcnN0MQowCAYDVQQKDAFjMQ0wCwYD
VQQDDARsYXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEs4j4lcu54+YR47Hs
BUBCnisd4x2Ya35m3Mh+BZglw/b+L9eeeJfvPuMF7YD2pR3AwMd4JG7eH9fRQmMw
dX597DAKBggqhkjOPQQDAgNIADBFAiAj+eRGuE+YjMJ9vXpPGvNS6KguhtW4R3j2
4vum3dVz5wIhAMn8XtX7gad3HNIviIbZ0sDru9fdrUDZzGEEIc3wOoC3
-----END CERTIFICATE-----
`

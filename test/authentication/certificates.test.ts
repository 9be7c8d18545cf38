import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { startTestServer, type TestServer } from '../../src/testing/start-test-server.ts'
import { type Authority, authority, client, serving } from '../support/certificates.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'certificates-'))
after(() => rmSync(dir, { recursive: true }))

const DAY = 86_400_000

function file(name: string, content: string): string {
  const at = path.join(dir, name)
  writeFileSync(at, content)
  return at
}

const open = (server: TestServer, options: ConnectionOptions = {}): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...options })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })

/** The common name in the certificate that the server shows to whom asks for a name. */
async function shown(server: TestServer, servername: string): Promise<string> {
  const socket = await open(server, { servername })
  const subject = socket.getPeerX509Certificate()?.subject ?? ''
  socket.destroy()
  return subject.replace(/^CN=/, '')
}

/** Asks as whoever the certificate says. @returns the user's name, or the code */
function user(server: TestServer, credentials: { cert: string; key: string }, socket?: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port: server.port, rejectUnauthorized: false, method: 'POST' }
    const connection = socket ? { createConnection: () => socket } : { agent: false as const }
    const sent = request(
      { ...target, ...credentials, ...connection, path: '/apis/authentication.k8s.io/v1/selfsubjectreviews' },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.on('end', () =>
          resolve(answer.statusCode === 201 ? JSON.parse(text).status.userInfo.username : String(answer.statusCode)),
        )
      },
    )
    sent.on('error', reject)
    sent.setHeader('content-type', 'application/json')
    sent.end(JSON.stringify({ kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' }))
  })
}

test('files that are replaced: the serving certificate, those for names, and the client CA', async () => {
  const ca = authority('serving-ca')
  const first = serving(ca, ['first'])
  const web = serving(ca, ['web.example.com', '*.apps.example.com'])
  const clients = authority('clients')
  const flags = {
    tlsCertFile: file('tls.crt', first.cert),
    tlsPrivateKeyFile: file('tls.key', first.key),
    clientCaFile: file('clients.crt', clients.certificatePem),
    tlsSniCertKey: [
      { certFile: file('web.crt', web.cert), keyFile: file('web.key', web.key), names: [] },
      {
        certFile: file('named.crt', serving(ca, ['named']).cert),
        keyFile: file('named.key', ''),
        names: ['*.example.org', 'a.b.c'],
      },
    ],
  }
  const named = serving(ca, ['named'])
  file('named.crt', named.cert)
  file('named.key', named.key)
  const log: string[] = []
  const dataDir = mkdtempSync(path.join(dir, 'data-'))
  const certDir = path.join(dataDir, 'pki')
  await using server = await startTestServer({ dataDir, flags: { ...flags, certDir }, log: (line) => log.push(line) })
  for (const [name, expected] of Object.entries({
    localhost: 'first',
    'web.example.com': 'web.example.com',
    'WEB.example.com': 'web.example.com',
    'x.apps.example.com': 'web.example.com',
    'apps.example.com': 'first',
    'x.example.org': 'named',
    'y.x.example.org': 'first',
    'a.b.c': 'named',
    named: 'first',
  })) {
    assert.equal(await shown(server, name), expected, name)
  }

  const jane = client(clients, ['CN', 'jane'])
  const kept = await open(server, jane)
  assert.equal(await user(server, jane, kept), 'jane')
  assert.equal(await user(server, jane), 'jane')

  const second = serving(ca, ['second'])
  file('tls.crt', second.cert)
  await server.server.certificates.look()
  assert.equal(await shown(server, 'localhost'), 'first', 'a certificate without its key is not used')
  assert.ok(log.some((line) => line.includes('can not be used')))
  file('tls.key', second.key)
  await server.server.certificates.look()
  assert.equal(await shown(server, 'localhost'), 'second')
  assert.equal(await shown(server, 'a.b.c'), 'named')

  const others = authority('others')
  file('clients.crt', others.certificatePem)
  await server.server.certificates.look()
  assert.equal(await user(server, jane), '401', 'whom the old CA vouched for')
  assert.equal(await user(server, client(others, ['CN', 'joe'])), 'joe')
  file('clients.crt', `${others.certificatePem}\n${clients.certificatePem}`)
  await server.server.certificates.look()
  assert.equal(await user(server, jane), 'jane', 'several authorities in one file')
})

test('a connection that is open loses its user with the CA', async () => {
  const clients = authority('clients')
  const flags = { clientCaFile: file('open.crt', clients.certificatePem) }
  await using server = await startTestServer({ flags })
  const jane = client(clients, ['CN', 'jane'])
  const agentless = await open(server, jane)
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      agentless.once('data', (data) => resolve(data.toString('latin1').slice(9, 12)))
      agentless.write('GET /version HTTP/1.1\r\nhost: localhost\r\n\r\n')
    })
  assert.equal(await ask(), '200')
  file('open.crt', authority('others').certificatePem)
  await server.server.certificates.look()
  assert.equal(await ask(), '401')
  agentless.destroy()
})

test('an authority in between, and authorities that must not be mixed up', async () => {
  const root = authority('root')
  const between = authority('between', root)
  const proxies = authority('proxies')
  const flags = {
    clientCaFile: file('root.crt', root.certificatePem),
    requestheaderClientCaFile: file('proxies.crt', proxies.certificatePem),
    requestheaderUsernameHeaders: ['X-Remote-User'],
  }
  await using server = await startTestServer({ flags })
  const chained = ({ cert, key }: { cert: string; key: string }, by: Authority) => ({
    cert: `${cert}\n${by.certificatePem}`,
    key,
  })
  assert.equal(await user(server, chained(client(between, ['CN', 'jane']), between)), 'jane')
  assert.equal(await user(server, client(between, ['CN', 'jane'])), '401', 'the chain has a gap')
  assert.equal(await user(server, chained(client(proxies, ['CN', 'jane']), between)), '401', 'the chain of another')
  const config = await (
    await server.request('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
  ).json()
  const { data } = config as { data: Record<string, string> }
  assert.equal(data['requestheader-client-ca-file'], proxies.certificatePem)
  assert.equal(data['requestheader-username-headers'], '["X-Remote-User"]')
  assert.equal(data['client-ca-file'], root.certificatePem)
})

test('our own certificates are renewed before they expire', async () => {
  const dataDir = mkdtempSync(path.join(dir, 'own-'))
  let now = Date.now()
  await using server = await startTestServer({ dataDir, clock: () => now })
  const serial = async (): Promise<string> => {
    const socket = await open(server)
    const { serialNumber = '' } = socket.getPeerX509Certificate() ?? {}
    socket.destroy()
    return serialNumber
  }
  const before = await serial()
  const kubeconfig = readFileSync(server.kubeconfig, 'utf8')
  now += 300 * DAY
  await server.server.certificates.look()
  assert.equal(await serial(), before)
  now += 60 * DAY
  await server.server.certificates.look()
  const after = await serial()
  assert.notEqual(after, before)
  const issued = new X509Certificate(readFileSync(path.join(dataDir, 'pki', 'apiserver.crt')))
  assert.equal(issued.serialNumber, after)
  assert.ok(issued.checkPrivateKey(createPrivateKey(readFileSync(path.join(dataDir, 'pki', 'apiserver.key')))))
  assert.notEqual(readFileSync(server.kubeconfig, 'utf8'), kubeconfig, 'the admin’s certificate, too')
})

test('browsers are told to use HTTPS only', async () => {
  const flags = { strictTransportSecurityDirectives: ['max-age=86400', 'includeSubDomains'] }
  await using server = await startTestServer({ flags })
  for (const url of ['/version', '/no/such/path', '/livez']) {
    const { headers } = await server.request(url)
    assert.equal(headers.get('strict-transport-security'), 'max-age=86400; includeSubDomains', url)
  }
  await using silent = await startTestServer()
  assert.equal((await silent.request('/version')).headers.get('strict-transport-security'), null)
})

test('only the key exchanges that were named, and versions that are new enough', async () => {
  await using server = await startTestServer({ flags: { tlsCurvePreferences: [24], tlsMinVersion: 'VersionTLS13' } })
  const socket = await open(server, { ecdhCurve: 'P-384' })
  assert.equal(socket.getProtocol(), 'TLSv1.3')
  socket.destroy()
  await assert.rejects(open(server, { ecdhCurve: 'X25519' }))
  await assert.rejects(open(server, { maxVersion: 'TLSv1.2', ecdhCurve: 'P-384' }))
  await assert.rejects(startTestServer({ flags: { tlsCurvePreferences: [1] } }), /unsupported tls curve 1/)
  await using quantum = await startTestServer({ flags: { tlsCurvePreferences: [4588, 29] } })
  for (const ecdhCurve of ['X25519MLKEM768', 'X25519']) (await open(quantum, { ecdhCurve })).destroy()
})

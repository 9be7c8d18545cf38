import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { RequestAuthenticator } from '../authentication/request.ts'
import { x509 } from '../authentication/x509.ts'
import { credentialsOf } from '../testing/credentials.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { ensurePki } from './pki.ts'

const root = mkdtempSync(join(tmpdir(), 'pki-'))
after(() => rmSync(root, { recursive: true }))

const DAY = 86_400_000
const START = Date.now()
let folders = 0
const newDir = (): string => join(root, `${++folders}`)
const ensure = (dir: string, days = 0, names: { hostnames?: string[]; ips?: string[] } = {}) =>
  ensurePki({ dir, hostnames: [], ips: ['10.0.0.1'], clock: { now: () => START + days * DAY }, ...names })
const files = ['admin.crt', 'admin.key', 'apiserver.crt', 'apiserver.key', 'ca.crt', 'ca.key', 'sa.key', 'sa.pub']
const contents = (dir: string) => Object.fromEntries(files.map((file) => [file, readFileSync(join(dir, file), 'utf8')]))
const certificate = (dir: string, name: string) => new X509Certificate(readFileSync(join(dir, name)))
const available = (command: string, ...args: string[]) => spawnSync(command, args).status === 0

test('a first start makes everything, the next one nothing', async () => {
  const dir = newDir()
  const first = await ensure(dir)
  assert.deepEqual(readdirSync(dir).sort(), files)
  assert.deepEqual(
    first.issued.map(({ file }) => file).sort(),
    ['admin.crt', 'apiserver.crt', 'ca.crt'].map((file) => join(dir, file)),
  )
  for (const file of files) assert.equal(statSync(join(dir, file)).mode & 0o777, file.endsWith('.key') ? 0o600 : 0o644, file)

  const before = contents(dir)
  const second = await ensure(dir)
  assert.deepEqual(second, { ...first, issued: [] })
  assert.deepEqual(contents(dir), before)
})

test('the certificates say what they should', async () => {
  const dir = newDir()
  const pki = await ensure(dir, 0, {
    hostnames: ['API.example.com'],
    ips: ['10.0.0.1', '0.0.0.0', '::', '::ffff:192.0.2.7', 'fe80::1%lo'],
  })
  const ca = new X509Certificate(pki.ca.cert)
  const serving = new X509Certificate(pki.serving.cert)
  const admin = new X509Certificate(pki.admin.cert)

  for (const leaf of [serving, admin]) {
    assert.equal(leaf.checkIssued(ca) && leaf.verify(ca.publicKey), true)
    assert.equal(leaf.validFromDate.getTime(), Math.floor((START - 300_000) / 1000) * 1000, '5 minutes of backdating')
    assert.equal(Math.round((leaf.validToDate.getTime() - START) / DAY), 365)
  }
  assert.equal(Math.round((ca.validToDate.getTime() - START) / DAY), 3650)
  assert.equal(serving.checkPrivateKey(createPrivateKey(pki.serving.key)), true)
  assert.equal(admin.checkPrivateKey(createPrivateKey(pki.admin.key)), true)
  assert.equal(createPrivateKey(pki.serving.key).asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.deepEqual({ ...admin.toLegacyObject().subject }, { O: 'system:masters', CN: 'kubernetes-admin' })
  assert.deepEqual(admin.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  assert.deepEqual(serving.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  // What verifies tokens elsewhere may know RS256 only.
  assert.deepEqual(createPublicKey(pki.serviceAccount.publicKey).asymmetricKeyType, 'rsa')
  assert.equal(createPublicKey(pki.serviceAccount.privateKey).equals(createPublicKey(pki.serviceAccount.publicKey)), true)

  const names = serving.subjectAltName!.split(', ')
  assert.deepEqual(
    names.sort(),
    [
      ...new Set([
        'DNS:api.example.com',
        'DNS:kubernetes',
        'DNS:kubernetes.default',
        'DNS:kubernetes.default.svc',
        'DNS:kubernetes.default.svc.cluster.local',
        'DNS:localhost',
        `DNS:${hostname().toLowerCase()}`,
        'IP Address:0:0:0:0:0:0:0:1',
        'IP Address:10.0.0.1',
        'IP Address:127.0.0.1',
        'IP Address:192.0.2.7',
        'IP Address:FE80:0:0:0:0:0:0:1',
      ]),
    ].sort(),
  )
})

test('a serving certificate without a needed name is issued again, by the same CA and for the same key', async () => {
  const dir = newDir()
  await ensure(dir)
  const before = contents(dir)
  const pki = await ensure(dir, 1, { hostnames: ['new.example.com'], ips: ['192.0.2.1'] })
  assert.deepEqual(pki.issued, [{ file: join(dir, 'apiserver.crt'), reason: 'lacked new.example.com, 192.0.2.1' }])
  const now = contents(dir)
  assert.deepEqual({ ...now, 'apiserver.crt': '' }, { ...before, 'apiserver.crt': '' })
  assert.equal(certificate(dir, 'apiserver.crt').checkIP('192.0.2.1'), '192.0.2.1')
  assert.deepEqual((await ensure(dir, 1, { hostnames: ['new.example.com'] })).issued, [
    { file: join(dir, 'apiserver.crt'), reason: 'lacked 10.0.0.1' },
  ])
})

test('leaves are renewed within 30 days of their end and never outlive the CA', async () => {
  const dir = newDir()
  const { issued } = await ensure(dir)
  assert.equal(issued.length, 3)
  assert.deepEqual((await ensure(dir, 334)).issued, [])
  const renewed = await ensure(dir, 336)
  assert.deepEqual(renewed.issued.map(({ file }) => file).sort(), [join(dir, 'admin.crt'), join(dir, 'apiserver.crt')])
  for (const { reason } of renewed.issued) assert.match(reason, /^was about to expire on 20/)
  assert.deepEqual((await ensure(dir, 336)).issued, [])
  for (const { reason } of (await ensure(dir, 3640)).issued) assert.match(reason, /^expired on 20/)
  assert.equal(certificate(dir, 'apiserver.crt').validTo, certificate(dir, 'ca.crt').validTo)
  assert.deepEqual((await ensure(dir, 3641)).issued, [], 'nothing gained by one more')
  await assert.rejects(ensure(dir, 3651), (error: Error) => error.message.startsWith(`${join(dir, 'ca.crt')} expired on 20`))
})

test('leaves of another CA or for another key are issued again', async () => {
  const dir = newDir()
  await ensure(dir)
  rmSync(join(dir, 'ca.crt'))
  rmSync(join(dir, 'ca.key'))
  const reasons = (await ensure(dir)).issued.map(({ reason }) => reason)
  assert.deepEqual(reasons.sort(), ['was missing', 'was not signed by ca.crt', 'was not signed by ca.crt'])
  rmSync(join(dir, 'apiserver.key'))
  writeFileSync(join(dir, 'admin.key'), readFileSync(join(dir, 'sa.key')))
  const again = (await ensure(dir)).issued.map(({ reason }) => reason)
  assert.deepEqual(again.sort(), ['had no key beside it', 'was made for another key'])
  assert.equal(certificate(dir, 'admin.crt').checkPrivateKey(createPrivateKey(readFileSync(join(dir, 'sa.key')))), true)
})

test('a start that broke off after any file is completed', async () => {
  const dir = newDir()
  await ensure(dir)
  for (const file of ['ca.crt', 'apiserver.crt', 'admin.crt', 'sa.pub']) {
    const before = contents(dir)
    rmSync(join(dir, file))
    await ensure(dir)
    const now = contents(dir)
    assert.deepEqual({ ...now, [file]: '' }, { ...before, [file]: '' }, `${file} is made from what is there`)
  }
})

test('without the key of the CA good certificates serve on, but none is issued', async () => {
  const dir = newDir()
  await ensure(dir)
  rmSync(join(dir, 'ca.key'))
  assert.deepEqual((await ensure(dir)).issued, [])
  await assert.rejects(ensure(dir, 0, { hostnames: ['new.example.com'] }), {
    message: `${join(dir, 'apiserver.crt')} lacked new.example.com, and without ${join(dir, 'ca.key')} it can't be issued`,
  })
})

test('a file that can not be used is named', async () => {
  for (const file of files) {
    for (const broken of ['', 'garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      const dir = newDir()
      await ensure(dir)
      writeFileSync(join(dir, file), broken)
      const what = file.endsWith('.key') ? 'a private key' : file === 'sa.pub' ? 'a public key' : 'a certificate'
      await assert.rejects(ensure(dir), (error: Error) => {
        assert.equal(error.message.split(':')[0], `${join(dir, file)} doesn't hold ${what} in PEM form`)
        assert.equal(error.message.includes('\n'), false, 'one line')
        return true
      })
    }
  }
})

test('files that do not belong together are refused', async () => {
  const dir = newDir()
  await ensure(dir)
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const original = contents(dir)
  const put = (file: string, content: string | Buffer) => writeFileSync(join(dir, file), content)

  put('ca.key', other.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await assert.rejects(ensure(dir), { message: `${join(dir, 'ca.key')} is not the key of ${join(dir, 'ca.crt')}` })
  put('ca.key', original['ca.key']!)
  put('ca.crt', original['admin.crt']!)
  await assert.rejects(ensure(dir), { message: `${join(dir, 'ca.crt')} is not the certificate of a CA` })
  put('ca.crt', original['ca.crt']!)
  put('sa.pub', other.publicKey.export({ type: 'spki', format: 'pem' }))
  await assert.rejects(ensure(dir), { message: `${join(dir, 'sa.pub')} is not the public half of ${join(dir, 'sa.key')}` })
  put('sa.pub', original['sa.pub']!)
  rmSync(join(dir, 'sa.key'))
  await assert.rejects(ensure(dir), { message: `${join(dir, 'sa.key')} is missing beside ${join(dir, 'sa.pub')}` })
  put('sa.key', original['sa.key']!)
  await assert.rejects(ensure(dir, 0, { ips: ['not-an-ip'] }), /"not-an-ip" is not an IP address/)
  assert.deepEqual((await ensure(dir)).issued, [])
})

test('many that start at once agree', async () => {
  for (let round = 0; round < 5; round++) {
    const dir = newDir()
    const all = await Promise.all(Array.from({ length: 8 }, () => ensure(dir)))
    const { issued: _, ...expected } = await ensure(dir)
    for (const { issued: _, ...pki } of all) assert.deepEqual(pki, expected)
    assert.deepEqual(readdirSync(dir).sort(), files)
  }
})

test('openssl accepts the chain', { skip: !available('openssl', 'version') && 'no openssl here' }, async () => {
  const dir = newDir()
  await ensure(dir)
  for (const [purpose, file] of [
    ['sslserver', 'apiserver.crt'],
    ['sslclient', 'admin.crt'],
  ] as const) {
    const args = ['verify', '-x509_strict', '-CAfile', join(dir, 'ca.crt'), '-purpose', purpose, join(dir, file)]
    const run = spawnSync('openssl', args, { encoding: 'utf8' })
    assert.equal(run.status, 0, run.stderr)
  }
})

test('server and admin shake hands, and the admin is known', async () => {
  const pki = await ensure(newDir())
  const authenticator = new RequestAuthenticator({ authenticators: [x509({ clock: Date })], anonymous: () => true })
  const server = createServer({
    cert: pki.serving.cert,
    key: pki.serving.key,
    ca: pki.ca.cert,
    requestCert: true,
    rejectUnauthorized: false,
  })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    socket.end(JSON.stringify(authenticator.authenticate(credentialsOf({ tls: socket }))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }

  const ask = (options: object): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = ''
      const socket: TLSSocket = connect({ port, host: '127.0.0.1', ca: pki.ca.cert, ...options })
      socket.on('data', (data) => (answer += data))
      socket.on('end', () => resolve(answer))
      socket.on('error', reject)
    })
  try {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const admin = JSON.parse(await ask({ cert: pki.admin.cert, key: pki.admin.key, minVersion: version, maxVersion: version }))
      assert.equal(admin.name, 'kubernetes-admin')
      assert.deepEqual(admin.groups, ['system:masters', 'system:authenticated'])
    }
    for (const servername of ['localhost', 'kubernetes.default.svc']) assert.match(await ask({ servername }), /system:anonymous/)
    await assert.rejects(ask({ servername: 'example.com' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    await assert.rejects(ask({ ca: (await ensure(newDir())).ca.cert }), /self-signed certificate|unable to verify/)
  } finally {
    server.close()
  }
})

test('kubectl reads the kubeconfig', async (t) => {
  const dir = newDir()
  const pki = await ensure(dir)
  const path = join(dir, 'admin.conf')
  const options = { path, server: 'https://[::1]:6443', ca: pki.ca.cert, cert: pki.admin.cert, key: pki.admin.key }
  await writeKubeconfig(options)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const { ino } = statSync(path)
  await writeKubeconfig(options)
  assert.equal(statSync(path).ino, ino, 'the same content is not written again')
  await writeKubeconfig({ ...options, server: 'https://127.0.0.1:6443' })
  assert.notEqual(statSync(path).ino, ino)

  if (!available('kubectl', 'version', '--client')) return t.skip('no kubectl here')
  const run = spawnSync('kubectl', ['config', 'view', '--raw', '--minify', '-o', 'json', '--kubeconfig', path], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  const config = JSON.parse(run.stdout)
  const decode = (data: string): string => Buffer.from(data, 'base64').toString()
  assert.equal(config['current-context'], 'kubernetes-admin@kubernetes')
  assert.equal(config.clusters[0].cluster.server, 'https://127.0.0.1:6443')
  assert.equal(decode(config.clusters[0].cluster['certificate-authority-data']), pki.ca.cert)
  assert.equal(decode(config.users[0].user['client-certificate-data']), pki.admin.cert)
  assert.equal(decode(config.users[0].user['client-key-data']), pki.admin.key)
})

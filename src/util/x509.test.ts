import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type CertificateRequest, issueCertificate } from './x509.ts'

const dir = mkdtempSync(join(tmpdir(), 'x509-'))
after(() => rmSync(dir, { recursive: true }))
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const day = 86_400_000
const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) }

function newCa(key = newKey(), subject: CertificateRequest['subject'] = [['CN', 'test-ca']]) {
  const certificatePem = issueCertificate({ subject, publicKey: key, usage: 'ca', ...validity })
  return { certificatePem, privateKey: key }
}

function openssl(args: string[], input?: string): string {
  const run = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8', input })
  assert.equal(run.status, 0, `openssl ${args.join(' ')}: ${run.stderr}`)
  return run.stdout
}

test('a leaf names what was asked for and is signed by its CA', () => {
  const issuer = newCa()
  const key = newKey()
  const pem = issueCertificate({
    subject: [
      ['O', 'first'],
      ['O', 'zweite Gruppe, größer'],
      ['CN', 'jane'],
      ['1.3.6.1.4.1.57683.2', 'uid-1'],
    ],
    publicKey: key,
    usage: 'server',
    dnsNames: ['localhost', 'kubernetes.default'],
    ips: ['127.0.0.1', '::1'],
    issuer,
    ...validity,
  })
  const certificate = new X509Certificate(pem)
  const ca = new X509Certificate(issuer.certificatePem)
  assert.deepEqual(
    { ...certificate.toLegacyObject().subject },
    { O: ['first', 'zweite Gruppe, größer'], CN: 'jane', '1.3.6.1.4.1.57683.2': 'uid-1' },
  )
  assert.equal(certificate.checkIssued(ca), true)
  assert.equal(certificate.verify(ca.publicKey), true)
  assert.equal(certificate.checkPrivateKey(key), true)
  assert.equal(certificate.ca, false)
  assert.equal(ca.ca, true)
  assert.equal(ca.verify(ca.publicKey), true)
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.equal(certificate.checkHost('kubernetes.default', { subject: 'never' }), 'kubernetes.default')
  assert.equal(certificate.checkHost('jane', { subject: 'never' }), undefined)
  assert.equal(Math.abs(certificate.validToDate.getTime() - validity.notAfter.getTime()) < 1000, true)
})

test('a public key does as well as the private one', () => {
  const key = newKey()
  const pem = issueCertificate({
    subject: [['CN', 'x']],
    publicKey: createPublicKey(key),
    usage: 'client',
    issuer: newCa(),
    ...validity,
  })
  assert.equal(new X509Certificate(pem).checkPrivateKey(key), true)
})

test('serial numbers are positive, long and different', () => {
  const issuer = newCa()
  const serials = new Set<string>()
  for (let i = 0; i < 40; i++) {
    const pem = issueCertificate({ subject: [['CN', 'x']], publicKey: issuer.privateKey, usage: 'client', issuer, ...validity })
    const serial = new X509Certificate(pem).serialNumber
    assert.match(serial, /^[4-7][0-9A-F]{31}$/)
    serials.add(serial)
  }
  assert.equal(serials.size, 40)
})

test('addresses of every shape are found again', () => {
  const issuer = newCa()
  const ips = ['0.0.0.1', '255.255.255.255', '10.96.0.1', '::1', 'fd00::', 'fd00:1::2:3', '2001:db8:1:2:3:4:5:6', 'fe80::abcd:1']
  const pem = issueCertificate({
    subject: [['CN', 'x']],
    publicKey: issuer.privateKey,
    usage: 'server',
    ips,
    issuer,
    ...validity,
  })
  const certificate = new X509Certificate(pem)
  for (const ip of ips) assert.equal(certificate.checkIP(ip), ip)
  assert.equal(certificate.checkIP('10.96.0.2'), undefined)
})

test('dates past 2049 are written as strict parsers want them', () => {
  const notAfter = new Date('2061-02-03T04:05:06Z')
  const pem = issueCertificate({ subject: [['CN', 'x']], publicKey: newKey(), usage: 'ca', notBefore: new Date(), notAfter })
  assert.equal(new X509Certificate(pem).validToDate.toISOString(), '2061-02-03T04:05:06.000Z')
})

test('an RSA CA signs, too', () => {
  const issuer = newCa(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
  const pem = issueCertificate({ subject: [['CN', 'x']], publicKey: newKey(), usage: 'client', issuer, ...validity })
  const ca = new X509Certificate(issuer.certificatePem)
  assert.equal(ca.verify(ca.publicKey), true)
  assert.equal(new X509Certificate(pem).verify(ca.publicKey), true)
})

test('what can not be done is said', () => {
  const issuer = newCa(newKey())
  const request = { subject: [['CN', 'x']], publicKey: newKey(), usage: 'server', ...validity } as const
  assert.throws(() => issueCertificate({ ...request, dnsNames: ['héhé'], issuer }), /"héhé" can't be put into a certificate/)
  assert.throws(() => issueCertificate({ ...request, dnsNames: ['a b'], issuer }), /"a b" can't be put into a certificate/)
  const ed25519 = generateKeyPairSync('ed25519').privateKey
  assert.throws(() => issueCertificate({ ...request, issuer: { ...issuer, privateKey: ed25519 } }), /not with ed25519/)
  assert.throws(() => issueCertificate({ ...request, issuer: { ...issuer, certificatePem: 'x' } }), /no certificate in PEM form/)
})

test('openssl accepts chain and extensions in strict mode', { skip: !hasOpenssl && 'no openssl here' }, () => {
  const issuer = newCa()
  const leaf = (usage: 'server' | 'client') =>
    issueCertificate({ subject: [['CN', 'x']], publicKey: newKey(), usage, dnsNames: ['localhost'], issuer, ...validity })
  writeFileSync(join(dir, 'ca.pem'), issuer.certificatePem)
  writeFileSync(join(dir, 'server.pem'), leaf('server'))
  writeFileSync(join(dir, 'client.pem'), leaf('client'))
  openssl(['verify', '-x509_strict', '-check_ss_sig', '-CAfile', 'ca.pem', '-purpose', 'sslserver', 'server.pem'])
  openssl(['verify', '-x509_strict', '-check_ss_sig', '-CAfile', 'ca.pem', '-purpose', 'sslclient', 'client.pem'])
  const wrong = spawnSync('openssl', ['verify', '-CAfile', 'ca.pem', '-purpose', 'sslserver', 'client.pem'], { cwd: dir })
  assert.notEqual(wrong.status, 0)

  const text = openssl(['x509', '-in', 'server.pem', '-noout', '-text'])
  assert.match(text, /Key Usage: critical\s+Digital Signature\n/)
  assert.match(text, /Basic Constraints: critical\s+CA:FALSE/)
  const authority = openssl(['x509', '-in', 'server.pem', '-noout', '-ext', 'authorityKeyIdentifier'])
  const subject = openssl(['x509', '-in', 'ca.pem', '-noout', '-ext', 'subjectKeyIdentifier'])
  assert.equal(authority.split('\n')[1], subject.split('\n')[1])
  assert.match(
    openssl(['x509', '-in', 'ca.pem', '-noout', '-text']),
    /Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign/,
  )
})

test('a CA that another tool made keeps its name, string types and all', { skip: !hasOpenssl && 'no openssl here' }, () => {
  const config = '[req]\ndistinguished_name=dn\nstring_mask=nombstr\nprompt=no\n[dn]\nC=DE\nO=Some Org\nCN=their-ca\n'
  writeFileSync(join(dir, 'ca.cnf'), `${config}[v3]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n`)
  openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-out', 'their.key'])
  openssl(['req', '-x509', '-key', 'their.key', '-out', 'their.crt', '-days', '2', '-config', 'ca.cnf', '-extensions', 'v3'])
  const key = openssl(['pkey', '-in', 'their.key'])
  const pem = issueCertificate({
    subject: [['CN', 'x']],
    publicKey: newKey(),
    usage: 'client',
    issuer: { certificatePem: openssl(['x509', '-in', 'their.crt']), privateKey: createPrivateKey(key) },
    ...validity,
  })
  writeFileSync(join(dir, 'ours.crt'), pem)
  openssl(['verify', '-CAfile', 'their.crt', '-purpose', 'sslclient', 'ours.crt'])
})

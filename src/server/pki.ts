import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createFile, replaceFile } from '../util/atomic-file.ts'

// Several servers may start at once on one folder, without a lock: a key is created only where there is none, whoever
// loses that race takes the winner's, and everything else follows from the keys. So a certificate always fits the key
// beside it, and a renewed one keeps its key.

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Clients' clocks may run behind by this much. */
const BACKDATED = 5 * MINUTE
const CA_LIFETIME = 3650 * DAY
const LEAF_LIFETIME = 365 * DAY
const RENEWED_BEFORE = 30 * DAY

/** What clients inside a cluster and on this machine call the server; every serving certificate has these. */
const USUAL_NAMES = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
]
const USUAL_IPS = ['127.0.0.1', '::1']

export interface PkiOptions {
  /** The folder, created when missing. File names are kubeadm's. */
  dir: string
  /** More names to serve under; the usual ones and this machine's own need not be given. */
  hostnames: readonly string[]
  /** Addresses to serve under besides loopback: bind, advertise, the service network's first. Unspecified ones are skipped. */
  ips: readonly string[]
  /** Unix time in milliseconds. */
  clock: { now(): number }
}

/** A certificate and its key, in PEM, and the files that hold them. */
export interface KeyedCertificate {
  certFile: string
  keyFile: string
  cert: string
  key: string
}

export interface Pki {
  /** The CA; its certificate is what clients trust and what client certificates are checked against. */
  ca: { certFile: string; cert: string }
  serving: KeyedCertificate
  /** A client certificate for kubernetes-admin in system:masters. */
  admin: KeyedCertificate
  /** The keys that service account tokens are signed and verified with, in PEM. */
  serviceAccount: { publicKeyFile: string; privateKeyFile: string; publicKey: string; privateKey: string }
  /** The certificate files written by this call, with the reason: empty on a start that finds all in order. */
  issued: readonly { file: string; reason: string }[]
}

interface Authority {
  certFile: string
  keyFile: string
  pem: string
  certificate: X509Certificate
  /** Missing when the CA's key is kept elsewhere: then nothing can be issued. */
  key: KeyObject | undefined
}

interface Leaf {
  name: 'apiserver' | 'admin'
  usage: 'server' | 'client'
  subject: readonly (readonly [string, string])[]
  dnsNames: readonly string[]
  ips: readonly string[]
}

/**
 * Makes sure that a folder holds a CA, a serving certificate for all names that clients may use, an admin's client
 * certificate and a service account key pair. What exists is kept; a leaf certificate that expires within 30 days, lacks
 * a name or wasn't signed by the CA is issued again.
 *
 * @throws Error with one line that names the file, when one can't be read or used
 */
export async function ensurePki(options: PkiOptions): Promise<Pki> {
  const { dir } = options
  const now = options.clock.now()
  const issued: { file: string; reason: string }[] = []
  await mkdir(dir, { recursive: true })
  const certificates = async () => {
    const authority = await ensureAuthority(dir, now, issued)
    const leaves = [servingLeaf(options), ADMIN].map((leaf) => ensureLeaf(dir, authority, leaf, now, issued))
    const [serving, admin] = (await Promise.all(leaves)) as [KeyedCertificate, KeyedCertificate]
    return { authority, serving, admin }
  }
  // The key takes longest to make: it is begun first.
  const [serviceAccount, { authority, serving, admin }] = await Promise.all([ensureServiceAccountKeys(dir), certificates()])
  return { ca: { certFile: authority.certFile, cert: authority.pem }, serving, admin, serviceAccount, issued }
}

const ADMIN: Leaf = {
  name: 'admin',
  usage: 'client',
  subject: [
    ['O', 'system:masters'],
    ['CN', 'kubernetes-admin'],
  ],
  dnsNames: [],
  ips: [],
}

function servingLeaf(options: PkiOptions): Leaf {
  const own = hostname().toLowerCase()
  const dnsNames = new Set([...USUAL_NAMES, ...options.hostnames.map((name) => name.toLowerCase())])
  // What an operating system takes for its name needn't be one in DNS.
  if (/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(own) && !isIP(own)) dnsNames.add(own)
  const ips = new Set(USUAL_IPS)
  for (const ip of options.ips) {
    if (!isIP(ip)) throw new Error(`${JSON.stringify(ip)} is not an IP address that a certificate could name`)
    const address = canonicalIp(ip)
    if (address !== '0.0.0.0' && address !== '::') ips.add(address)
  }
  return { name: 'apiserver', usage: 'server', subject: [['CN', 'kube-apiserver']], dnsNames: [...dnsNames], ips: [...ips] }
}

/** One form per address: no zone, IPv4 not dressed as IPv6, zeros compressed. */
function canonicalIp(ip: string): string {
  if (isIP(ip) === 4) return ip
  const address = new URL(`http://[${ip.split('%')[0]}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(address)
  if (!mapped) return address
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

async function ensureAuthority(dir: string, now: number, issued: { file: string; reason: string }[]): Promise<Authority> {
  const certFile = join(dir, 'ca.crt')
  const keyFile = join(dir, 'ca.key')
  let pem = await readIfThere(certFile)
  if (pem === undefined) {
    const key = parsePrivateKey(keyFile, (await readIfThere(keyFile)) ?? (await createKey(keyFile)))
    const { issueCertificate } = await import('../util/x509.ts')
    const created = issueCertificate({
      subject: [['CN', 'kubernetes']],
      publicKey: key,
      notBefore: new Date(now - BACKDATED),
      notAfter: new Date(now + CA_LIFETIME),
      usage: 'ca',
    })
    if (await createFile(certFile, created, 0o644)) issued.push({ file: certFile, reason: 'was missing' })
    pem = await readThere(certFile)
  }
  const certificate = parseCertificate(certFile, pem)
  if (!certificate.ca) throw new Error(`${certFile} is not the certificate of a CA`)
  if (certificate.validToDate.getTime() <= now) {
    throw new Error(
      `${certFile} expired on ${certificate.validToDate.toISOString()}; remove it and ${keyFile} to have a new CA made`,
    )
  }
  const keyPem = await readIfThere(keyFile)
  const key = keyPem === undefined ? undefined : parsePrivateKey(keyFile, keyPem)
  if (key && !certificate.checkPrivateKey(key)) throw new Error(`${keyFile} is not the key of ${certFile}`)
  return { certFile, keyFile, pem, certificate, key }
}

async function ensureLeaf(
  dir: string,
  authority: Authority,
  leaf: Leaf,
  now: number,
  issued: { file: string; reason: string }[],
): Promise<KeyedCertificate> {
  const certFile = join(dir, `${leaf.name}.crt`)
  const keyFile = join(dir, `${leaf.name}.key`)
  const [cert, keyPem] = await Promise.all([readIfThere(certFile), readIfThere(keyFile)])
  const certificate = cert === undefined ? undefined : parseCertificate(certFile, cert)
  const reason = reasonToIssue(certificate, keyPem && parsePrivateKey(keyFile, keyPem), authority.certificate, leaf, now)
  if (reason === undefined) return { certFile, keyFile, cert: cert!, key: keyPem! }
  if (!authority.key) throw new Error(`${certFile} ${reason}, and without ${authority.keyFile} it can't be issued`)

  const key = keyPem ?? (await createKey(keyFile))
  const { issueCertificate } = await import('../util/x509.ts')
  const renewed = issueCertificate({
    subject: leaf.subject,
    publicKey: parsePrivateKey(keyFile, key),
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(Math.min(now + LEAF_LIFETIME, authority.certificate.validToDate.getTime())),
    usage: leaf.usage,
    dnsNames: leaf.dnsNames,
    ips: leaf.ips,
    issuer: { certificatePem: authority.pem, privateKey: authority.key },
  })
  if (certificate) await replaceFile(certFile, renewed, 0o644)
  // Another server was faster: look at what it made, which may lack our names.
  else if (!(await createFile(certFile, renewed, 0o644))) return ensureLeaf(dir, authority, leaf, now, issued)
  issued.push({ file: certFile, reason })
  return { certFile, keyFile, cert: renewed, key }
}

/** Why a certificate must be issued (again), as the end of a sentence about it; undefined when it will do. */
function reasonToIssue(
  certificate: X509Certificate | undefined,
  key: KeyObject | '' | undefined,
  ca: X509Certificate,
  leaf: Leaf,
  now: number,
): string | undefined {
  if (!certificate) return 'was missing'
  if (!key) return 'had no key beside it'
  if (!certificate.checkPrivateKey(key)) return 'was made for another key'
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) return 'was not signed by ca.crt'
  if (certificate.validFromDate.getTime() > now) return 'was not valid yet'
  // At the end of the CA's own life nothing is gained by issuing once more.
  const end = certificate.validToDate.getTime()
  if (end <= now + RENEWED_BEFORE && end < ca.validToDate.getTime()) {
    return `${end <= now ? 'expired' : 'was about to expire'} on ${certificate.validToDate.toISOString()}`
  }
  const missing = [
    ...leaf.dnsNames.filter((name) => !certificate.checkHost(name, { subject: 'never' })),
    ...leaf.ips.filter((ip) => !certificate.checkIP(ip)),
  ]
  if (missing.length > 0) return `lacked ${missing.join(', ')}`
  return undefined
}

async function ensureServiceAccountKeys(dir: string): Promise<Pki['serviceAccount']> {
  const publicKeyFile = join(dir, 'sa.pub')
  const privateKeyFile = join(dir, 'sa.key')
  const found = await Promise.all([readIfThere(publicKeyFile), readIfThere(privateKeyFile)])
  let [publicKey, privateKey] = found
  // A new pair here would turn every token down that was verified with the old public key.
  if (publicKey !== undefined && privateKey === undefined) {
    // The two reads race with a server that creates both, key first: look again.
    privateKey = await readIfThere(privateKeyFile)
    if (privateKey === undefined) throw new Error(`${privateKeyFile} is missing beside ${publicKeyFile}`)
  }
  privateKey ??= await createSigningKey(privateKeyFile)
  const derived = createPublicKey(parsePrivateKey(privateKeyFile, privateKey))
  if (publicKey === undefined) {
    await createFile(publicKeyFile, derived.export({ type: 'spki', format: 'pem' }), 0o644)
    publicKey = await readThere(publicKeyFile)
  }
  const parsed = parse(publicKeyFile, 'a public key', () => createPublicKey(publicKey))
  if (!parsed.equals(derived)) throw new Error(`${publicKeyFile} is not the public half of ${privateKeyFile}`)
  return { publicKeyFile, privateKeyFile, publicKey, privateKey }
}

/**
 * Creates an RSA key where there is none: what verifies service account tokens elsewhere may know RS256 only. It takes some hundredths
 * of a second, on a thread beside this one.
 */
async function createSigningKey(path: string): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  await createFile(path, privateKey.export({ type: 'pkcs1', format: 'pem' }), 0o600)
  return readThere(path)
}

/** Creates a P-256 key where there is none. @returns the key in that file, which may be another server's */
async function createKey(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await createFile(path, privateKey.export({ type: 'sec1', format: 'pem' }), 0o600)
  return readThere(path)
}

const parseCertificate = (path: string, pem: string): X509Certificate =>
  parse(path, 'a certificate', () => new X509Certificate(pem))

const parsePrivateKey = (path: string, pem: string): KeyObject => parse(path, 'a private key', () => createPrivateKey(pem))

function parse<T>(path: string, what: string, parser: () => T): T {
  try {
    return parser()
  } catch (error) {
    throw new Error(`${path} doesn't hold ${what} in PEM form: ${(error as Error).message}`, { cause: error })
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`can't read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

async function readThere(path: string): Promise<string> {
  const content = await readIfThere(path)
  if (content === undefined) throw new Error(`${path} vanished while it was being set up`)
  return content
}

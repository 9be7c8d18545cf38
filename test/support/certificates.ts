import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type CertificateRequest, issueCertificate } from '../../src/util/x509.ts'

const HOUR = 3_600_000

export interface Authority {
  certificatePem: string
  privateKey: KeyObject
}

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

/** A new certificate authority. */
export function authority(name: string, issuer?: Authority): Authority {
  const privateKey = newKey()
  return { certificatePem: certificate([['CN', name]], privateKey, 'ca', issuer), privateKey }
}

/** A client's certificate and key in PEM. */
export function client(issuer: Authority, ...subject: [string, string][]): { cert: string; key: string } {
  const key = newKey()
  return { cert: certificate(subject, key, 'client', issuer), key: pem(key) }
}

/** A server's certificate and key in PEM, for localhost and some names. */
export function serving(issuer: Authority, dnsNames: readonly string[] = ['localhost']): { cert: string; key: string } {
  const key = newKey()
  const cert = certificate([['CN', dnsNames[0] ?? 'server']], key, 'server', issuer, { dnsNames, ips: ['127.0.0.1'] })
  return { cert, key: pem(key) }
}

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

function certificate(
  subject: CertificateRequest['subject'],
  publicKey: KeyObject,
  usage: CertificateRequest['usage'],
  issuer: Authority | undefined,
  more: Partial<CertificateRequest> = {},
): string {
  const [notBefore, notAfter] = [new Date(Date.now() - HOUR), new Date(Date.now() + HOUR)]
  return issueCertificate({ subject, publicKey, usage, notBefore, notAfter, ...(issuer ? { issuer } : {}), ...more })
}

import { X509Certificate } from 'node:crypto'

/** A certificate for some names; without names, for those that it has itself. */
export interface NamedCertificate {
  readonly cert: string
  readonly key: string
  readonly names: readonly string[]
}

/**
 * Which certificate is for which name. Names that were given win over those in certificates, and the first of several
 * certificates with one name.
 */
export function byServerName<T>(
  certificates: readonly NamedCertificate[],
  make: (certificate: NamedCertificate) => T,
): Map<string, T> {
  const found = new Map<string, T>()
  const made = certificates.map((certificate) => ({ certificate, value: make(certificate) })).reverse()
  for (const { certificate, value } of made) {
    if (certificate.names.length === 0) for (const name of namesIn(certificate.cert)) found.set(name, value)
  }
  for (const { certificate, value } of made) for (const name of certificate.names) found.set(name.toLowerCase(), value)
  return found
}

/** Looks a name up: as it is, or with ever more of its first labels as `*`. */
export function forServerName<T>(certificates: ReadonlyMap<string, T>, name: string): T | undefined {
  if (certificates.size === 0) return undefined
  const wanted = name.toLowerCase().replace(/\.+$/, '')
  const exact = certificates.get(wanted)
  if (exact) return exact
  const labels = wanted.split('.')
  for (let i = 0; i < labels.length; i++) {
    labels[i] = '*'
    const found = certificates.get(labels.join('.'))
    if (found) return found
  }
  return undefined
}

function namesIn(pem: string): string[] {
  const certificate = new X509Certificate(pem)
  const alternatives = (certificate.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,]+)/g)
  const { CN } = certificate.toLegacyObject().subject as unknown as { CN?: string | string[] }
  return [...[CN ?? []].flat(), ...[...alternatives].map(([, name]) => name!)].map((name) => name.trim().toLowerCase())
}

import type { X509Certificate } from 'node:crypto'
import type { UserInfo } from '../machinery/user.ts'
import type { Authenticator, Credentials, Outcome, TlsPeer } from './authenticator.ts'
import type { Authorities } from './authorities.ts'
import { headerValues, prefixedHeaders } from './header-values.ts'
import { verifiedCertificate } from './x509.ts'

export interface RequestHeaderOptions {
  /** Unix time in ms. */
  clock: () => number
  /** Those whose certificates let a client name users. */
  authorities: () => Authorities
  /** Common names of these certificates; empty for any. */
  allowedNames: readonly string[]
  /** The first of these headers that isn't empty has the user's name. Any case. */
  usernameHeaders: readonly string[]
  uidHeaders: readonly string[]
  groupHeaders: readonly string[]
  extraPrefixes: readonly string[]
}

/**
 * Authenticates by what a proxy in front says of its clients. The proxy shows who it is by its certificate; from anybody
 * else these headers mean nothing.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
 */
export function requestHeader(options: RequestHeaderOptions): Authenticator<Credentials> {
  const lower = (names: readonly string[]): string[] => names.map((name) => name.trim().toLowerCase())
  const usernames = lower(options.usernameHeaders)
  const uids = lower(options.uidHeaders)
  const groups = lower(options.groupHeaders)
  const prefixes = lower(options.extraPrefixes)
  const proxies = new ProxyCertificates(options)
  return {
    name: 'request-header',
    authenticate({ tls, rawHeaders }: Credentials): Outcome {
      if (!tls || !proxies.vouchesFor(tls)) return undefined
      const name = first(rawHeaders, usernames)
      if (!name) return undefined
      const extra: Record<string, string[]> = {}
      for (const prefix of prefixes) prefixedHeaders(rawHeaders, prefix, extra)
      return {
        name,
        uid: first(rawHeaders, uids),
        groups: groups.flatMap((header) => headerValues(rawHeaders, header)).filter((group) => group !== ''),
        extra,
      } satisfies UserInfo
    },
  }
}

const first = (rawHeaders: readonly string[], names: readonly string[]): string => {
  for (const name of names) {
    const value = headerValues(rawHeaders, name)[0]
    if (value) return value
  }
  return ''
}

interface Proxy {
  certificate: X509Certificate | undefined
  failure: Error | undefined
  authorities: Authorities
}

/** Looks at the certificate of a connection once, for as long as the authorities stay the same. */
class ProxyCertificates {
  readonly #options: RequestHeaderOptions
  readonly #seen = new WeakMap<TlsPeer, Proxy>()

  constructor(options: RequestHeaderOptions) {
    this.#options = options
  }

  /** @throws Error when the other end has a certificate, but none of a proxy */
  vouchesFor(tls: TlsPeer): boolean {
    const authorities = this.#options.authorities()
    let proxy = this.#seen.get(tls)
    if (!proxy || proxy.authorities !== authorities) {
      proxy = this.#look(tls, authorities)
      this.#seen.set(tls, proxy)
    }
    if (proxy.failure) throw proxy.failure
    if (!proxy.certificate) return false
    if (this.#options.clock() > proxy.certificate.validToDate.getTime()) throw new Error("the proxy's certificate has expired")
    return true
  }

  #look(tls: TlsPeer, authorities: Authorities): Proxy {
    const { allowedNames } = this.#options
    try {
      const certificate = verifiedCertificate(tls, authorities)
      const name = certificate && commonName(certificate)
      if (name !== undefined && allowedNames.length > 0 && !allowedNames.includes(name))
        throw new Error(`x509: subject with cn=${name} is not in the allowed list`)
      return { certificate, failure: undefined, authorities }
    } catch (error) {
      return { certificate: undefined, failure: error as Error, authorities }
    }
  }
}

/** Of several the last one counts. */
function commonName(certificate: X509Certificate): string {
  const { CN } = certificate.toLegacyObject().subject as unknown as { CN?: string | string[] }
  return (Array.isArray(CN) ? CN.at(-1) : CN) ?? ''
}

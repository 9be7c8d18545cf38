import type { X509Certificate } from 'node:crypto'
import { CREDENTIAL_ID, type UserInfo } from '../machinery/user.ts'
import type { Authenticator, Credentials, Outcome, TlsPeer } from './authenticator.ts'
import type { Authorities } from './authorities.ts'

interface Identity {
  user: UserInfo | undefined
  /** Who vouched for it. */
  authorities: Authorities | undefined
  /** Why the certificate is no good. */
  failure: Error | undefined
  /** Unix time in milliseconds after which the certificate is no longer good. */
  validTo: number
}

/** The subject attribute that holds a user's UID. */
const UID = '1.3.6.1.4.1.57683.2'

/**
 * Authenticates by a client certificate that the TLS layer verified: the common name is the user, every organization is
 * a group. Use it only where the TLS server asks for certificates (`requestCert`) and doesn't let clients renegotiate.
 *
 * A certificate is read once per connection; only its expiry is looked at on every request.
 *
 * @param deps.authorities whose certificates count, of all that the TLS layer accepts; others are read anew when they
 *   change. All of them when unset.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
 */
export function x509(deps: {
  clock: { now(): number }
  authorities?: () => Authorities | undefined
}): Authenticator<Credentials> {
  const seen = new WeakMap<TlsPeer, Identity>()
  return {
    name: 'x509',
    authenticate({ tls }: Credentials): Outcome {
      if (!tls) return undefined
      const authorities = deps.authorities?.()
      let identity = seen.get(tls)
      if (!identity || identity.authorities !== authorities) {
        identity = identify(tls, authorities)
        seen.set(tls, identity)
      }
      if (identity.failure) throw identity.failure
      if (deps.clock.now() > identity.validTo) throw new Error('the client certificate has expired')
      return identity.user
    },
  }
}

function identify(tls: TlsPeer, authorities: Authorities | undefined): Identity {
  const identity = { user: undefined, failure: undefined, authorities, validTo: Number.POSITIVE_INFINITY }
  try {
    const certificate = verifiedCertificate(tls, authorities)
    return certificate ? { ...identity, user: userOf(certificate), validTo: certificate.validToDate.getTime() } : identity
  } catch (error) {
    return { ...identity, failure: error as Error }
  }
}

/**
 * The certificate at the other end, if there is one.
 *
 * @throws Error when the TLS layer didn't verify it, or another authority issued it
 */
export function verifiedCertificate(tls: TlsPeer, authorities: Authorities | undefined): X509Certificate | undefined {
  const certificate = tls.getPeerX509Certificate()
  if (!certificate) return undefined
  const failed = (reason: string): Error => new Error(`verifying certificate SN=${certificate.serialNumber} failed: ${reason}`)
  // Both are asked: a later handshake that fails sets the error, but leaves `authorized` as it was.
  if (!tls.authorized || tls.authorizationError) throw failed(String(tls.authorizationError ?? 'not verified'))
  if (authorities && !authorities.issued(certificate)) throw failed('signed by another authority')
  return certificate
}

/**
 * The user that a certificate names; undefined when it has no common name.
 *
 * @throws Error when it has a UID that is empty, or several
 */
export function userOf(certificate: X509Certificate): UserInfo | undefined {
  // The structured form: in the printed one, values and separators can't be told apart.
  const subject = certificate.toLegacyObject().subject as unknown as Record<string, string | string[] | undefined>
  // Of several common names the last one counts.
  const name = valuesOf(subject.CN).at(-1)
  if (!name) return undefined
  const uids = valuesOf(subject[UID])
  if (uids.length > 1) throw new Error(`expected 1 UID, but found multiple: [${uids.join(' ')}]`)
  if (uids[0] === '') throw new Error('UID cannot be an empty string')
  const sha256 = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  return {
    name,
    uid: uids[0] ?? '',
    groups: valuesOf(subject.O),
    extra: { [CREDENTIAL_ID]: [`X509SHA256=${sha256}`] },
  }
}

/** Node gives an attribute that occurs once as a string, else as an array in order, whether in one RDN or in several. */
const valuesOf = (attribute: string | string[] | undefined): string[] =>
  attribute === undefined ? [] : typeof attribute === 'string' ? [attribute] : attribute

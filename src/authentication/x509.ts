import type { X509Certificate } from 'node:crypto'
import { CREDENTIAL_ID, type UserInfo } from '../machinery/user.ts'
import type { Authenticator, Credentials, Outcome, TlsPeer } from './authenticator.ts'

interface Identity {
  user: UserInfo | undefined
  /** Unix time in milliseconds after which the certificate is no longer good. */
  validTo: number
}

/** The subject attribute that holds a user's UID. */
const UID = '1.3.6.1.4.1.57683.2'

/**
 * Authenticates by a client certificate that the TLS layer verified: the common name is the user, every organization is
 * a group. Use it only where the TLS server asks for certificates (`requestCert`) with the client CA as its only `ca`,
 * and doesn't let clients renegotiate.
 *
 * A certificate is read once per connection; only its expiry is looked at on every request.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
 */
export function x509(deps: { clock: { now(): number } }): Authenticator<Credentials> {
  const seen = new WeakMap<TlsPeer, Identity | Error>()
  return {
    name: 'x509',
    authenticate({ tls }: Credentials): Outcome {
      if (!tls) return undefined
      let identity = seen.get(tls)
      if (!identity) {
        identity = identify(tls)
        seen.set(tls, identity)
      }
      if (identity instanceof Error) throw identity
      if (deps.clock.now() > identity.validTo) throw new Error('the client certificate has expired')
      return identity.user
    },
  }
}

function identify(tls: TlsPeer): Identity | Error {
  const certificate = tls.getPeerX509Certificate()
  if (!certificate) return { user: undefined, validTo: Number.POSITIVE_INFINITY }
  // Both are asked: a later handshake that fails sets the error, but leaves `authorized` as it was.
  if (!tls.authorized || tls.authorizationError) {
    const reason = String(tls.authorizationError ?? 'not verified')
    return new Error(`verifying certificate SN=${certificate.serialNumber} failed: ${reason}`)
  }
  try {
    return { user: userOf(certificate), validTo: certificate.validToDate.getTime() }
  } catch (error) {
    return error as Error
  }
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

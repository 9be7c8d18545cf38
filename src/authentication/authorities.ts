import { X509Certificate } from 'node:crypto'

/** Chains are no longer than this; it also bounds the work that a client can cause. */
const MAX_CHAIN = 10
/** How many certificates are remembered as ours. */
const REMEMBERED = 10_000

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * A set of certificate authorities. The TLS layer knows only one set, of all that may send a client: which of them vouches
 * for a certificate decides what its owner may claim, and is found out here.
 */
export class Authorities {
  readonly #roots: readonly X509Certificate[]
  readonly #clock: () => number
  /** Fingerprints of certificates that chain to one of these: a resumed session brings its certificate, but not the chain. */
  readonly #ours = new Set<string>()

  /**
   * @param pem one or more certificates
   * @param clock ms since the epoch
   * @throws Error when it holds none, or one that can't be read
   */
  constructor(pem: string, clock: () => number) {
    this.#roots = (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block))
    if (this.#roots.length === 0) throw new Error('no certificates in PEM form')
    this.#clock = clock
  }

  /**
   * Whether a client's certificate was issued by one of these, directly or through others that the client sent along. Its
   * own validity and purpose are the TLS layer's to check.
   */
  issued(certificate: X509Certificate): boolean {
    const { fingerprint256 } = certificate
    if (this.#ours.has(fingerprint256)) return true
    if (!this.#chains(certificate, new Set(intermediates(certificate)))) return false
    if (this.#ours.size >= REMEMBERED) this.#ours.clear()
    this.#ours.add(fingerprint256)
    return true
  }

  /** Each of the others is looked at once, whatever they say of each other. */
  #chains(certificate: X509Certificate, others: Set<X509Certificate>): boolean {
    if (this.#roots.some((root) => this.#signed(root, certificate))) return true
    for (const other of others) {
      if (!this.#signed(other, certificate)) continue
      others.delete(other)
      if (this.#chains(other, others)) return true
    }
    return false
  }

  #signed(authority: X509Certificate, certificate: X509Certificate): boolean {
    const now = this.#clock()
    return (
      authority.ca &&
      now >= authority.validFromDate.getTime() &&
      now <= authority.validToDate.getTime() &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey)
    )
  }
}

/** What the client sent besides its own certificate. */
function intermediates(certificate: X509Certificate): X509Certificate[] {
  const found: X509Certificate[] = []
  for (let next = certificate.issuerCertificate; next && found.length < MAX_CHAIN; next = next.issuerCertificate) found.push(next)
  return found
}

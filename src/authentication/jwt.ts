import { RecentMap } from '../util/recent-map.ts'
import type { Outcome } from './authenticator.ts'
import { type AuthenticationMetrics, NO_METRICS } from './metrics.ts'
import type { PresentedToken, TokenAuthenticator, TokenIdentity } from './token.ts'

/** A token whose signature and claims were found good. Whether it still is, is asked on every use. */
export interface VerifiedToken {
  /** @throws Error when it is no good (any more), or not for the wanted audiences */
  identify(token: PresentedToken): TokenIdentity | Promise<TokenIdentity>
}

/** Verifies the tokens of one issuer. */
export interface JwtIssuer {
  /**
   * @returns undefined for what is no token of its kind
   * @throws Error (rejects) for one that is no good
   */
  verify(token: PresentedToken): Promise<VerifiedToken | undefined>
}

export interface JwtDeps {
  /** Who answers for the tokens that name this issuer; undefined when nobody does. */
  issuer(name: string): JwtIssuer | undefined
  /** How many verified tokens are remembered. A few KB each. */
  remembered?: number
  metrics?: AuthenticationMetrics
}

/** Longer ones are nobody's: headers are bounded anyway, but reviews may hold any text. */
const MAX_LENGTH = 256 << 10
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/**
 * Authenticates by JSON Web Tokens: finds the issuer that a token names, and has it verify the signature. That is done
 * once per token: what was verified is remembered by the token's hash, the least recently used forgotten first.
 */
export class JwtAuthenticator implements TokenAuthenticator {
  readonly name = 'jwt'
  readonly #deps: JwtDeps
  readonly #metrics: AuthenticationMetrics
  readonly #known: RecentMap<VerifiedToken>
  readonly #pending = new Map<string, Promise<VerifiedToken | undefined>>()
  #generation = 0

  constructor(deps: JwtDeps) {
    this.#deps = deps
    this.#metrics = deps.metrics ?? NO_METRICS
    this.#known = new RecentMap(Math.max(1, Math.floor((deps.remembered ?? 10_000) / 2)))
  }

  authenticate(token: PresentedToken): Outcome<TokenIdentity> {
    const { text } = token
    // Not worth hashing: what has no dots is none.
    if (text.length > MAX_LENGTH || text.indexOf('.') < 0) return undefined
    const known = this.#known.find(token.digest)
    if (known) return known.identify(token)
    const name = issuerOf(text)
    const issuer = name === undefined ? undefined : this.#deps.issuer(name)
    return issuer && this.#verify(issuer, token)
  }

  async #verify(issuer: JwtIssuer, token: PresentedToken): Promise<TokenIdentity | undefined> {
    const { digest } = token
    let pending = this.#pending.get(digest)
    if (!pending) {
      this.#metrics.count('authentication_token_cache_fetch_total', { status: 'ok' })
      pending = issuer.verify(token)
      this.#pending.set(digest, pending)
    }
    const generation = this.#generation
    try {
      const verified = await pending
      if (verified && generation === this.#generation) this.#known.keep(digest, verified)
      return await verified?.identify(token)
    } finally {
      if (this.#pending.get(digest) === pending) this.#pending.delete(digest)
    }
  }

  /** Forgets all: for when the issuers changed. */
  clear(): void {
    this.#generation++
    this.#known.clear()
    this.#pending.clear()
  }
}

/** The issuer that a token claims to be of, which nothing vouches for yet. */
function issuerOf(text: string): string | undefined {
  if (!COMPACT.test(text)) return undefined
  const start = text.indexOf('.') + 1
  const payload = Buffer.from(text.slice(start, text.indexOf('.', start)), 'base64url').toString()
  if (!payload.startsWith('{')) return undefined
  try {
    const { iss } = JSON.parse(payload) as { iss?: unknown }
    return typeof iss === 'string' ? iss : undefined
  } catch {
    return undefined
  }
}

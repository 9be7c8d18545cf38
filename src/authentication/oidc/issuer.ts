import { compactVerify, errors } from 'jose'
import { isObject, type Json, type JsonObject } from '../../machinery/json.ts'
import type { UserInfo } from '../../machinery/user.ts'
import type { JwtIssuer, VerifiedToken } from '../jwt.ts'
import { forAnyAudience, type PresentedToken, type TokenIdentity } from '../token.ts'
import type { OidcConfig } from './config.ts'
import { Claims, checkUser } from './expressions.ts'
import type { KeySet, ProviderKeys } from './provider-keys.ts'

export interface OidcIssuerDeps {
  config: OidcConfig
  keys: Pick<ProviderKeys, 'current' | 'refresh'>
  /** The server's own audiences, which every user of this issuer may use. */
  audiences: readonly string[]
  /** ms since the epoch. */
  clock: () => number
}

/** How far the issuer's clock may be ahead, in seconds. */
const AHEAD = 300

/**
 * Verifies the tokens of an OpenID provider and reads off them who somebody is.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens
 */
export class OidcIssuer implements JwtIssuer {
  readonly #deps: OidcIssuerDeps

  constructor(deps: OidcIssuerDeps) {
    this.#deps = deps
  }

  async verify(token: PresentedToken): Promise<VerifiedToken> {
    const claims = await this.#claims(token.text)
    const { config, audiences, clock } = this.#deps
    if (claims.iss !== config.issuer) throw new Error(`oidc: id token issued by a different provider`)
    const aud = typeof claims.aud === 'string' ? [claims.aud] : claims.aud
    if (!Array.isArray(aud) || !config.audiences.some((audience) => aud.includes(audience)))
      throw new Error(`oidc: verify token: oidc: expected audience in ${JSON.stringify(config.audiences)}`)
    const { exp, nbf } = claims
    if (typeof exp !== 'number') throw new Error('oidc: verify token: the claim exp is missing')
    const user = userOf(config, claims)
    return new OidcToken({ user, audiences }, exp, typeof nbf === 'number' ? nbf : 0, clock)
  }

  async #claims(text: string): Promise<JsonObject> {
    const { keys } = this.#deps
    if (!keys.current) throw new Error(`oidc: authenticator for issuer "${this.#deps.config.issuer}" is not initialized`)
    let payload = await this.#verified(text, keys.current)
    if (!payload) {
      // It may be signed with a key that is new.
      await keys.refresh()
      payload = await this.#verified(text, keys.current)
    }
    if (!payload) throw new Error('oidc: verify token: failed to verify signature: failed to verify id token signature')
    const claims = JSON.parse(Buffer.from(payload).toString()) as Json
    if (!isObject(claims)) throw new Error('oidc: parse claims: not an object')
    return claims
  }

  async #verified(text: string, keys: KeySet): Promise<Uint8Array | undefined> {
    const options = { algorithms: [...this.#deps.config.algorithms] }
    try {
      return (await compactVerify(text, keys, options)).payload
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) {
        // The token doesn't say which.
        for await (const key of error) {
          const verified = await compactVerify(text, key, options).catch(() => undefined)
          if (verified) return verified.payload
        }
        return undefined
      }
      if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) return undefined
      throw new Error(`oidc: verify token: ${(error as Error).message}`, { cause: error })
    }
  }
}

/** A verified token of an OpenID provider: good until it expires. */
class OidcToken implements VerifiedToken {
  readonly #identity: TokenIdentity
  readonly #exp: number
  readonly #nbf: number
  readonly #clock: () => number

  constructor(identity: TokenIdentity, exp: number, nbf: number, clock: () => number) {
    this.#identity = identity
    this.#exp = exp
    this.#nbf = nbf
    this.#clock = clock
  }

  identify({ audiences }: PresentedToken): TokenIdentity {
    const now = this.#clock() / 1000
    if (now > this.#exp) throw new Error('oidc: verify token: oidc: token is expired')
    if (now + AHEAD < this.#nbf) throw new Error('oidc: verify token: oidc: current time is before the nbf (not before) time')
    const identity = forAnyAudience(this.#identity, audiences)
    if (!identity) throw new Error('oidc: token is for other audiences')
    return identity
  }
}

function userOf(config: OidcConfig, claims: JsonObject): UserInfo {
  const { groups, expressions } = config
  const evaluated = new Claims(claims)
  const prefix = groups?.prefix ?? ''
  const user = {
    name: expressions.username ? named(evaluated.text(expressions.username, 'username')) : usernameOf(config, claims),
    groups: expressions.groups
      ? evaluated.texts(expressions.groups, 'oidc: error evaluating group claim expression')
      : groups
        ? groupsOf(claims, groups.claim).map((group) => prefix + group)
        : [],
    uid: expressions.uid ? evaluated.text(expressions.uid, 'uid') : uidOf(config, claims),
    extra: extraOf(config, evaluated),
  }
  checkRequired(config, claims)
  evaluated.check(expressions.claimRules)
  checkUser(expressions.userRules, user)
  return user
}

/** Nobody is nobody: the request fails. */
function named(name: string): string {
  if (name === '')
    throw new Error('oidc: error evaluating username claim expression: username claim expression must not be empty')
  return name
}

function usernameOf({ username }: OidcConfig, claims: JsonObject): string {
  const name = claims[username.claim]
  if (typeof name !== 'string' || name === '')
    throw new Error(`oidc: parse username claims "${username.claim}": claim not present`)
  if (username.claim === 'email' && claims.email_verified !== undefined && claims.email_verified !== true)
    throw new Error('oidc: email not verified')
  return username.prefix + name
}

function uidOf({ uidClaim }: OidcConfig, claims: JsonObject): string {
  const uid = uidClaim ? claims[uidClaim] : ''
  if (typeof uid !== 'string') throw new Error(`oidc: parse uid claim "${uidClaim}": claim not present`)
  return uid
}

function extraOf({ expressions }: OidcConfig, claims: Claims): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  for (const { key, program } of expressions.extra) {
    const values = claims.texts(program, `oidc: error evaluating extra claim expression: ${program.source}`)
    if (values.length) extra[key] = values
  }
  return extra
}

function groupsOf(claims: JsonObject, claim: string): readonly string[] {
  const value = claims[claim] ?? []
  if (typeof value === 'string') return [value]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new Error(`oidc: parse groups claim "${claim}": not a string or a list of strings`)
}

function checkRequired({ requiredClaims }: OidcConfig, claims: JsonObject): void {
  for (const [claim, wanted] of Object.entries(requiredClaims)) {
    if (!Object.hasOwn(claims, claim)) throw new Error(`oidc: required claim ${claim} not present in ID token`)
    if (claims[claim] !== wanted) throw new Error(`oidc: required claim ${claim} value does not match`)
  }
}

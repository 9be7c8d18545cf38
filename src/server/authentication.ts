import { randomUUID } from 'node:crypto'
import { type Authenticator, type Credentials as RequestCredentials, Union } from '../authentication/authenticator.ts'
import { bearer } from '../authentication/bearer.ts'
import { JwtAuthenticator } from '../authentication/jwt.ts'
import { type AuthenticationMetrics, NO_METRICS } from '../authentication/metrics.ts'
import { RequestAuthenticator } from '../authentication/request.ts'
import { TokenReviews } from '../authentication/review.ts'
import type { OpenIdMetadata } from '../authentication/service-account/metadata.ts'
import type { PresentedToken, TokenAuthenticator, TokenIdentity } from '../authentication/token.ts'
import { tokenFile } from '../authentication/token-file.ts'
import { x509 } from '../authentication/x509.ts'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import type { Registry } from '../registry/registry.ts'
import type { TokenIssuer } from '../registry/tokens.ts'
import type { Credentials } from './config.ts'
import { serviceAccountTokens } from './service-accounts.ts'

export interface AuthenticationDeps {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
  registry: Registry
  credential: Credentials
  metrics?: AuthenticationMetrics
}

/** Everything that tells who somebody is, as the flags say. */
export class Authentication {
  readonly requests: RequestAuthenticator
  readonly reviews: TokenReviews
  readonly tokens: TokenIssuer
  /** Undefined when the issuer isn't one that could have any. */
  readonly openId: OpenIdMetadata | undefined

  private constructor(parts: {
    requests: RequestAuthenticator
    reviews: TokenReviews
    tokens: TokenIssuer
    openId: OpenIdMetadata | undefined
  }) {
    this.requests = parts.requests
    this.reviews = parts.reviews
    this.tokens = parts.tokens
    this.openId = parts.openId
  }

  /**
   * Reads the files that the flags name. Other kinds' objects are first looked at when a token asks for them.
   *
   * @throws Error with one line when a file can't be used
   */
  static async create(deps: AuthenticationDeps): Promise<Authentication> {
    const { options, logger, clock, credential, metrics = NO_METRICS } = deps
    const accounts = await serviceAccountTokens({ ...deps, metrics, uuid: randomUUID })
    const tokens: TokenAuthenticator[] = []
    if (options.tokenAuthFile)
      tokens.push(await tokenFile(options.tokenAuthFile, options.apiAudiences, (text) => logger.warn(text)))
    tokens.push(new JwtAuthenticator({ issuer: accounts.issuer, metrics }))
    const union = new Union<PresentedToken, TokenIdentity>('tokens', tokens)
    const authenticators: Authenticator<RequestCredentials>[] = []
    if (credential.clientCa !== undefined) authenticators.push(x509({ clock: { now: clock } }))
    authenticators.push(bearer(union))
    return new Authentication({
      requests: new RequestAuthenticator({
        authenticators,
        anonymous: options.anonymousAuth,
        onRefused: (reason) =>
          logger.debug('authentication refused', { reason: reason instanceof Error ? reason.message : String(reason) }),
      }),
      reviews: new TokenReviews(union, options.anonymousAuth),
      tokens: accounts.tokens,
      openId: accounts.openId,
    })
  }
}

import { randomUUID } from 'node:crypto'
import { type Authenticator, type Credentials as RequestCredentials, Union } from '../authentication/authenticator.ts'
import type { Authorities } from '../authentication/authorities.ts'
import { bearer } from '../authentication/bearer.ts'
import { bootstrapTokens } from '../authentication/bootstrap-token.ts'
import { JwtAuthenticator } from '../authentication/jwt.ts'
import { type AuthenticationMetrics, NO_METRICS } from '../authentication/metrics.ts'
import { RequestAuthenticator } from '../authentication/request.ts'
import { requestHeader } from '../authentication/request-header.ts'
import { TokenReviews } from '../authentication/review.ts'
import type { OpenIdMetadata } from '../authentication/service-account/metadata.ts'
import type { PresentedToken, TokenAuthenticator, TokenIdentity } from '../authentication/token.ts'
import { tokenFile } from '../authentication/token-file.ts'
import { webSocketBearer } from '../authentication/web-socket.ts'
import { x509 } from '../authentication/x509.ts'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import type { Registry } from '../registry/registry.ts'
import type { TokenIssuer } from '../registry/tokens.ts'
import { bootstrapSecrets } from './bootstrap-secrets.ts'
import type { Certificates } from './certificates.ts'
import { Oidc } from './oidc.ts'
import { serviceAccountTokens } from './service-accounts.ts'
import { tokenWebhook } from './token-webhook.ts'

export interface AuthenticationDeps {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
  registry: Registry
  certificates: Certificates
  metrics?: AuthenticationMetrics
}

/** Everything that tells who somebody is, as the flags say. */
export class Authentication {
  readonly requests: RequestAuthenticator
  readonly reviews: TokenReviews
  readonly tokens: TokenIssuer
  /** Undefined when the issuer isn't one that could have any. */
  readonly openId: OpenIdMetadata | undefined
  readonly #oidc: Oidc

  private constructor(parts: {
    requests: RequestAuthenticator
    reviews: TokenReviews
    tokens: TokenIssuer
    openId: OpenIdMetadata | undefined
    oidc: Oidc
  }) {
    this.requests = parts.requests
    this.reviews = parts.reviews
    this.tokens = parts.tokens
    this.openId = parts.openId
    this.#oidc = parts.oidc
  }

  /**
   * Reads the files that the flags name. Other kinds' objects are first looked at when a token asks for them.
   *
   * @throws Error with one line when a file can't be used
   */
  static async create(deps: AuthenticationDeps): Promise<Authentication> {
    const { options, logger, clock, registry, certificates, metrics = NO_METRICS } = deps
    const { current } = certificates
    const accounts = await serviceAccountTokens({ ...deps, credential: current, metrics, uuid: randomUUID })
    const tokens: TokenAuthenticator[] = []
    if (options.tokenAuthFile)
      tokens.push(await tokenFile(options.tokenAuthFile, options.apiAudiences, (text) => logger.warn(text)))
    const oidc = new Oidc({ options, logger, clock })
    const jwt = new JwtAuthenticator({ issuer: (name) => accounts.issuer(name) ?? oidc.issuer(name), metrics })
    oidc.follow(() => jwt.clear())
    tokens.push(jwt)
    if (options.enableBootstrapTokenAuth)
      tokens.push(bootstrapTokens({ secret: bootstrapSecrets(registry), audiences: options.apiAudiences, clock }))
    if (options.authenticationTokenWebhookConfigFile) tokens.push(tokenWebhook(options, clock, metrics))
    const union = new Union<PresentedToken, TokenIdentity>('tokens', tokens)
    const authenticators: Authenticator<RequestCredentials>[] = []
    if (current.requestHeaderCa !== undefined) authenticators.push(proxied(options, certificates, clock))
    if (current.clientCa !== undefined)
      authenticators.push(x509({ clock: { now: clock }, authorities: () => certificates.clients }))
    authenticators.push(bearer(union), webSocketBearer(union))
    return new Authentication({
      requests: new RequestAuthenticator({
        authenticators,
        anonymous: (path) => oidc.anonymous(path),
        metrics,
        onRefused: (reason) =>
          logger.debug('authentication refused', { reason: reason instanceof Error ? reason.message : String(reason) }),
      }),
      reviews: new TokenReviews(union, oidc.anonymous('')),
      tokens: accounts.tokens,
      openId: accounts.openId,
      oidc,
    })
  }

  /** Looks now whether the configuration file changed, which is done every few seconds anyway. */
  look(): void {
    this.#oidc.look()
  }

  close(): void {
    this.#oidc.close()
  }
}

function proxied(options: Options, certificates: Certificates, clock: () => number): Authenticator<RequestCredentials> {
  return requestHeader({
    clock,
    authorities: () => certificates.proxies as Authorities,
    allowedNames: options.requestheaderAllowedNames,
    usernameHeaders: options.requestheaderUsernameHeaders,
    uidHeaders: options.requestheaderUidHeaders,
    groupHeaders: options.requestheaderGroupHeaders,
    extraPrefixes: options.requestheaderExtraHeadersPrefix,
  })
}

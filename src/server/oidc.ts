import type { JwtIssuer } from '../authentication/jwt.ts'
import {
  type AnonymousConfig,
  type AuthenticationConfig,
  authenticationConfig,
  checkIssuer,
  type OidcConfig,
} from '../authentication/oidc/config.ts'
import { NO_EXPRESSIONS } from '../authentication/oidc/expressions.ts'
import { OidcIssuer } from '../authentication/oidc/issuer.ts'
import { ProviderKeys } from '../authentication/oidc/provider-keys.ts'
import { yamlToJson } from '../machinery/yaml.ts'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import { read } from './config.ts'

export interface OidcDeps {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
}

/** How often the file is looked at. */
const LOOK_EVERY = 10_000

/** The OpenID providers that flags or a file name. The file may change while the server runs. */
export class Oidc {
  readonly #deps: OidcDeps
  readonly #anonymous: AnonymousConfig | undefined
  #issuers = new Map<string, { issuer: JwtIssuer; keys: ProviderKeys }>()
  #text = ''
  #timer: NodeJS.Timeout | undefined
  #changed: (() => void) | undefined

  /** @throws Error with one line when the file or a flag can't be used. A provider that is down is no reason */
  constructor(deps: OidcDeps) {
    this.#deps = deps
    const { options } = deps
    this.#text = options.authenticationConfig ? read(options.authenticationConfig) : ''
    const config = this.#parse(this.#text)
    this.#anonymous = config.anonymous
    this.#use(config.issuers)
  }

  /** Whether requests without credentials are let in, by their path. */
  anonymous(path: string): boolean {
    const config = this.#anonymous
    if (!config) return this.#deps.options.anonymousAuth
    return config.enabled && (config.paths.length === 0 || config.paths.includes(path))
  }

  issuer(name: string): JwtIssuer | undefined {
    return this.#issuers.get(name)?.issuer
  }

  /** Looks for changes of the file from now on. @param changed called when other issuers are in use */
  follow(changed: () => void): void {
    this.#changed = changed
    if (this.#deps.options.authenticationConfig) this.#timer = setInterval(() => this.look(), LOOK_EVERY).unref()
  }

  /** Looks once. What can't be used is logged, and the old configuration stays. */
  look(): void {
    const { options, logger } = this.#deps
    try {
      const text = read(options.authenticationConfig)
      if (text === this.#text) return
      this.#text = text
      const { issuers, anonymous } = this.#parse(text)
      if (JSON.stringify(anonymous) !== JSON.stringify(this.#anonymous))
        throw new Error('anonymous: changes need a restart of the server')
      this.#use(issuers)
      this.#changed?.()
      logger.info('the authentication configuration changed, and is in use', { file: options.authenticationConfig })
    } catch (error) {
      logger.warn('the authentication configuration can not be used, the old one stays', { error })
    }
  }

  #parse(text: string): AuthenticationConfig {
    const { options } = this.#deps
    const disallowed = options.serviceAccountIssuer
    if (options.authenticationConfig) {
      try {
        return authenticationConfig(yamlToJson(Buffer.from(text)), disallowed)
      } catch (error) {
        throw new Error(`${options.authenticationConfig}: ${(error as Error).message}`, { cause: error })
      }
    }
    if (!options.oidcIssuerUrl) return { issuers: [], anonymous: undefined }
    const config = fromFlags(options)
    checkIssuer(config, disallowed)
    return { issuers: [config], anonymous: undefined }
  }

  #use(configs: readonly OidcConfig[]): void {
    const { options, logger, clock } = this.#deps
    const before = this.#issuers
    this.#issuers = new Map()
    for (const config of configs) {
      const keys = new ProviderKeys({
        ...config,
        clock,
        onFailure: (error) => logger.warn('an OpenID provider can not be used yet', { issuer: config.issuer, error }),
      })
      this.#issuers.set(config.issuer, { keys, issuer: new OidcIssuer({ config, keys, audiences: options.apiAudiences, clock }) })
    }
    for (const { keys } of before.values()) keys.close()
  }

  close(): void {
    clearInterval(this.#timer)
    for (const { keys } of this.#issuers.values()) keys.close()
  }
}

function fromFlags(options: Options): OidcConfig {
  const { oidcIssuerUrl: issuer, oidcUsernameClaim: claim, oidcUsernamePrefix: prefix } = options
  // Without a prefix names of the issuer could be mistaken for others'. Mail addresses speak for themselves.
  const usernamePrefix = prefix === '-' ? '' : prefix || (claim === 'email' ? '' : `${issuer}#`)
  return {
    issuer,
    discoveryUrl: '',
    certificateAuthority: options.oidcCaFile ? read(options.oidcCaFile) : '',
    audiences: [options.oidcClientId],
    algorithms: options.oidcSigningAlgs,
    username: { claim, prefix: usernamePrefix },
    groups: options.oidcGroupsClaim ? { claim: options.oidcGroupsClaim, prefix: options.oidcGroupsPrefix } : undefined,
    uidClaim: '',
    requiredClaims: options.oidcRequiredClaim,
    expressions: NO_EXPRESSIONS,
  }
}

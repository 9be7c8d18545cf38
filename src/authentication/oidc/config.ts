import { X509Certificate } from 'node:crypto'
import { ConfigReader } from '../../machinery/config-reader.ts'
import { duplicate, invalid, required, tooMany } from '../../machinery/field-errors.ts'
import { isObject, type Json, type JsonObject } from '../../machinery/json.ts'
import { readMappings } from './claim-mappings.ts'
import type { ClaimExpressions } from './expressions.ts'

/** Where a user's name or groups come from. */
export interface ClaimMapping {
  readonly claim: string
  readonly prefix: string
}

/** One issuer of OpenID Connect tokens, and what its tokens say of users. */
export interface OidcConfig {
  readonly issuer: string
  /** Where its configuration is, when that isn't below the issuer's own URL. */
  readonly discoveryUrl: string
  /** Authorities to verify the issuer's server with, in PEM; empty for the usual ones. */
  readonly certificateAuthority: string
  /** Tokens must be for one of them. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly username: ClaimMapping
  readonly groups: ClaimMapping | undefined
  /** The claim with the user's UID; empty for none. */
  readonly uidClaim: string
  readonly requiredClaims: Readonly<Record<string, string>>
  /** What is said by expressions instead of claims, and what more must hold. */
  readonly expressions: ClaimExpressions
}

/** Whether requests without credentials are let in, and on which paths; any when there are none. */
export interface AnonymousConfig {
  readonly enabled: boolean
  readonly paths: readonly string[]
}

export interface AuthenticationConfig {
  readonly issuers: readonly OidcConfig[]
  /** Undefined when the file says nothing: then the flag decides. */
  readonly anonymous: AnonymousConfig | undefined
}

/** What tokens may be signed with. */
export const OIDC_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

const VERSIONS = ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1']
const MAX_ISSUERS = 64

/**
 * Reads an AuthenticationConfiguration.
 *
 * @param document parsed YAML or JSON
 * @param disallowed issuers that can't be configured: the server's own
 * @throws Error with one line that says all that is wrong
 * @see https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/
 */
export function authenticationConfig(document: Json, disallowed: readonly string[]): AuthenticationConfig {
  if (!isObject(document)) throw new Error('the authentication configuration is no object')
  const { kind, apiVersion } = document
  if (kind !== 'AuthenticationConfiguration' || !VERSIONS.includes(apiVersion as string))
    throw new Error(`${String(apiVersion)}, Kind=${String(kind)} is no authentication configuration`)
  const reader = new ConfigReader()
  reader.known(document, '', ['kind', 'apiVersion', 'jwt', 'anonymous'])
  const jwt = reader.list(document, 'jwt', '')
  if (jwt.length > MAX_ISSUERS) {
    reader.errors.push(tooMany('jwt', jwt.length, MAX_ISSUERS))
    reader.finish()
  }
  const issuers = jwt.map((entry, i) => issuerConfig(reader, entry, `jwt[${i}]`, disallowed))
  reader.distinct(
    issuers.map(({ issuer }) => issuer),
    (i) => `jwt[${i}].issuer.url`,
  )
  reader.distinct(
    issuers.map(({ discoveryUrl }) => discoveryUrl),
    (i) => `jwt[${i}].issuer.discoveryURL`,
  )
  const anonymous = document.anonymous === undefined ? undefined : anonymousConfig(reader, document)
  reader.finish()
  return { issuers, anonymous }
}

/** @throws Error with one line, for the first line of what is wrong with an issuer that flags describe */
export function checkIssuer(config: OidcConfig, disallowed: readonly string[]): void {
  const reader = new ConfigReader()
  checkUrl(reader, config.issuer, 'issuer.url', disallowed)
  reader.finish()
}

function anonymousConfig(reader: ConfigReader, document: JsonObject): AnonymousConfig {
  const anonymous = reader.object(document, 'anonymous', '')
  reader.known(anonymous, 'anonymous', ['enabled', 'conditions'])
  const conditions = reader.list(anonymous, 'conditions', 'anonymous')
  const enabled = anonymous.enabled === true
  if (!enabled && conditions.length > 0)
    reader.errors.push(
      invalid('anonymous.conditions', conditions as Json, 'enabled should be set to true when conditions are defined'),
    )
  const paths = conditions.map((condition, i) => reader.text(condition, 'path', `anonymous.conditions[${i}]`))
  return { enabled, paths }
}

function issuerConfig(reader: ConfigReader, entry: JsonObject, path: string, disallowed: readonly string[]): OidcConfig {
  reader.known(entry, path, ['issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules'])
  const issuer = reader.object(entry, 'issuer', path)
  const at = `${path}.issuer`
  reader.known(issuer, at, [
    'url',
    'discoveryURL',
    'certificateAuthority',
    'audiences',
    'audienceMatchPolicy',
    'egressSelectorType',
  ])
  const url = reader.text(issuer, 'url', at)
  if (url === '') reader.errors.push(required(`${at}.url`))
  else checkUrl(reader, url, `${at}.url`, disallowed)
  const discoveryUrl = reader.text(issuer, 'discoveryURL', at)
  if (discoveryUrl !== '') {
    const trimmed = (text: string): string => text.replace(/\/+$/, '')
    if (trimmed(url) === trimmed(discoveryUrl))
      reader.errors.push(invalid(`${at}.discoveryURL`, discoveryUrl, 'discoveryURL must be different from URL'))
    checkUrl(reader, discoveryUrl, `${at}.discoveryURL`, [])
  }
  const certificateAuthority = reader.text(issuer, 'certificateAuthority', at)
  if (certificateAuthority !== '' && !isCertificate(certificateAuthority))
    reader.errors.push(
      invalid(`${at}.certificateAuthority`, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates'),
    )
  const egress = reader.text(issuer, 'egressSelectorType', at)
  if (!['', 'controlplane', 'cluster'].includes(egress))
    reader.errors.push(invalid(`${at}.egressSelectorType`, egress, 'egress selector must be either controlplane or cluster'))
  return {
    issuer: url,
    discoveryUrl,
    certificateAuthority,
    audiences: audiencesOf(reader, issuer, at),
    algorithms: OIDC_ALGORITHMS,
    ...readMappings(reader, entry, path),
  }
}

function checkUrl(reader: ConfigReader, url: string, path: string, disallowed: readonly string[]): void {
  const wrong = (detail: string) => reader.errors.push(invalid(path, url, detail))
  if (disallowed.includes(url)) wrong(`URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`)
  if (!URL.canParse(url)) {
    wrong('invalid URL')
    return
  }
  const { protocol, username, password, search, hash } = new URL(url)
  if (protocol !== 'https:') wrong('URL scheme must be https')
  if (username !== '' || password !== '') wrong('URL must not contain a username or password')
  if (search !== '') wrong('URL must not contain a query')
  if (hash !== '') wrong('URL must not contain a fragment')
}

function audiencesOf(reader: ConfigReader, issuer: JsonObject, path: string): string[] {
  const audiences = reader.texts(issuer, 'audiences', path)
  const policy = reader.text(issuer, 'audienceMatchPolicy', path)
  if (audiences.length === 0) reader.errors.push(required(`${path}.audiences`, `at least one ${path}.audiences is required`))
  audiences.forEach((audience, i) => {
    if (audience === '') reader.errors.push(required(`${path}.audiences[${i}]`))
    if (audiences.indexOf(audience) < i) reader.errors.push(duplicate(`${path}.audiences[${i}]`, audience))
  })
  const at = `${path}.audienceMatchPolicy`
  if (audiences.length > 1 && policy !== 'MatchAny')
    reader.errors.push(invalid(at, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'))
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny')
    reader.errors.push(invalid(at, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience'))
  return audiences
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

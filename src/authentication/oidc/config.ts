import { X509Certificate } from 'node:crypto'
import { duplicate, type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { isObject, type Json, type JsonObject } from '../../machinery/json.ts'

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
  const reader = new Reader()
  reader.known(document, '', ['kind', 'apiVersion', 'jwt', 'anonymous'])
  const jwt = reader.list(document, 'jwt', '')
  if (jwt.length > MAX_ISSUERS) reader.errors.push(invalid('jwt', jwt.length, `must have at most ${MAX_ISSUERS} items`))
  const issuers = jwt.map((entry, i) => issuerConfig(reader, entry, `jwt[${i}]`, disallowed))
  issuers.forEach(({ issuer }, i) => {
    if (issuers.findIndex((other) => other.issuer === issuer) < i) reader.errors.push(duplicate(`jwt[${i}].issuer.url`, issuer))
  })
  const anonymous = document.anonymous === undefined ? undefined : anonymousConfig(reader, document)
  reader.finish()
  return { issuers, anonymous }
}

/** @throws Error with one line, for the first line of what is wrong with an issuer that flags describe */
export function checkIssuer(config: OidcConfig, disallowed: readonly string[]): void {
  const reader = new Reader()
  checkUrl(reader, config.issuer, 'issuer.url', disallowed)
  reader.finish()
}

function anonymousConfig(reader: Reader, document: JsonObject): AnonymousConfig {
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

function issuerConfig(reader: Reader, entry: JsonObject, path: string, disallowed: readonly string[]): OidcConfig {
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
  if (url === '') reader.errors.push(required(`${at}.url`, 'URL is required'))
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
  const mappings = reader.object(entry, 'claimMappings', path)
  if (reader.list(entry, 'userValidationRules', path).length > 0) reader.noExpressions(`${path}.userValidationRules`)
  if (reader.list(mappings, 'extra', `${path}.claimMappings`).length > 0) reader.noExpressions(`${path}.claimMappings.extra`)
  return {
    issuer: url,
    discoveryUrl,
    certificateAuthority,
    audiences: audiencesOf(reader, issuer, at),
    algorithms: OIDC_ALGORITHMS,
    username: mappingOf(reader, mappings, 'username', path) ?? { claim: '', prefix: '' },
    groups: mappingOf(reader, mappings, 'groups', path),
    uidClaim: uidClaim(reader, mappings, path),
    requiredClaims: requiredClaims(reader, entry, path),
  }
}

function checkUrl(reader: Reader, url: string, path: string, disallowed: readonly string[]): void {
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

function audiencesOf(reader: Reader, issuer: JsonObject, path: string): string[] {
  const audiences = reader.texts(issuer, 'audiences', path)
  const policy = reader.text(issuer, 'audienceMatchPolicy', path)
  if (audiences.length === 0) reader.errors.push(required(`${path}.audiences`, `at least one ${path}.audiences is required`))
  audiences.forEach((audience, i) => {
    if (audience === '') reader.errors.push(required(`${path}.audiences[${i}]`, "audience can't be empty"))
    if (audiences.indexOf(audience) < i) reader.errors.push(duplicate(`${path}.audiences[${i}]`, audience))
  })
  const at = `${path}.audienceMatchPolicy`
  if (audiences.length > 1 && policy !== 'MatchAny')
    reader.errors.push(invalid(at, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'))
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny')
    reader.errors.push(invalid(at, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience'))
  return audiences
}

function mappingOf(reader: Reader, mappings: JsonObject, name: 'username' | 'groups', parent: string): ClaimMapping | undefined {
  const path = `${parent}.claimMappings.${name}`
  const mapping = reader.object(mappings, name, `${parent}.claimMappings`)
  const claim = reader.text(mapping, 'claim', path)
  if (reader.text(mapping, 'expression', path) !== '') reader.noExpressions(`${path}.expression`)
  else if (claim === '' && name === 'username') reader.errors.push(required(path, 'claim or expression is required'))
  if (claim === '') return undefined
  if (mapping.prefix === undefined)
    reader.errors.push(
      required(`${path}.prefix`, 'prefix is required when claim is set. It can be set to an empty string to disable prefixing'),
    )
  return { claim, prefix: reader.text(mapping, 'prefix', path) }
}

function uidClaim(reader: Reader, mappings: JsonObject, parent: string): string {
  const path = `${parent}.claimMappings.uid`
  const uid = reader.object(mappings, 'uid', `${parent}.claimMappings`)
  if (reader.text(uid, 'expression', path) !== '') reader.noExpressions(`${path}.expression`)
  return reader.text(uid, 'claim', path)
}

function requiredClaims(reader: Reader, entry: JsonObject, parent: string): Record<string, string> {
  const found: Record<string, string> = {}
  reader.list(entry, 'claimValidationRules', parent).forEach((rule, i) => {
    const path = `${parent}.claimValidationRules[${i}]`
    const claim = reader.text(rule, 'claim', path)
    if (reader.text(rule, 'expression', path) !== '') reader.noExpressions(`${path}.expression`)
    else if (claim === '') reader.errors.push(required(path, 'claim or expression is required'))
    if (claim !== '' && Object.hasOwn(found, claim)) reader.errors.push(duplicate(`${path}.claim`, claim))
    found[claim] = reader.text(rule, 'requiredValue', path)
  })
  return found
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** Reads members and gathers what is wrong with them. */
class Reader {
  readonly errors: FieldError[] = []

  known(object: JsonObject, path: string, names: readonly string[]): void {
    for (const name of Object.keys(object)) {
      if (!names.includes(name)) this.errors.push({ reason: '', field: within(path, name), message: 'unknown field' })
    }
  }

  text(object: JsonObject, name: string, path: string): string {
    const value = object[name] ?? ''
    if (typeof value === 'string') return value
    this.errors.push(invalid(within(path, name), value, 'must be a string'))
    return ''
  }

  texts(object: JsonObject, name: string, path: string): string[] {
    const value = object[name] ?? []
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
    this.errors.push(invalid(within(path, name), value, 'must be a list of strings'))
    return []
  }

  object(object: JsonObject, name: string, path: string): JsonObject {
    const value = object[name] ?? {}
    if (isObject(value)) return value
    this.errors.push(invalid(within(path, name), value, 'must be an object'))
    return {}
  }

  list(object: JsonObject, name: string, path: string): JsonObject[] {
    const value = object[name] ?? []
    if (Array.isArray(value) && value.every(isObject)) return value
    this.errors.push(invalid(within(path, name), value, 'must be a list of objects'))
    return []
  }

  /** What can't be evaluated must not seem to be. */
  noExpressions(path: string): void {
    this.errors.push({ reason: '', field: path, message: 'expressions are not built yet' })
  }

  finish(): void {
    if (this.errors.length === 0) return
    const lines = this.errors.map(({ field, message }) => `${field}: ${message}`)
    throw new Error(lines.length > 1 ? `[${lines.join(', ')}]` : lines[0])
  }
}

const within = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

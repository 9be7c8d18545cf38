import { stat } from 'node:fs/promises'
import path from 'node:path'
import { ConfigReader } from '../machinery/config-reader.ts'
import { formatDuration } from '../machinery/duration.ts'
import { duplicate, invalid, notSupported, required, tooMany } from '../machinery/field-errors.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { isDns1123Subdomain } from '../machinery/validation.ts'
import { compileCondition, type MatchCondition } from './webhook/match-conditions.ts'
import type { ReviewVersion } from './webhook/review.ts'

/** One authorizer of the chain, as the file describes it. */
export interface AuthorizerConfig {
  readonly type: AuthorizerType
  readonly name: string
  /** Only and always with the type Webhook. */
  readonly webhook: WebhookConfig | undefined
}

export interface WebhookConfig {
  readonly kubeconfig: string
  /** ms, as all times here; 0 for not remembering. */
  readonly timeout: number
  readonly authorizedTtl: number
  readonly unauthorizedTtl: number
  readonly version: ReviewVersion
  /** What is decided when the webhook can't be asked, or a condition has no value. */
  readonly onFailure: 'no opinion' | 'deny'
  readonly conditions: readonly MatchCondition[]
}

const TYPES = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const

export type AuthorizerType = (typeof TYPES)[number]

const VERSIONS = ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1']
const MAX_CONDITIONS = 64
const MAX_TIMEOUT = 30_000
const AUTHORIZED_TTL = 300_000
const UNAUTHORIZED_TTL = 30_000

/**
 * Reads an AuthorizationConfiguration.
 *
 * @param document parsed YAML or JSON
 * @throws Error (rejects) with one line that says all that is wrong
 * @see https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-AuthorizationConfiguration
 */
export async function authorizationConfig(document: Json): Promise<readonly AuthorizerConfig[]> {
  if (!isObject(document)) throw new Error('the authorization configuration is no object')
  const { kind, apiVersion } = document
  if (kind !== 'AuthorizationConfiguration' || !VERSIONS.includes(apiVersion as string))
    throw new Error(`${String(apiVersion)}, Kind=${String(kind)} is no authorization configuration`)
  const reader = new ConfigReader()
  reader.known(document, '', ['kind', 'apiVersion', 'authorizers'])
  const entries = reader.list(document, 'authorizers', '')
  if (entries.length === 0) reader.errors.push(required('authorizers', 'at least one authorization mode must be defined'))
  const types = new Set<string>()
  const names = new Set<string>()
  const found: AuthorizerConfig[] = []
  for (const [i, entry] of entries.entries()) {
    const config = await authorizerConfig(reader, entry, `authorizers[${i}]`, types, names)
    if (config) found.push(config)
  }
  reader.finish()
  return found
}

async function authorizerConfig(
  reader: ConfigReader,
  entry: JsonObject,
  at: string,
  types: Set<string>,
  names: Set<string>,
): Promise<AuthorizerConfig | undefined> {
  reader.known(entry, at, ['type', 'name', 'webhook'])
  const type = reader.text(entry, 'type', at)
  if (type === '') {
    reader.errors.push(required(`${at}.type`))
    return undefined
  }
  if (!isType(type)) {
    reader.errors.push(notSupported(`${at}.type`, type, TYPES))
    return undefined
  }
  if (types.has(type) && type !== 'Webhook') {
    reader.errors.push(duplicate(`${at}.type`, type))
    return undefined
  }
  types.add(type)
  const name = reader.text(entry, 'name', at)
  const wrong = isDns1123Subdomain(name)
  if (name === '') reader.errors.push(required(`${at}.name`))
  else if (names.has(name)) reader.errors.push(duplicate(`${at}.name`, name))
  else if (wrong.length) reader.errors.push(invalid(`${at}.name`, name, `authorizer name is invalid: ${wrong.join(', ')}`))
  names.add(name)
  const given = entry.webhook !== undefined && entry.webhook !== null
  if (type !== 'Webhook') {
    if (given) reader.errors.push(invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook'))
    return { type, name, webhook: undefined }
  }
  if (!given) {
    reader.errors.push(required(`${at}.webhook`, 'required when type=Webhook'))
    return undefined
  }
  return { type, name, webhook: await webhookConfig(reader, reader.object(entry, 'webhook', at), at) }
}

const isType = (text: string): text is AuthorizerType => (TYPES as readonly string[]).includes(text)

/** @param at of the authorizer: the reference leaves `webhook` out of its paths */
async function webhookConfig(reader: ConfigReader, webhook: JsonObject, at: string): Promise<WebhookConfig> {
  reader.known(webhook, `${at}.webhook`, [
    'authorizedTTL',
    'cacheAuthorizedRequests',
    'unauthorizedTTL',
    'cacheUnauthorizedRequests',
    'timeout',
    'subjectAccessReviewVersion',
    'matchConditionSubjectAccessReviewVersion',
    'failurePolicy',
    'connectionInfo',
    'matchConditions',
  ])
  const timeout = duration(reader, webhook, 'timeout', at, 0, MAX_TIMEOUT)
  const authorizedTtl = duration(reader, webhook, 'authorizedTTL', at, AUTHORIZED_TTL)
  const unauthorizedTtl = duration(reader, webhook, 'unauthorizedTTL', at, UNAUTHORIZED_TTL)
  const version = choice(reader, webhook, 'subjectAccessReviewVersion', at, ['v1', 'v1beta1'])
  const conditions = reader.list(webhook, 'matchConditions', at)
  if (reader.text(webhook, 'matchConditionSubjectAccessReviewVersion', at) !== '' || conditions.length > 0) {
    const why = 'required if match conditions are specified'
    choice(reader, webhook, 'matchConditionSubjectAccessReviewVersion', at, ['v1'], why)
  }
  const policy = choice(reader, webhook, 'failurePolicy', at, ['NoOpinion', 'Deny'])
  return {
    timeout,
    authorizedTtl: reader.flag(webhook, 'cacheAuthorizedRequests', at, true) ? authorizedTtl : 0,
    unauthorizedTtl: reader.flag(webhook, 'cacheUnauthorizedRequests', at, true) ? unauthorizedTtl : 0,
    version: version === 'v1beta1' ? 'v1beta1' : 'v1',
    onFailure: policy === 'Deny' ? 'deny' : 'no opinion',
    kubeconfig: await kubeconfigOf(reader, reader.object(webhook, 'connectionInfo', at), `${at}.connectionInfo`),
    conditions: conditionsOf(reader, conditions, at),
  }
}

function duration(reader: ConfigReader, object: JsonObject, name: string, at: string, byDefault: number, most?: number): number {
  const before = reader.errors.length
  const value = reader.duration(object, name, at, byDefault)
  const field = `${at}.${name}`
  const text = formatDuration(BigInt(Math.round(value * 1e6)))
  if (reader.errors.length > before) return value
  if (value === 0) reader.errors.push(required(field))
  else if (most !== undefined && (value > most || value < 0)) reader.errors.push(invalid(field, text, 'must be > 0s and <= 30s'))
  else if (value < 0) reader.errors.push(invalid(field, text, 'must be > 0s'))
  return value
}

function choice(reader: ConfigReader, object: JsonObject, name: string, at: string, choices: string[], why = ''): string {
  const value = reader.text(object, name, at)
  if (value === '') reader.errors.push(required(`${at}.${name}`, why))
  else if (!choices.includes(value)) reader.errors.push(notSupported(`${at}.${name}`, value, choices))
  return value
}

async function kubeconfigOf(reader: ConfigReader, info: JsonObject, at: string): Promise<string> {
  reader.known(info, at, ['type', 'kubeConfigFile'])
  const type = choice(reader, info, 'type', at, ['InClusterConfig', 'KubeConfigFile'])
  const file = reader.text(info, 'kubeConfigFile', at)
  const field = `${at}.kubeConfigFile`
  const wrong = (detail: string): number => reader.errors.push(invalid(field, file, detail))
  if (type === 'InClusterConfig') {
    if (info.kubeConfigFile !== undefined) wrong('can only be set when type=KubeConfigFile')
    reader.errors.push(notSupported(`${at}.type`, type, ['KubeConfigFile']))
  } else if (type === 'KubeConfigFile') {
    if (file === '') reader.errors.push(required(field))
    else if (!path.isAbsolute(file)) wrong('must be an absolute path')
    else {
      const info = await stat(file).catch(() => undefined)
      if (!info) wrong(`error loading file: stat ${file}: no such file or directory`)
      else if (!info.isFile()) wrong('must be a regular file')
    }
  }
  return file
}

function conditionsOf(reader: ConfigReader, entries: readonly JsonObject[], at: string): MatchCondition[] {
  if (entries.length > MAX_CONDITIONS) {
    reader.errors.push(tooMany(`${at}.matchConditions`, entries.length, MAX_CONDITIONS))
    return []
  }
  const seen = new Set<string>()
  const found: MatchCondition[] = []
  entries.forEach((entry, i) => {
    const condition = `${at}.matchConditions[${i}]`
    reader.known(entry, condition, ['expression'])
    const field = `${condition}.expression`
    const expression = reader.text(entry, 'expression', condition)
    if (expression.trim() === '') reader.errors.push(required(field))
    else if (seen.has(expression)) reader.errors.push(duplicate(field, expression))
    else {
      seen.add(expression)
      const compiled = compileCondition(expression)
      if (typeof compiled === 'string') reader.errors.push(invalid(field, expression, compiled))
      else found.push(compiled)
    }
  })
  return found
}

import type { CoreV1Secret } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { GoJsonError, parseJson } from '../../machinery/go-json.ts'
import { isObject } from '../../machinery/json.ts'
import { isConfigMapKey } from '../../machinery/validation.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { base64Length, immutableData, MAX_DATA_BYTES, sizeOf, tooLarge } from './data.ts'

const ACCOUNT_NAME = 'kubernetes.io/service-account.name'

export const secret = defineKind<CoreV1Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  resource: 'secrets',
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.Secret',
  defaults(secret) {
    secret.type ||= 'Opaque'
    mergeStringData(secret)
  },
  validate: validateSecret,
  validateUpdate: (secret, old) => [
    ...(secret.type === old.type ? [] : [invalid('type', secret.type, 'field is immutable')]),
    ...immutableData(secret, old, ['data']),
    ...validateSecret(secret),
  ],
  warnings: (secret) => (secret.type === 'kubernetes.io/tls' ? tlsWarnings(secret.data ?? {}) : []),
  columns: [
    column('Type', '@io.k8s.api.core.v1.Secret.type', (secret) => secret.type ?? ''),
    column('Data', '@io.k8s.api.core.v1.Secret.data', (secret) => Object.keys(secret.data ?? {}).length),
    age,
  ],
  fields: { type: (secret) => secret.type ?? '' },
})

/** `stringData` is only written: it ends up in `data`, where it wins. */
function mergeStringData(secret: CoreV1Secret): void {
  if (!secret.stringData) return
  const merged = { ...secret.data }
  for (const key in secret.stringData) merged[key] = Buffer.from(secret.stringData[key]!).toString('base64')
  secret.stringData = undefined
  const keys = Object.keys(merged).sort()
  secret.data = keys.length ? Object.fromEntries(keys.map((key) => [key, merged[key]!])) : undefined
}

function validateSecret(secret: CoreV1Secret): FieldError[] {
  const data = secret.data ?? {}
  const errors: FieldError[] = []
  for (const key in data) errors.push(...isConfigMapKey(key).map((message) => invalid(`data[${key}]`, key, message)))
  if (sizeOf(data, base64Length) > MAX_DATA_BYTES) errors.push(tooLarge('data'))
  return [...errors, ...(TYPE_RULES[secret.type ?? '']?.(secret, data) ?? [])]
}

type Data = Readonly<Record<string, string>>

/** What a secret of a known type must hold. */
const TYPE_RULES: Readonly<Record<string, ((secret: CoreV1Secret, data: Data) => FieldError[]) | undefined>> = {
  'kubernetes.io/service-account-token': (secret) =>
    secret.metadata?.annotations?.[ACCOUNT_NAME] ? [] : [required(`metadata.annotations[${ACCOUNT_NAME}]`)],
  'kubernetes.io/dockercfg': (_secret, data) => jsonIn(data, '.dockercfg'),
  'kubernetes.io/dockerconfigjson': (_secret, data) => jsonIn(data, '.dockerconfigjson'),
  'kubernetes.io/basic-auth': (_secret, data) =>
    'username' in data || 'password' in data ? [] : [...missing(data, 'username'), ...missing(data, 'password')],
  'kubernetes.io/ssh-auth': (_secret, data) => (data['ssh-privatekey'] ? [] : [required('data[ssh-privatekey]')]),
  'kubernetes.io/tls': (_secret, data) => [...missing(data, 'tls.crt'), ...missing(data, 'tls.key')],
}

const missing = (data: Data, key: string): FieldError[] => (key in data ? [] : [required(`data[${key}]`)])

function jsonIn(data: Data, key: string): FieldError[] {
  const text = data[key]
  if (text === undefined) return [required(`data[${key}]`)]
  const problem = jsonObjectProblem(Buffer.from(text, 'base64'))
  return problem === undefined ? [] : [invalid(`data[${key}]`, '<secret contents redacted>', problem)]
}

/** Why bytes aren't a JSON object, in the words of Go's decoder. */
function jsonObjectProblem(bytes: Buffer): string | undefined {
  try {
    const value = parseJson(bytes)
    if (isObject(value) || value === null) return undefined
    const kind = Array.isArray(value)
      ? 'array'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value === 'string'
          ? 'string'
          : 'number'
    return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`
  } catch (error) {
    if (error instanceof GoJsonError) return error.message
    throw error
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----/
const PEM_KEY = /-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----/

/** A TLS secret is stored whatever it holds; the writer is told when it can't work. */
function tlsWarnings(data: Data): string[] {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('latin1')
  if (!PEM_CERTIFICATE.test(text('tls.crt'))) return ['tls: failed to find any PEM data in certificate input']
  if (!PEM_KEY.test(text('tls.key'))) return ['tls: failed to find any PEM data in key input']
  return []
}

import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import type { EncryptionConfiguration, Key, KmsConfiguration, ProviderConfiguration } from './config.ts'

const aesKeySizes = [16, 24, 32]
const secretboxKeySizes = [32]
/** Registries of allocators, which no API serves. */
const withoutApi = ['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations']

const atLeastOne = (what: string): string => `at least one ${what} is required`
const mandatory = (field: string, of: string): string => `${field} is a mandatory field for a ${of}`

/** Everything that is wrong with a configuration; none if all is well. Secrets aren't shown. */
export function validateConfiguration(config: EncryptionConfiguration, reload: boolean): FieldError[] {
  if (config.resources.length === 0) return [required('resources', atLeastOne('resources'))]
  const errors: FieldError[] = []
  const kmsNames = new Set<string>()
  for (const [i, { resources, providers }] of config.resources.entries()) {
    const at = `resources[${i}]`
    if (resources.length === 0) errors.push(required(`${at}.resources`, atLeastOne(`${at}.resources`)))
    errors.push(...overlaps(resources, `${at}.resources`))
    for (const [j, resource] of resources.entries()) {
      const wrong = resourceError(resource)
      if (wrong) errors.push(invalid(`${at}.resources[${j}]`, resource, wrong))
    }
    if (providers.length === 0) errors.push(required(`${at}.providers`, atLeastOne(`${at}.providers`)))
    for (const [j, provider] of providers.entries())
      errors.push(...providerErrors(provider, `${at}.providers[${j}]`, kmsNames, reload))
  }
  return errors
}

/** `deployments.apps` → its resource and group. */
export function groupResource(text: string): { resource: string; group: string } {
  const dot = text.indexOf('.')
  return dot < 0 ? { resource: text, group: '' } : { resource: text.slice(0, dot), group: text.slice(dot + 1) }
}

function overlaps(resources: readonly string[], field: string): FieldError[] {
  const parsed = resources.map(groupResource)
  let duplicate = false
  let overlap = false
  for (const [i, a] of parsed.entries()) {
    for (const [j, b] of parsed.entries()) {
      if (i === j) continue
      if (a.resource === b.resource && a.group === b.group && !duplicate) {
        duplicate = true
        continue
      }
      if (a.resource === '*' && a.group === '*') overlap = true
      else if (a.group === b.group && (a.resource === '*' || b.resource === '*')) overlap = true
    }
  }
  return [
    ...(duplicate ? [invalid(field, resources, 'the same resource cannot be specified multiple times')] : []),
    ...(overlap
      ? [
          invalid(
            field,
            resources,
            "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
          ),
        ]
      : []),
  ]
}

function resourceError(text: string): string | undefined {
  if (text.toLowerCase() !== text) return 'resource name should not contain capital letters'
  if (text === '*') return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
  if (withoutApi.includes(text)) return 'resources which do not have REST API/s cannot be encrypted'
  const { resource, group } = groupResource(text)
  if (group === 'events.k8s.io') {
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
  }
  if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption"
  if (group === '*' && resource !== '*') return 'encrypting the same resource across groups is not supported'
  return undefined
}

function providerErrors(provider: ProviderConfiguration, at: string, kmsNames: Set<string>, reload: boolean): FieldError[] {
  const { aesgcm, aescbc, secretbox, kms } = provider
  const names = Object.keys(provider)
  const shown = Object.fromEntries(names.map((name) => [name, {}]))
  const errors: FieldError[] = []
  if (names.length === 0) {
    errors.push(
      invalid(at, shown, 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'),
    )
  }
  if (names.length > 1) {
    errors.push(
      invalid(at, shown, 'more than one provider specified in a single element, should split into different list elements'),
    )
  }
  if (kms) {
    errors.push(...kmsErrors(kms, `${at}.kms`, kmsNames, reload))
    kmsNames.add(kms.name)
  } else if (aesgcm) errors.push(...keysErrors(aesgcm.keys, `${at}.aesgcm.keys`, aesKeySizes))
  else if (aescbc) errors.push(...keysErrors(aescbc.keys, `${at}.aescbc.keys`, aesKeySizes))
  else if (secretbox) errors.push(...keysErrors(secretbox.keys, `${at}.secretbox.keys`, secretboxKeySizes))
  return errors
}

function keysErrors(keys: readonly Key[], at: string, sizes: readonly number[]): FieldError[] {
  if (keys.length === 0) return [required(at, atLeastOne('keys'))]
  return keys.flatMap(({ name, secret }, i) => {
    const errors: FieldError[] = []
    if (name === '') errors.push(required(`${at}[${i}].name`, mandatory('name', 'key')))
    const wrong = secretError(secret, `${at}[${i}].secret`, sizes)
    return wrong ? [...errors, wrong] : errors
  })
}

function secretError(secret: string, at: string, sizes: readonly number[]): FieldError | undefined {
  if (secret === '') return required(at, mandatory('secret', 'key'))
  const bytes = decodeBase64(secret)
  if (!bytes) return invalid(at, 'REDACTED', 'secrets must be base64 encoded')
  if (sizes.includes(bytes.length)) return undefined
  return invalid(
    at,
    'REDACTED',
    `secret is not of the expected length, got ${bytes.length}, expected one of [${sizes.join(' ')}]`,
  )
}

/** Padded standard base64, in which line breaks mean nothing; undefined for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  const plain = text.replaceAll(/[\r\n]/g, '')
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain) ? Buffer.from(plain, 'base64') : undefined
}

function kmsErrors(kms: KmsConfiguration, at: string, names: ReadonlySet<string>, reload: boolean): FieldError[] {
  const { apiVersion, name, timeout, endpoint, cachesize } = kms
  const errors: FieldError[] = []
  if (name === '') errors.push(required(`${at}.name`, mandatory('name', 'provider')))
  if (apiVersion !== 'v1' && name.includes(':')) {
    errors.push(invalid(`${at}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`))
  }
  if ((reload || apiVersion !== 'v1') && names.has(name)) {
    errors.push(invalid(`${at}.name`, name, `duplicate KMS provider name ${name}, names must be unique`))
  }
  if (timeout <= 0) {
    errors.push({
      reason: 'FieldValueInvalid',
      field: `${at}.timeout`,
      message: `Invalid value: ${timeout / 1000}s: timeout should be a positive value`,
    })
  }
  const wrong = endpointError(endpoint)
  if (wrong) errors.push(invalid(`${at}.endpoint`, endpoint, wrong))
  if (apiVersion !== 'v1' && cachesize !== undefined) {
    errors.push(invalid(`${at}.cachesize`, cachesize, 'cachesize is not supported in v2'))
  }
  if (apiVersion === 'v1' && cachesize === 0) {
    errors.push(invalid(`${at}.cachesize`, cachesize, 'cachesize should be a positive value, or negative to disable'))
  }
  if (apiVersion !== 'v1' && apiVersion !== 'v2') {
    errors.push(
      invalid(`${at}.apiVersion`, apiVersion, 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported'),
    )
  }
  return errors
}

function endpointError(endpoint: string): string | undefined {
  if (endpoint === '') return mandatory('endpoint', 'kms')
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(endpoint)?.[1]?.toLowerCase() ?? ''
  if (scheme !== 'unix') return `unsupported scheme "${scheme}" for KMS provider, only unix is supported`
  return undefined
}

/** The path of a plugin's Unix socket; with a leading `@` it is in the abstract namespace. */
export function socketOf(endpoint: string): string {
  const path = endpoint.slice('unix:'.length).replace(/^\/\/[^/]*/, '')
  return path.startsWith('/@') ? path.slice(1) : path
}

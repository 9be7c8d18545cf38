import { readFileSync } from 'node:fs'
import { ConfigReader } from '../machinery/config-reader.ts'
import { type FieldError, invalid, notSupported, required } from '../machinery/field-errors.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { isDns1123Subdomain } from '../machinery/validation.ts'
import { yamlToJsonStrict } from '../machinery/yaml.ts'
import { type GroupResources, LEVELS, type Level, type PolicyConfig, type PolicyRule, STAGES, type Stage } from './policy.ts'

const API_VERSION = 'audit.k8s.io/v1'
const MEMBERS = ['kind', 'apiVersion', 'metadata', 'rules', 'omitStages', 'omitManagedFields']
const RULE_MEMBERS = [
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
]

/**
 * Reads and checks the file of `--audit-policy-file`.
 *
 * @param warn told of what the file has too much of, which doesn't count
 * @throws Error with one line
 * @see https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Policy
 */
export function loadPolicy(file: string, warn: (text: string) => void): PolicyConfig {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? `open ${file}: no such file or directory` : message
    throw new Error(`loading audit policy file: failed to read file path ${JSON.stringify(file)}: ${why}`)
  }
  try {
    return parsePolicy(bytes, warn)
  } catch (error) {
    throw new Error(`loading audit policy file: ${(error as Error).message}: from file ${file}`)
  }
}

/** @throws Error */
export function parsePolicy(bytes: Buffer, warn: (text: string) => void): PolicyConfig {
  let value: Json
  let duplicates: string | undefined
  try {
    ;({ value, duplicates } = yamlToJsonStrict(bytes))
  } catch (error) {
    throw new Error(`failed decoding: ${(error as Error).message}`)
  }
  if (!isObject(value)) throw new Error('failed decoding: the file holds no object')
  const { kind, apiVersion } = value
  if (!kind) throw new Error(`failed decoding: Object 'Kind' is missing in '${JSON.stringify(value)}'`)
  if (!apiVersion) throw new Error(`failed decoding: Object 'apiVersion' is missing in '${JSON.stringify(value)}'`)
  if (kind !== 'Policy' || apiVersion !== API_VERSION)
    throw new Error(`failed decoding: no kind "${kind}" is registered for version "${apiVersion}" in scheme "audit"`)
  const reader = new ConfigReader()
  const config = readPolicy(value, reader)
  reader.finish()
  const tooMuch = unknownMembers(value)
  if (duplicates) tooMuch.unshift(duplicates)
  if (tooMuch.length) warn(`the audit policy has errors, and is read as far as it goes: ${tooMuch.join(', ')}`)
  const errors = config.rules.flatMap((rule, i) => validateRule(rule, `rules[${i}]`))
  if (errors.length) {
    const lines = errors.map(({ field, message }) => `${field}: ${message}`)
    throw new Error(lines.length > 1 ? `[${lines.join(', ')}]` : lines[0])
  }
  if (config.rules.length === 0) throw new Error('loaded illegal policy with 0 rules')
  return config
}

function readPolicy(value: JsonObject, reader: ConfigReader): PolicyConfig {
  return {
    rules: reader.list(value, 'rules', '').map((rule, i) => readRule(rule, `rules[${i}]`, reader)),
    omitStages: reader.texts(value, 'omitStages', '') as Stage[],
    omitManagedFields: reader.flag(value, 'omitManagedFields', '', false),
  }
}

function readRule(rule: JsonObject, path: string, reader: ConfigReader): PolicyRule {
  const { omitManagedFields } = rule
  return {
    level: reader.text(rule, 'level', path) as Level,
    users: reader.texts(rule, 'users', path),
    userGroups: reader.texts(rule, 'userGroups', path),
    verbs: reader.texts(rule, 'verbs', path),
    resources: reader.list(rule, 'resources', path).map((one, i): GroupResources => {
      const at = `${path}.resources[${i}]`
      return {
        group: reader.text(one, 'group', at),
        resources: reader.texts(one, 'resources', at),
        resourceNames: reader.texts(one, 'resourceNames', at),
      }
    }),
    namespaces: reader.texts(rule, 'namespaces', path),
    nonResourceURLs: reader.texts(rule, 'nonResourceURLs', path),
    omitStages: reader.texts(rule, 'omitStages', path) as Stage[],
    omitManagedFields:
      omitManagedFields === undefined || omitManagedFields === null
        ? undefined
        : reader.flag(rule, 'omitManagedFields', path, false),
  }
}

function unknownMembers(value: JsonObject): string[] {
  const reader = new ConfigReader()
  reader.known(value, '', MEMBERS)
  for (const [i, rule] of ((value.rules ?? []) as JsonObject[]).entries()) {
    reader.known(rule, `rules[${i}]`, RULE_MEMBERS)
    for (const [j, one] of ((rule.resources ?? []) as JsonObject[]).entries())
      reader.known(one, `rules[${i}].resources[${j}]`, ['group', 'resources', 'resourceNames'])
  }
  return reader.errors.map(({ field }) => `unknown field ${JSON.stringify(field)}`)
}

function validateRule(rule: PolicyRule, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!rule.level) errors.push(required(`${path}.level`))
  else if (!LEVELS.includes(rule.level)) errors.push(notSupported(`${path}.level`, rule.level, LEVELS))
  rule.nonResourceURLs.forEach((url, i) => {
    if (url === '*') return
    const at = `${path}.nonResourceURLs[${i}]`
    if (!url.startsWith('/')) errors.push(invalid(at, url, "non-resource URL rules must begin with a '/' character"))
    if (url.slice(0, -1).includes('*'))
      errors.push(invalid(at, url, "non-resource URL wildcards '*' must be the final character of the rule"))
  })
  for (const { group, resources, resourceNames } of rule.resources) {
    const problems = group ? isDns1123Subdomain(group) : []
    if (problems.length) errors.push(invalid(`${path}.resources.group`, group, problems.join(',')))
    if (resourceNames.length && !resources.length)
      errors.push(invalid(`${path}.resources.resourceNames`, resourceNames, 'using resourceNames requires at least one resource'))
  }
  rule.omitStages.forEach((stage, i) => {
    if (!STAGES.includes(stage)) errors.push(invalid(`${path}.omitStages[${i}]`, stage, `allowed stages are ${STAGES.join(',')}`))
  })
  if (rule.nonResourceURLs.length && (rule.resources.length || rule.namespaces.length)) {
    const detail = 'rules cannot apply to both regular resources and non-resource URLs'
    errors.push(invalid(`${path}.nonResourceURLs`, rule.nonResourceURLs, detail))
  }
  return errors
}

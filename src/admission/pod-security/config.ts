import { ConfigReader } from '../../machinery/config-reader.ts'
import { duplicate, invalid, required } from '../../machinery/field-errors.ts'
import { isObject, type Json, type JsonObject } from '../../machinery/json.ts'
import { isDns1123Label, isDns1123Subdomain, type Messages } from '../../machinery/validation.ts'
import type { Exemptions } from './pod-security.ts'
import { type LevelVersion, levelVersion, type Policy, readLevel, readVersion } from './policy.ts'

const GROUP = 'pod-security.admission.config.k8s.io'
const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `${GROUP}/${version}`)
const MODES = ['enforce', 'warn', 'audit'] as const

export interface PodSecurityConfig {
  readonly defaults: Policy
  readonly exemptions: Exemptions
}

/**
 * Reads a PodSecurityConfiguration.
 *
 * @param document parsed YAML or JSON
 * @throws Error with one line that says all that is wrong
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/
 */
export function podSecurityConfig(document: Json): PodSecurityConfig {
  if (!isObject(document) || document.kind !== 'PodSecurityConfiguration' || !VERSIONS.includes(String(document.apiVersion)))
    throw new Error(`no PodSecurityConfiguration of ${GROUP}/v1`)
  const reader = new ConfigReader()
  reader.known(document, '', ['kind', 'apiVersion', 'defaults', 'exemptions'])
  const defaults = defaultsOf(reader, reader.object(document, 'defaults', ''))
  const given = reader.object(document, 'exemptions', '')
  reader.known(given, 'exemptions', ['usernames', 'namespaces', 'runtimeClasses'])
  const exemptions = {
    namespaces: names(reader, given, 'namespaces', isDns1123Label),
    runtimeClasses: names(reader, given, 'runtimeClasses', isDns1123Subdomain),
    usernames: names(reader, given, 'usernames', () => []),
  }
  reader.finish()
  return { defaults, exemptions }
}

function defaultsOf(reader: ConfigReader, given: JsonObject): Policy {
  reader.known(
    given,
    'defaults',
    MODES.flatMap((mode) => [mode, `${mode}-version`]),
  )
  const [enforce, warn, audit] = MODES.map((mode) => {
    const level = readLevel(reader.text(given, mode, 'defaults') || 'privileged', `defaults.${mode}`, reader.errors)
    const version = reader.text(given, `${mode}-version`, 'defaults') || 'latest'
    return levelVersion(level ?? 'restricted', readVersion(version, `defaults.${mode}-version`, reader.errors))
  }) as [LevelVersion, LevelVersion, LevelVersion]
  return { enforce, warn, audit, errors: [] }
}

function names(reader: ConfigReader, given: JsonObject, member: string, check: (name: string) => Messages): Set<string> {
  const found = new Set<string>()
  for (const [i, name] of reader.texts(given, member, 'exemptions').entries()) {
    const path = `exemptions.${member}[${i}]`
    const messages = check(name)
    if (messages.length) reader.errors.push(invalid(path, name, messages.join(', ')))
    else if (name === '') reader.errors.push(required(path))
    else if (found.has(name)) reader.errors.push(duplicate(path, name))
    found.add(name)
  }
  return found
}

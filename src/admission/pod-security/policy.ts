import { type FieldError, invalid } from '../../machinery/field-errors.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'

/** A Pod Security Standard as it was in some version. */
export interface LevelVersion {
  readonly level: Level
  /** The minor version (`v1.x`); Infinity for `latest`. */
  readonly minor: number
  /** As messages print it, `baseline:latest`. Equal exactly when the two are. */
  readonly text: string
}

/** What a namespace asks of its pods. */
export interface Policy {
  readonly enforce: LevelVersion
  readonly audit: LevelVersion
  readonly warn: LevelVersion
  /** What is wrong with the labels that it came from. */
  readonly errors: readonly FieldError[]
}

/** By strictness. */
const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted']
const MODES = ['enforce', 'audit', 'warn'] as const
const VERSION = /^v1\.(0|[1-9][0-9]*)$/
const LATEST = Number.POSITIVE_INFINITY

export type Labels = Readonly<Record<string, string>> | undefined

/** @param minor Infinity for the latest version */
export function levelVersion(level: Level, minor: number): LevelVersion {
  return { level, minor, text: `${level}:${minor === LATEST ? 'latest' : `v1.${minor}`}` }
}

const ANYTHING = levelVersion('privileged', LATEST)

/** What holds where nothing is said: no restriction. */
export const PRIVILEGED: Policy = { enforce: ANYTHING, audit: ANYTHING, warn: ANYTHING, errors: [] }

export function isStricter(one: Level, other: Level): boolean {
  return LEVELS.indexOf(one) > LEVELS.indexOf(other)
}

/** Whether no request can violate it. */
export function isFullyPrivileged({ enforce, audit, warn }: Policy): boolean {
  return enforce.level === 'privileged' && audit.level === 'privileged' && warn.level === 'privileged'
}

interface Asked {
  level: Level | undefined
  minor: number | undefined
  /** Whether a level was given that doesn't exist. */
  unknown: boolean
}

/**
 * The policy that a namespace's labels choose. There is always one: what cannot be read enforces the strictest level and neither audits
 * nor warns.
 * https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces
 * @param defaults what holds for modes that no label speaks of; returned itself when there is no label at all
 */
export function policyOf(labels: Labels, defaults: Policy = PRIVILEGED): Policy {
  if (!labels || !MODES.some((mode) => labels[labelOf(mode)] !== undefined || labels[versionLabelOf(mode)] !== undefined))
    return defaults
  const errors: FieldError[] = []
  const [enforce, audit, warn] = MODES.map((mode) => asked(labels, mode, errors)) as [Asked, Asked, Asked]
  const enforced = pick(enforce, defaults.enforce, 'restricted')
  // Somebody who is refused a pod is warned of the workload that would make it, unless the namespace says what to warn of.
  const warned =
    warn.level === undefined && !warn.unknown && enforce.level !== undefined && isStricter(enforced.level, defaults.warn.level)
      ? levelVersion(enforced.level, warn.minor ?? enforced.minor)
      : pick(warn, defaults.warn, 'privileged')
  return { enforce: enforced, audit: pick(audit, defaults.audit, 'privileged'), warn: warned, errors }
}

/** The modes that labels speak of and that restrict something, as `enforce=baseline:latest, warn=restricted:v1.30`. */
export function chosenText(labels: Labels, policy: Policy): string {
  return MODES.filter((mode) => labels?.[labelOf(mode)] !== undefined || labels?.[versionLabelOf(mode)] !== undefined)
    .filter((mode) => policy[mode].level !== 'privileged')
    .map((mode) => `${mode}=${policy[mode].text}`)
    .join(', ')
}

/** Whether both restrict the same: the version of a level that restricts nothing doesn't count. */
export function isEquivalent(one: Policy, other: Policy): boolean {
  return MODES.every((mode) => {
    const [a, b] = [one[mode], other[mode]]
    return a.text === b.text || (a.level === 'privileged' && b.level === 'privileged')
  })
}

const labelOf = (mode: string): string => `pod-security.kubernetes.io/${mode}`
const versionLabelOf = (mode: string): string => `pod-security.kubernetes.io/${mode}-version`

function asked(labels: Readonly<Record<string, string>>, mode: string, errors: FieldError[]): Asked {
  const found: Asked = { level: undefined, minor: undefined, unknown: false }
  const level = labels[labelOf(mode)]
  if (level !== undefined) {
    found.level = readLevel(level, `metadata.labels[${labelOf(mode)}]`, errors)
    found.unknown = !found.level
  }
  const version = labels[versionLabelOf(mode)]
  if (version !== undefined) found.minor = readVersion(version, `metadata.labels[${versionLabelOf(mode)}]`, errors)
  return found
}

/** @param field names the text in what is added to the errors when it is no level */
export function readLevel(text: string, field: string, errors: FieldError[]): Level | undefined {
  const level = LEVELS.find((one) => one === text)
  if (!level) errors.push(invalid(field, text, `must be one of ${LEVELS.join(', ')}`))
  return level
}

/** The minor version; the latest when the text is none. */
export function readVersion(text: string, field: string, errors: FieldError[]): number {
  if (text === 'latest') return LATEST
  const minor = Number(VERSION.exec(text)?.[1] ?? Number.NaN)
  if (Number.isSafeInteger(minor)) return minor
  errors.push(invalid(field, text, 'must be "latest" or "v1.x"'))
  return LATEST
}

function pick(found: Asked, otherwise: LevelVersion, unreadable: Level): LevelVersion {
  const level = found.unknown ? unreadable : (found.level ?? otherwise.level)
  return levelVersion(level, found.minor ?? otherwise.minor)
}

import type { RequestInfo } from '../machinery/request-info.ts'
import type { UserInfo } from '../machinery/user.ts'

export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const

/** How much is written of a request. */
export type Level = (typeof LEVELS)[number]
/** When something is written of it. */
export type Stage = (typeof STAGES)[number]

export interface GroupResources {
  /** Empty for the core group. */
  readonly group: string
  /** `pods`, `pods/log`, `pods/*`, `*\/scale`, `*`; all when empty. */
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}

/** Whatever is empty leaves nothing out. */
export interface PolicyRule {
  readonly level: Level
  readonly users: readonly string[]
  readonly userGroups: readonly string[]
  readonly verbs: readonly string[]
  readonly resources: readonly GroupResources[]
  /** The empty name stands for what has no namespace. */
  readonly namespaces: readonly string[]
  /** Paths; a `*` at the end stands for any ending. */
  readonly nonResourceURLs: readonly string[]
  readonly omitStages: readonly Stage[]
  /** The policy's when unset. */
  readonly omitManagedFields: boolean | undefined
}

/** The file's content: `Policy` of `audit.k8s.io/v1`. */
export interface PolicyConfig {
  readonly rules: readonly PolicyRule[]
  readonly omitStages: readonly Stage[]
  readonly omitManagedFields: boolean
}

/** What is to be written of one request. */
export interface Decision {
  readonly level: Level
  readonly omitStages: ReadonlySet<Stage>
  readonly omitManagedFields: boolean
}

type Asked = Pick<RequestInfo, 'isResource' | 'path' | 'verb' | 'apiGroup' | 'resource' | 'subresource' | 'name' | 'namespace'>

/**
 * Says how much is written of each request: the first rule that fits it decides.
 * @see https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
 */
export class AuditPolicy {
  readonly #rules: readonly { rule: PolicyRule; decision: Decision }[]
  readonly #otherwise: Decision

  constructor({ rules, omitStages, omitManagedFields }: PolicyConfig) {
    this.#rules = rules.map((rule) => ({
      rule,
      decision: {
        level: rule.level,
        omitStages: new Set([...omitStages, ...rule.omitStages]),
        omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
      },
    }))
    this.#otherwise = { level: 'None', omitStages: new Set(omitStages), omitManagedFields }
  }

  /** @param user undefined for who could not be told */
  decide(user: UserInfo | undefined, info: Asked): Decision {
    for (const { rule, decision } of this.#rules) if (fits(rule, user, info)) return decision
    return this.#otherwise
  }
}

function fits(rule: PolicyRule, user: UserInfo | undefined, info: Asked): boolean {
  if (rule.users.length && !(user && rule.users.includes(user.name))) return false
  if (rule.userGroups.length && !user?.groups.some((group) => rule.userGroups.includes(group))) return false
  if (rule.verbs.length && !rule.verbs.includes(info.verb)) return false
  if (rule.namespaces.length || rule.resources.length) return fitsResource(rule, info)
  if (rule.nonResourceURLs.length) return !info.isResource && rule.nonResourceURLs.some((url) => fitsPath(url, info.path))
  return true
}

function fitsPath(url: string, path: string): boolean {
  if (url === '*' || url === path) return true
  return url.endsWith('*') && path.startsWith(url.replace(/\*+$/, ''))
}

function fitsResource(rule: PolicyRule, info: Asked): boolean {
  if (!info.isResource) return false
  if (rule.namespaces.length && !rule.namespaces.includes(info.namespace)) return false
  return rule.resources.length === 0 || rule.resources.some((one) => fitsGroupResources(one, info))
}

function fitsGroupResources({ group, resources, resourceNames }: GroupResources, info: Asked): boolean {
  if (group !== info.apiGroup) return false
  if (resources.length === 0) return true
  if (resourceNames.length && !resourceNames.includes(info.name)) return false
  const { resource, subresource } = info
  const whole = subresource ? `${resource}/${subresource}` : resource
  return resources.some(
    (one) => one === '*' || one === whole || one === `${resource}/*` || (subresource !== '' && one === `*/${subresource}`),
  )
}

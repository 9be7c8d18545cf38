import type {
  FlowcontrolV1NonResourcePolicyRule,
  FlowcontrolV1ResourcePolicyRule,
  FlowcontrolV1Subject,
} from '../generated/types.ts'
import type { RequestInfo } from '../machinery/request-info.ts'
import type { UserInfo } from '../machinery/user.ts'

const ACCOUNT_PREFIX = 'system:serviceaccount:'

export function subjectMatches({ kind, user, group, serviceAccount }: FlowcontrolV1Subject, who: UserInfo): boolean {
  switch (kind) {
    case 'User':
      return user?.name === '*' || user?.name === who.name
    case 'Group':
      return group?.name === '*' || who.groups.includes(group?.name ?? '')
    case 'ServiceAccount': {
      if (!serviceAccount) return false
      const { namespace = '', name = '' } = serviceAccount
      const prefix = `${ACCOUNT_PREFIX}${namespace}:`
      return name === '*' ? who.name.startsWith(prefix) : who.name === prefix + name
    }
    default:
      return false
  }
}

/** Whether a list has a value, or stands for all of them. */
const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || isAll(list))

const isAll = (list: readonly string[] | undefined): boolean => list?.length === 1 && list[0] === '*'

/** Whether a rule matches every request for a resource. */
export const matchesEveryResource = (rule: FlowcontrolV1ResourcePolicyRule): boolean =>
  Boolean(rule.clusterScope) && [rule.verbs, rule.apiGroups, rule.resources, rule.namespaces].every(isAll)

/** Whether a rule matches every request for another path. */
export const matchesEveryPath = (rule: FlowcontrolV1NonResourcePolicyRule): boolean =>
  isAll(rule.verbs) && (rule.nonResourceURLs ?? []).includes('*')

export function resourceRuleMatches(rule: FlowcontrolV1ResourcePolicyRule, info: RequestInfo): boolean {
  if (!has(rule.verbs, info.verb)) return false
  const resource = info.subresource ? `${info.resource}/${info.subresource}` : info.resource
  if (!has(rule.resources, resource) || !has(rule.apiGroups, info.apiGroup)) return false
  return info.namespace ? has(rule.namespaces, info.namespace) : Boolean(rule.clusterScope)
}

export function pathRuleMatches(rule: FlowcontrolV1NonResourcePolicyRule, info: RequestInfo): boolean {
  return has(rule.verbs, info.verb) && (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, info.path))
}

/** A path stands for all below it, too, with and without `*` at its end. */
function urlMatches(url: string, path: string): boolean {
  if (url === '*' || url === path) return true
  const below = url.endsWith('*') ? url.slice(0, -1) : url
  return path.startsWith(below.endsWith('/') ? below : `${below}/`)
}

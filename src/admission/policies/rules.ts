import type { AdmissionregistrationV1NamedRuleWithOperations } from '../../generated/types.ts'
import type { AdmissionAttributes } from '../plugin.ts'

/** What policies and webhooks say of the requests that they are for. */
export type NamedRule = AdmissionregistrationV1NamedRuleWithOperations

/** A group version and what is served in it. */
export interface VersionedResource {
  readonly group: string
  readonly version: string
  readonly resource: string
}

export interface VersionedKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** Under which names a request fits the rules. */
export interface Match {
  readonly resource: VersionedResource
  readonly kind: VersionedKind
}

/** The other names under which a resource is served, with their kinds. */
export type Equivalents = (resource: VersionedResource) => readonly Match[]

const isNamespaces = ({ group, resource }: VersionedResource): boolean => resource === 'namespaces' && group === ''

/** A request about a namespace is made in that namespace. */
export function namespaceOf({ namespace, resource, name, object }: AdmissionAttributes): string {
  return namespace || (isNamespaces(resource) ? name || (object?.metadata?.name ?? '') : '')
}

/**
 * Whether one of the rules is for a request, and under which names it is.
 *
 * @param equivalents undefined where only the names count that the request itself uses (`matchPolicy: Exact`)
 */
export function matchRules(
  rules: readonly NamedRule[],
  attributes: AdmissionAttributes,
  equivalents: Equivalents | undefined,
): Match | undefined {
  for (const rule of rules) if (fits(rule, attributes, attributes.resource)) return attributes
  if (!equivalents || rules.length === 0) return undefined
  const others = equivalents(attributes.resource)
  for (const rule of rules) {
    for (const other of others) {
      if (!fits(rule, attributes, other.resource)) continue
      // Bodies of a kind of their own (scales, evictions) are the same in every version of what they belong to.
      return attributes.subresource && attributes.subresource !== 'status'
        ? { resource: other.resource, kind: attributes.kind }
        : other
    }
  }
  return undefined
}

/** Whether any request about the resource could fit a rule: a look at what never changes, so that most rules need no second one. */
export function couldMatch(rules: readonly NamedRule[], { group, resource }: { group: string; resource: string }): boolean {
  return rules.some(
    (rule) =>
      holds(rule.apiGroups, group) &&
      (rule.resources ?? []).some((name) => {
        const base = beforeSlash(name)
        return base === '*' || base === resource
      }),
  )
}

function fits(rule: NamedRule, attributes: AdmissionAttributes, resource: VersionedResource): boolean {
  return (
    holds(rule.operations, attributes.operation) &&
    holds(rule.apiGroups, resource.group) &&
    holds(rule.apiVersions, resource.version) &&
    fitsResource(rule.resources ?? [], resource.resource, attributes.subresource) &&
    fitsScope(rule.scope, attributes, resource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(attributes.name))
  )
}

const holds = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(value))

function fitsResource(patterns: readonly string[], resource: string, subresource: string): boolean {
  for (const pattern of patterns) {
    const base = beforeSlash(pattern)
    const sub = pattern.slice(base.length + 1)
    if ((base === '*' || base === resource) && (sub === '*' || sub === subresource)) return true
  }
  return false
}

function beforeSlash(pattern: string): string {
  const slash = pattern.indexOf('/')
  return slash < 0 ? pattern : pattern.slice(0, slash)
}

/** Namespaces themselves are no namespaced objects, although requests about them are made in a namespace. */
function fitsScope(scope: string | undefined, { namespace }: AdmissionAttributes, resource: VersionedResource): boolean {
  if (scope === undefined || scope === '*') return true
  const namespaced = namespace !== '' && !isNamespaces(resource)
  return scope === 'Namespaced' ? namespaced : !namespaced
}

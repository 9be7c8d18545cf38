import { BINDINGS, type BindingFacts, ROLES, type RoleFacts } from '../../generated/rbac-policy.ts'
import type {
  RbacV1ClusterRole,
  RbacV1ClusterRoleBinding,
  RbacV1PolicyRule,
  RbacV1Role,
  RbacV1RoleBinding,
  RbacV1Subject,
} from '../../generated/types.ts'

const GROUP = 'rbac.authorization.k8s.io'
const AGGREGATE_LABEL = `${GROUP}/aggregate-to-`

export type DefaultRole = RbacV1ClusterRole & RbacV1Role
export type DefaultBinding = RbacV1ClusterRoleBinding & RbacV1RoleBinding

/** The roles that every cluster has; those without a namespace are ClusterRoles. */
export const defaultRoles = (): DefaultRole[] => ROLES.map(role)

/** Who has the default roles; bindings without a namespace are ClusterRoleBindings. */
export const defaultBindings = (): DefaultBinding[] => BINDINGS.map(binding)

/** What every kubelet may do, whatever roles there are. */
export const nodeRules = (): RbacV1PolicyRule[] => (ROLES.find(({ name }) => name === 'system:node')?.rules ?? []).map(rule)

function metadata(where: string, labels: Record<string, string> = {}): DefaultRole['metadata'] {
  const slash = where.indexOf('/')
  return {
    name: where.slice(slash + 1),
    ...(slash > 0 ? { namespace: where.slice(0, slash) } : {}),
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  }
}

function role({ name, aggregatesTo = [], aggregates, rules }: RoleFacts): DefaultRole {
  const labels = Object.fromEntries(aggregatesTo.map((to) => [AGGREGATE_LABEL + to, 'true']))
  const selectors = aggregates?.map((to) => ({ matchLabels: { [AGGREGATE_LABEL + to]: 'true' } }))
  return {
    metadata: metadata(name, labels),
    ...(rules ? { rules: rules.map(rule) } : {}),
    ...(selectors ? { aggregationRule: { clusterRoleSelectors: selectors } } : {}),
  }
}

/** The form is that of RoleFacts.rules. */
function rule(text: string): RbacV1PolicyRule {
  const [, verbs, groups, resources, names] = /^(\S+) ([^: ]*): (\S+)(?: \[(\S+)\])?$/.exec(text) ?? []
  if (resources === undefined) {
    const [onPaths = '', paths = ''] = text.split(' ')
    return { verbs: onPaths.split(','), nonResourceURLs: paths.split(',') }
  }
  return {
    verbs: verbs!.split(','),
    apiGroups: groups!.split(','),
    resources: resources.split(','),
    ...(names ? { resourceNames: names.split(',') } : {}),
  }
}

function binding({ name, role: roleText, subjects }: BindingFacts): DefaultBinding {
  const [kind = '', roleName = ''] = roleText.split(' ')
  return {
    metadata: metadata(name),
    roleRef: { apiGroup: GROUP, kind, name: roleName },
    ...(subjects ? { subjects: subjects.map(subject) } : {}),
  }
}

function subject(text: string): RbacV1Subject {
  const [kind, where = ''] = text.split(' ')
  if (kind !== 'ServiceAccount') return { apiGroup: GROUP, kind: kind ?? '', name: where }
  const [namespace = '', name = ''] = where.split('/')
  return { kind, name, namespace }
}

import { aggregate } from '../../authorization/authorizer.ts'
import { describeRules, goQuoteAll, missingRules } from '../../authorization/rbac/coverage.ts'
import type { RbacV1AggregationRule, RbacV1PolicyRule } from '../../generated/types.ts'
import { goQuote } from '../../machinery/go-text.ts'
import { equal } from '../../machinery/json.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import { forbidden, notFound, StatusError } from '../../machinery/status.ts'
import { SYSTEM_PRIVILEGED_GROUP } from '../../machinery/user.ts'
import type { WriteContext } from '../../registry/context.ts'
import { type Binding, RBAC_GROUP } from './subjects.ts'

/** A Role or a ClusterRole. */
interface AnyRole extends KubeObject {
  rules?: RbacV1PolicyRule[] | null
  aggregationRule?: RbacV1AggregationRule
}

const EVERYTHING: readonly RbacV1PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/**
 * Nobody may put rules into a role that they don't hold themselves, unless they may `escalate` it. Runs before any validation.
 * @param old unset on create
 * @throws StatusError 403
 */
export async function checkRole(
  resource: string,
  role: AnyRole,
  old: AnyRole | undefined,
  context: WriteContext,
): Promise<undefined> {
  if (isPrivileged(context) || (old && onlyForCollection(role, old))) return undefined
  if (await may(context, 'escalate', resource, context.name)) return undefined
  const name = metaOf(role).name ?? ''
  refuseMissing(resource, name, role.rules ?? [], context)
  if (!role.aggregationRule && !old?.aggregationRule) return undefined
  // An aggregated role may come to hold anything.
  const { rules } = context.env.access.heldRules(context.user, '')
  if (missingRules(rules, EVERYTHING).length) {
    throw forbidden({ group: RBAC_GROUP, resource }, name, 'must have cluster-admin privileges to use the aggregationRule')
  }
  return undefined
}

/**
 * Nobody may bind a role whose rules they don't hold themselves, unless they may `bind` it. Runs before any validation.
 * @param old unset on create
 * @throws StatusError 403; 404 when there is no such role
 */
export async function checkBinding(
  resource: string,
  binding: Binding,
  old: Binding | undefined,
  context: WriteContext,
): Promise<undefined> {
  if (isPrivileged(context) || (old && onlyForCollection(binding, old))) return undefined
  const { kind = '', name = '' } = binding.roleRef ?? {}
  const roles = kind === 'Role' ? 'roles' : kind === 'ClusterRole' ? 'clusterroles' : ''
  if (roles && (await may(context, 'bind', roles, name))) return undefined
  if (!roles) throw new StatusError(500, '', `unsupported role reference kind: ${goQuote(kind)}`)
  const rules = context.env.access.roleRules(binding.roleRef ?? {}, context.namespace)
  if (!rules) throw notFound({ group: RBAC_GROUP, resource }, name)
  refuseMissing(resource, metaOf(binding).name ?? '', rules, context)
  return undefined
}

const isPrivileged = ({ user }: WriteContext): boolean => user.groups.includes(SYSTEM_PRIVILEGED_GROUP)

async function may({ user, namespace, env }: WriteContext, verb: string, resource: string, name: string): Promise<boolean> {
  const asked = { verb, group: RBAC_GROUP, version: '*', resource, subresource: '', name, namespace }
  return (await env.access.authorize({ user, ...asked })).allowed
}

function refuseMissing(resource: string, name: string, wanted: readonly RbacV1PolicyRule[], context: WriteContext): void {
  const { user, namespace, env } = context
  const { rules, missingRoles } = env.access.heldRules(user, namespace)
  const missing = missingRules(rules, wanted)
  if (!missing.length) return
  const who = `user ${goQuote(user.name)} (groups=${goQuoteAll(user.groups)})`
  // Missing roles go by the name of the resource that the request is for.
  const unresolved = missingRoles.map((role) => `${resource}.${RBAC_GROUP} ${goQuote(role)} not found`)
  const problems = unresolved.length ? `; resolution errors: [${aggregate(unresolved)}]` : ''
  const what = describeRules(missing).join('\n')
  throw forbidden(
    { group: RBAC_GROUP, resource },
    name,
    `${who} is attempting to grant RBAC permissions not currently held:\n${what}${problems}`,
  )
}

/** The garbage collector takes owners and finalizers off any object, whatever rights it gives. */
function onlyForCollection(object: KubeObject, old: KubeObject): boolean {
  return equal(besidesCollection(object), besidesCollection(old))
}

function besidesCollection({ metadata = {}, kind: _, apiVersion: __, ...fields }: KubeObject): object {
  const { ownerReferences, finalizers, managedFields, resourceVersion, ...meta } = metadata
  return { ...fields, meta }
}

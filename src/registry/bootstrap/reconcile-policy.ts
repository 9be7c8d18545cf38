import { missingRules } from '../../authorization/rbac/coverage.ts'
import type { RbacV1RoleRef, RbacV1Subject } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import type { ObjectAccess } from '../context.ts'
import { type DefaultBinding, type DefaultRole, defaultBindings, defaultRoles } from './default-policy.ts'
import { isReason } from './ensure.ts'

const GROUP = 'rbac.authorization.k8s.io'
const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

/**
 * Brings the default roles and bindings to what this version has: what is missing is created, and what is there gets the rules and
 * subjects that it lacks. Nothing is taken away, and what is annotated with `autoupdate: false` is left alone. All of it is written at
 * once, for the store to commit together.
 */
export async function reconcilePolicy(objects: (resource: string, group?: string) => ObjectAccess): Promise<void> {
  const access = (cluster: string, namespaced: string, object: KubeObject) =>
    objects(object.metadata?.namespace ? namespaced : cluster, GROUP)
  await Promise.all([
    ...defaultRoles().map((role) => reconcile(access('clusterroles', 'roles', role), role, completeRole)),
    ...defaultBindings().map((binding) =>
      reconcile(access('clusterrolebindings', 'rolebindings', binding), binding, completeBinding),
    ),
  ])
}

/** @param complete adds to the stored object what it lacks */
async function reconcile<T extends KubeObject>(
  access: ObjectAccess,
  wanted: T,
  complete: (stored: T, wanted: T) => 'recreate' | undefined,
): Promise<void> {
  const { namespace = '', name = '' } = metaOf(wanted)
  for (let tries = 0; ; tries++) {
    try {
      const stored = (await access.get(namespace, name)) as T | undefined
      if (!stored) {
        await access.create(wanted)
        return
      }
      if (metaOf(stored).annotations?.[AUTO_UPDATE] === 'false') return
      const outcome = completed(stored, wanted, complete)
      if (outcome === 'same') return
      if (outcome === 'recreate')
        await access.delete(namespace, name, { deleteOptions: { preconditions: { uid: metaOf(stored).uid! } } })
      else {
        await access.update(namespace, name, (current) =>
          completed(current as T, wanted, complete) === 'changed' ? current : undefined,
        )
        return
      }
    } catch (error) {
      // Somebody else did something in between.
      const again = isReason(error, 'AlreadyExists') || isReason(error, 'NotFound') || isReason(error, 'Conflict')
      if (!again || tries >= 3) throw error
    }
  }
}

function completed<T extends KubeObject>(
  stored: T,
  wanted: T,
  complete: (stored: T, wanted: T) => 'recreate' | undefined,
): 'same' | 'changed' | 'recreate' {
  const before = structuredClone(stored)
  if (complete(stored, wanted)) return 'recreate'
  const meta = metaOf(stored)
  meta.labels = { ...metaOf(wanted).labels, ...meta.labels }
  meta.annotations = { ...metaOf(wanted).annotations, ...meta.annotations }
  return equal(before, stored) ? 'same' : 'changed'
}

function completeRole(stored: DefaultRole, wanted: DefaultRole): undefined {
  const missing = missingRules(stored.rules ?? [], wanted.rules ?? [])
  if (missing.length) stored.rules = [...(stored.rules ?? []), ...missing]
  if (!wanted.aggregationRule) {
    delete stored.aggregationRule
    return
  }
  const selectors = stored.aggregationRule?.clusterRoleSelectors ?? []
  const lacking = (wanted.aggregationRule.clusterRoleSelectors ?? []).filter(
    (selector) => !selectors.some((other) => equal(other, selector)),
  )
  if (lacking.length) stored.aggregationRule = { clusterRoleSelectors: [...selectors, ...lacking] }
}

/** A binding to another role can't be changed into the one that is wanted. */
function completeBinding(stored: DefaultBinding, wanted: DefaultBinding): 'recreate' | undefined {
  if (!sameRole(stored.roleRef, wanted.roleRef)) return 'recreate'
  const subjects = stored.subjects ?? []
  const lacking = (wanted.subjects ?? []).filter((subject) => !subjects.some((other) => sameSubject(other, subject)))
  if (lacking.length) stored.subjects = [...subjects, ...lacking]
  return undefined
}

const sameRole = (a: RbacV1RoleRef | undefined, b: RbacV1RoleRef | undefined): boolean =>
  a?.kind === b?.kind && a?.name === b?.name && a?.apiGroup === b?.apiGroup

const sameSubject = (a: RbacV1Subject, b: RbacV1Subject): boolean =>
  a.kind === b.kind &&
  a.name === b.name &&
  (a.namespace ?? '') === (b.namespace ?? '') &&
  (a.apiGroup ?? '') === (b.apiGroup ?? '')

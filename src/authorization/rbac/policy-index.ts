import type { RbacV1PolicyRule, RbacV1RoleRef } from '../../generated/types.ts'
import type { UserInfo } from '../../machinery/user.ts'
import { type Binding, compile, Grant, RoleSlot, SubjectGrants, userNameOf } from './grants.ts'

interface Indexed {
  readonly role: RoleSlot
  readonly slotKey: string
  readonly grants: readonly { of: Map<string, SubjectGrants>; key: string; grant: Grant }[]
}

/**
 * Who has which rules: from user names and groups to grants, and from grants to the rules of their roles. Whoever follows the stored
 * roles and bindings calls `setRole` and the like for each change; a decision then looks at what concerns its user and namespace only.
 */
export class PolicyIndex {
  readonly #users = new Map<string, SubjectGrants>()
  readonly #groups = new Map<string, SubjectGrants>()
  readonly #bindings = new Map<string, Indexed>()
  readonly #roles = new Map<string, RoleSlot>()

  /** @param namespace empty for a ClusterRole */
  setRole(namespace: string, name: string, rules: readonly RbacV1PolicyRule[] | null | undefined): void {
    this.#slot(namespace ? 'Role' : 'ClusterRole', namespace, name).rules = compile(rules)
  }

  deleteRole(namespace: string, name: string): void {
    const kind = namespace ? 'Role' : 'ClusterRole'
    const key = slotKey(kind, namespace, name)
    const slot = this.#roles.get(key)
    if (!slot) return
    slot.rules = undefined
    if (slot.bindings === 0) this.#roles.delete(key)
  }

  setBinding(binding: Binding): void {
    this.deleteBinding(binding.namespace, binding.name)
    const { kind = '', name = '' } = binding.roleRef
    const role = this.#slot(kind, binding.namespace, name)
    role.bindings++
    const grants: Indexed['grants'][number][] = []
    for (const [i, subject] of binding.subjects.entries()) {
      const user = userNameOf(subject, binding.namespace)
      if (user === undefined && subject.kind !== 'Group') continue
      const of = user === undefined ? this.#groups : this.#users
      const key = user ?? subject.name ?? ''
      if (grants.some((other) => other.of === of && other.key === key)) continue
      const grant = new Grant(binding, role, i)
      grants.push({ of, key, grant })
      let known = of.get(key)
      if (!known) of.set(key, (known = new SubjectGrants()))
      known.add(grant)
    }
    this.#bindings.set(bindingKey(binding.namespace, binding.name), {
      role,
      slotKey: slotKey(kind, binding.namespace, name),
      grants,
    })
  }

  deleteBinding(namespace: string, name: string): void {
    const key = bindingKey(namespace, name)
    const indexed = this.#bindings.get(key)
    if (!indexed) return
    this.#bindings.delete(key)
    for (const { of, key: subject, grant } of indexed.grants) {
      const known = of.get(subject)
      known?.remove(grant.binding, grant)
      if (known?.empty) of.delete(subject)
    }
    if (--indexed.role.bindings === 0 && !indexed.role.rules) this.#roles.delete(indexed.slotKey)
  }

  /** Forgets everything, before it is all told again. */
  clear(): void {
    for (const map of [this.#users, this.#groups, this.#bindings, this.#roles]) map.clear()
  }

  /**
   * Calls back with every grant of a user, those for all namespaces first.
   * @param namespace empty for what lies in none: only grants for all namespaces count then
   * @param visit stops the visit by returning true
   * @returns whether it was stopped
   */
  visit(user: UserInfo, namespace: string, visit: (grant: Grant) => boolean): boolean {
    const own = this.#users.get(user.name)
    if (own && some(own.everywhere, visit)) return true
    for (const group of user.groups) {
      const grants = this.#groups.get(group)
      if (grants && some(grants.everywhere, visit)) return true
    }
    if (!namespace) return false
    if (own && some(own.inNamespace.get(namespace), visit)) return true
    for (const group of user.groups) {
      if (some(this.#groups.get(group)?.inNamespace.get(namespace), visit)) return true
    }
    return false
  }

  /** The role that a binding in this namespace means. */
  role(ref: RbacV1RoleRef, bindingNamespace: string): RoleSlot {
    const { kind = '', name = '' } = ref
    return this.#roles.get(slotKey(kind, bindingNamespace, name)) ?? new RoleSlot(kind, name)
  }

  #slot(kind: string, namespace: string, name: string): RoleSlot {
    const key = slotKey(kind, namespace, name)
    let slot = this.#roles.get(key)
    if (!slot) this.#roles.set(key, (slot = new RoleSlot(kind, name)))
    return slot
  }
}

function some(grants: readonly Grant[] | undefined, visit: (grant: Grant) => boolean): boolean {
  if (!grants) return false
  for (const grant of grants) if (visit(grant)) return true
  return false
}

const bindingKey = (namespace: string, name: string): string => `${namespace}/${name}`

/** A ClusterRole is the same wherever it is bound. */
function slotKey(kind: string, bindingNamespace: string, name: string): string {
  return kind === 'ClusterRole' ? `ClusterRole//${name}` : `${kind}/${bindingNamespace}/${name}`
}

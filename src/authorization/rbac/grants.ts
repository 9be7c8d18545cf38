import type { RbacV1PolicyRule, RbacV1RoleRef, RbacV1Subject } from '../../generated/types.ts'
import { goQuote } from '../../machinery/go-text.ts'
import type { UserInfo } from '../../machinery/user.ts'
import type { Decision } from '../authorizer.ts'
import { CompiledRules } from './rules.ts'

/** A RoleBinding, or a ClusterRoleBinding when the namespace is empty. */
export interface Binding {
  readonly namespace: string
  readonly name: string
  readonly roleRef: RbacV1RoleRef
  readonly subjects: readonly RbacV1Subject[]
}

/** A role as bindings see it: there from the first binding that names it, with rules once it exists. */
export class RoleSlot {
  readonly #kind: string
  readonly name: string
  rules: CompiledRules | undefined
  /** How many bindings hold on to it. */
  bindings = 0
  #problem: string | undefined

  constructor(kind: string, name: string) {
    this.#kind = kind
    this.name = name
  }

  /** What is said while the role isn't there. */
  get problem(): string {
    this.#problem ??=
      this.#kind === 'Role' || this.#kind === 'ClusterRole'
        ? `${this.#kind.toLowerCase()}.rbac.authorization.k8s.io ${goQuote(this.name)} not found`
        : `unsupported role reference kind: ${goQuote(this.#kind)}`
    return this.#problem
  }
}

/** What one binding gives to one of its subjects. */
export class Grant {
  readonly binding: Binding
  readonly role: RoleSlot
  readonly #subject: number
  #decision: Decision | undefined

  constructor(binding: Binding, role: RoleSlot, subject: number) {
    this.binding = binding
    this.role = role
    this.#subject = subject
  }

  /** That this grant allows it. Where several subjects of the binding are the user, the first one is named. */
  decision(user: UserInfo): Decision {
    const { subjects, namespace } = this.binding
    for (let i = 0; i < this.#subject; i++) {
      if (appliesTo(subjects[i] as RbacV1Subject, user, namespace)) return { verdict: 'allow', reason: this.#reason(i) }
    }
    this.#decision ??= Object.freeze({ verdict: 'allow', reason: this.#reason(this.#subject) })
    return this.#decision
  }

  #reason(subject: number): string {
    const { namespace, name, roleRef, subjects } = this.binding
    const which = namespace ? `RoleBinding ${goQuote(`${name}/${namespace}`)}` : `ClusterRoleBinding ${goQuote(name)}`
    const role = `${roleRef.kind ?? ''} ${goQuote(roleRef.name ?? '')}`
    return `RBAC: allowed by ${which} of ${role} to ${describe(subjects[subject] as RbacV1Subject, namespace)}`
  }
}

function describe(subject: RbacV1Subject, bindingNamespace: string): string {
  const { kind = '', name = '', namespace } = subject
  return `${kind} ${goQuote(kind === 'ServiceAccount' ? `${name}/${namespace || bindingNamespace}` : name)}`
}

/** The user name by which a subject is known; undefined for groups and for what nobody can be. */
export function userNameOf({ kind, name = '', namespace }: RbacV1Subject, bindingNamespace: string): string | undefined {
  if (kind === 'User') return name
  // Bindings in a namespace may leave out the namespace of its own service accounts.
  const of = namespace || bindingNamespace
  return kind === 'ServiceAccount' && of ? `system:serviceaccount:${of}:${name}` : undefined
}

export function appliesTo(subject: RbacV1Subject, user: UserInfo, bindingNamespace: string): boolean {
  if (subject.kind === 'Group') return user.groups.includes(subject.name ?? '')
  return userNameOf(subject, bindingNamespace) === user.name
}

/** The grants of one user name or one group. */
export class SubjectGrants {
  everywhere: Grant[] = []
  readonly inNamespace = new Map<string, Grant[]>()

  add(grant: Grant): void {
    const { namespace } = grant.binding
    if (!namespace) {
      this.everywhere.push(grant)
      return
    }
    const known = this.inNamespace.get(namespace)
    if (known) known.push(grant)
    else this.inNamespace.set(namespace, [grant])
  }

  remove({ namespace }: Binding, grant: Grant): void {
    if (!namespace) {
      this.everywhere = this.everywhere.filter((other) => other !== grant)
      return
    }
    const left = this.inNamespace.get(namespace)?.filter((other) => other !== grant)
    if (left?.length) this.inNamespace.set(namespace, left)
    else this.inNamespace.delete(namespace)
  }

  get empty(): boolean {
    return this.everywhere.length === 0 && this.inNamespace.size === 0
  }
}

export const compile = (rules: readonly RbacV1PolicyRule[] | null | undefined): CompiledRules => new CompiledRules(rules ?? [])

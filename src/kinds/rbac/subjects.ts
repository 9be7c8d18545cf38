import type { RbacV1RoleRef, RbacV1Subject } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Column, column } from '../../registry/columns.ts'

export const RBAC_GROUP = 'rbac.authorization.k8s.io'

/** What role bindings and cluster role bindings have in common. */
export interface Binding extends KubeObject {
  subjects?: RbacV1Subject[]
  roleRef?: RbacV1RoleRef
}

export function defaultBinding(binding: Binding): void {
  if (binding.roleRef && !binding.roleRef.apiGroup) binding.roleRef.apiGroup = RBAC_GROUP
  for (const subject of binding.subjects ?? []) {
    // Service accounts live in the core group, whose name is empty.
    if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = RBAC_GROUP
  }
}

/** `ClusterRole/view` */
export function roleCell(binding: Binding): string {
  return `${binding.roleRef?.kind ?? ''}/${binding.roleRef?.name ?? ''}`
}

/** The columns of a binding's subjects, shown with `-o wide`. */
export function subjectColumns(bindingName: string): Column<Binding>[] {
  const names = (kind: string, print: (subject: RbacV1Subject) => string) => (binding: Binding) =>
    (binding.subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(print)
      .join(', ')
  const nameOf = (subject: RbacV1Subject): string => subject.name ?? ''
  const qualifiedNameOf = (subject: RbacV1Subject): string => `${subject.namespace ?? ''}/${subject.name ?? ''}`
  return [
    column('Users', `Users in the ${bindingName}`, names('User', nameOf), { wide: true }),
    column('Groups', `Groups in the ${bindingName}`, names('Group', nameOf), { wide: true }),
    column('ServiceAccounts', `ServiceAccounts in the ${bindingName}`, names('ServiceAccount', qualifiedNameOf), { wide: true }),
  ]
}

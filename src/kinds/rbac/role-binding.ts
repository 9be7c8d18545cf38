import type { RbacV1RoleBinding } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkBinding } from './escalation.ts'
import { defaultBinding, RBAC_GROUP, roleCell, subjectColumns } from './subjects.ts'
import { validateBinding, validateRoleRefUpdate } from './validation.ts'

const ROLE =
  'RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.'

const ROLE_KINDS = ['Role', 'ClusterRole']

export const roleBinding = defineKind<RbacV1RoleBinding>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'RoleBinding',
  resource: 'rolebindings',
  scope: 'Namespaced',
  schema: 'io.k8s.api.rbac.v1.RoleBinding',
  names: 'pathSegment',
  createOnUpdate: true,
  beforeCreate: (object, context) => checkBinding('rolebindings', object, undefined, context),
  beforeUpdate: (object, old, context) => checkBinding('rolebindings', object, old, context),
  defaults: defaultBinding,
  validate: (object) => validateBinding(object, ROLE_KINDS),
  validateUpdate: (object, old) => [...validateBinding(object, ROLE_KINDS), ...validateRoleRefUpdate(object, old)],
  columns: [column('Role', ROLE, roleCell), age, ...subjectColumns('roleBinding')],
})

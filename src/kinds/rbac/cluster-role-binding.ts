import type { RbacV1ClusterRoleBinding } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkBinding } from './escalation.ts'
import { defaultBinding, RBAC_GROUP, roleCell, subjectColumns } from './subjects.ts'
import { validateBinding, validateRoleRefUpdate } from './validation.ts'

const ROLE =
  'RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.'

const ROLE_KINDS = ['ClusterRole']

export const clusterRoleBinding = defineKind<RbacV1ClusterRoleBinding>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  resource: 'clusterrolebindings',
  scope: 'Cluster',
  schema: 'io.k8s.api.rbac.v1.ClusterRoleBinding',
  names: 'pathSegment',
  createOnUpdate: true,
  beforeCreate: (object, context) => checkBinding('clusterrolebindings', object, undefined, context),
  beforeUpdate: (object, old, context) => checkBinding('clusterrolebindings', object, old, context),
  defaults: defaultBinding,
  validate: (object) => validateBinding(object, ROLE_KINDS),
  validateUpdate: (object, old) => [...validateBinding(object, ROLE_KINDS), ...validateRoleRefUpdate(object, old)],
  columns: [column('Role', ROLE, roleCell), age, ...subjectColumns('clusterRoleBinding')],
})

import type { RbacV1Role } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkRole } from './escalation.ts'
import { RBAC_GROUP } from './subjects.ts'
import { validateRules } from './validation.ts'

export const role = defineKind<RbacV1Role>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'Role',
  resource: 'roles',
  scope: 'Namespaced',
  schema: 'io.k8s.api.rbac.v1.Role',
  names: 'pathSegment',
  createOnUpdate: true,
  beforeCreate: (object, context) => checkRole('roles', object, undefined, context),
  beforeUpdate: (object, old, context) => checkRole('roles', object, old, context),
  validate: (object) => validateRules(object.rules, true),
})

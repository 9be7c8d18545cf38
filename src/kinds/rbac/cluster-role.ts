import type { RbacV1ClusterRole } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkRole } from './escalation.ts'
import { RBAC_GROUP } from './subjects.ts'
import { validateRules } from './validation.ts'

export const clusterRole = defineKind<RbacV1ClusterRole>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'ClusterRole',
  resource: 'clusterroles',
  scope: 'Cluster',
  schema: 'io.k8s.api.rbac.v1.ClusterRole',
  names: 'pathSegment',
  createOnUpdate: true,
  beforeCreate: (object, context) => checkRole('clusterroles', object, undefined, context),
  beforeUpdate: (object, old, context) => checkRole('clusterroles', object, old, context),
  validate: (object) => [...validateRules(object.rules, false), ...validateAggregation(object)],
})

function validateAggregation(object: RbacV1ClusterRole): FieldError[] {
  if (!object.aggregationRule) return []
  const path = 'aggregationRule.clusterRoleSelectors'
  const selectors = object.aggregationRule.clusterRoleSelectors ?? []
  if (!selectors.length) return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')]
  return selectors.flatMap((selector, i) => {
    const errors = validateLabelSelector(selector as LabelSelectorObject, `${path}[${i}]`)
    // What can't be understood is shown as nothing.
    return errors.length ? [...errors, invalid(`${path}[${i}]`, null, 'invalid label selector.')] : []
  })
}

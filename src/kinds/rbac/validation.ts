import type { RbacV1PolicyRule, RbacV1RoleRef, RbacV1Subject } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { isDns1123Subdomain, isPathSegmentName } from '../../machinery/validation.ts'
import { type Binding, RBAC_GROUP } from './subjects.ts'

/** @param namespaced whether the rules only apply to one namespace */
export function validateRules(rules: readonly RbacV1PolicyRule[] | null | undefined, namespaced: boolean): FieldError[] {
  return (rules ?? []).flatMap((rule, i) => validateRule(rule, namespaced, `rules[${i}]`))
}

function validateRule(rule: RbacV1PolicyRule, namespaced: boolean, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { verbs, nonResourceURLs, apiGroups, resources, resourceNames } = rule
  if (!verbs?.length) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'))
  if (nonResourceURLs?.length) {
    const field = `${path}.nonResourceURLs`
    if (namespaced) errors.push(invalid(field, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    if (apiGroups?.length || resources?.length || resourceNames?.length) {
      errors.push(invalid(field, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'))
    }
    return errors
  }
  if (!apiGroups?.length) errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  if (!resources?.length) errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'))
  return errors
}

/** @param roleKinds what the binding may refer to */
export function validateBinding(binding: Binding, roleKinds: readonly string[]): FieldError[] {
  const { apiGroup = '', kind = '', name = '' } = binding.roleRef ?? {}
  const errors: FieldError[] = []
  if (apiGroup !== RBAC_GROUP) errors.push(notSupported('roleRef.apiGroup', apiGroup, [RBAC_GROUP]))
  if (!roleKinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, roleKinds))
  if (!name) errors.push(required('roleRef.name'))
  else errors.push(...isPathSegmentName(name).map((message) => invalid('roleRef.name', name, message)))
  const namespaced = roleKinds.length > 1
  errors.push(...(binding.subjects ?? []).flatMap((subject, i) => validateSubject(subject, namespaced, `subjects[${i}]`)))
  return errors
}

/** A binding names the same role forever: who may bind a role was decided when it was made. */
export function validateRoleRefUpdate(binding: Binding, old: Binding): FieldError[] {
  const shown = goRoleRef(binding.roleRef)
  const same = JSON.stringify(shown) === JSON.stringify(goRoleRef(old.roleRef))
  return same ? [] : [invalid('roleRef', shown, 'cannot change roleRef')]
}

/** As messages print it, in the field names of Go. */
function goRoleRef(ref: RbacV1RoleRef | undefined): { APIGroup: string; Kind: string; Name: string } {
  return { APIGroup: ref?.apiGroup ?? '', Kind: ref?.kind ?? '', Name: ref?.name ?? '' }
}

function validateSubject(subject: RbacV1Subject, namespaced: boolean, path: string): FieldError[] {
  const { kind = '', name = '', namespace = '', apiGroup = '' } = subject
  const errors: FieldError[] = name ? [] : [required(`${path}.name`)]
  const group = (wanted: string): FieldError[] =>
    apiGroup === wanted ? [] : [notSupported(`${path}.apiGroup`, apiGroup, [wanted])]
  switch (kind) {
    case 'ServiceAccount':
      if (name) errors.push(...isDns1123Subdomain(name).map((message) => invalid(`${path}.name`, name, message)))
      errors.push(...group(''))
      if (!namespaced && !namespace) errors.push(required(`${path}.namespace`))
      return errors
    case 'User':
    case 'Group':
      return [...errors, ...group(RBAC_GROUP)]
    default:
      return [...errors, notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])]
  }
}

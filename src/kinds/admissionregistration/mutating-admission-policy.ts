import type { AdmissionregistrationV1MutatingAdmissionPolicy } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkParamKind } from './param-access.ts'
import { validateMutatingPolicy } from './policy-rules.ts'
import { ADMISSION_GROUP, defaultMatchResources, PARAM_KIND_COLUMN, paramKindCell } from './rules.ts'

export const mutatingAdmissionPolicy = defineKind<AdmissionregistrationV1MutatingAdmissionPolicy>({
  ...ADMISSION_GROUP,
  kind: 'MutatingAdmissionPolicy',
  resource: 'mutatingadmissionpolicies',
  schema: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy',
  generation: 'spec',
  defaults(object) {
    if (!object.spec) return
    object.spec.failurePolicy ??= 'Fail'
    defaultMatchResources(object.spec.matchConstraints)
  },
  beforeCreate: (object, context) => checkParamKind(object, undefined, context, () => validateMutatingPolicy(object, context)),
  beforeUpdate: (object, old, context) =>
    checkParamKind(object, old, context, () => validateMutatingPolicy(object, context, old)),
  validate: (object, context) => validateMutatingPolicy(object, context),
  validateUpdate: (object, old, context) => validateMutatingPolicy(object, context, old),
  columns: [
    column(
      'Mutations',
      'Mutation indicates the number of mutations rules defined in this configuration',
      (object) => object.spec?.mutations?.length ?? 0,
      { type: 'integer' },
    ),
    column('ParamKind', PARAM_KIND_COLUMN, paramKindCell),
    age,
  ],
})

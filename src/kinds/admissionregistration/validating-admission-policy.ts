import type { AdmissionregistrationV1ValidatingAdmissionPolicy } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkParamKind } from './param-access.ts'
import { validatePolicyStatus, validateValidatingPolicy } from './policy-rules.ts'
import { ADMISSION_GROUP, defaultMatchResources, PARAM_KIND_COLUMN, paramKindCell } from './rules.ts'

export const validatingAdmissionPolicy = defineKind<AdmissionregistrationV1ValidatingAdmissionPolicy>({
  ...ADMISSION_GROUP,
  kind: 'ValidatingAdmissionPolicy',
  resource: 'validatingadmissionpolicies',
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  generation: 'spec',
  defaults(object) {
    if (!object.spec) return
    object.spec.failurePolicy ??= 'Fail'
    defaultMatchResources(object.spec.matchConstraints)
  },
  beforeCreate: (object, context) => checkParamKind(object, undefined, context, () => validateValidatingPolicy(object, context)),
  beforeUpdate: (object, old, context) =>
    checkParamKind(object, old, context, () => validateValidatingPolicy(object, context, old)),
  validate: (object, context) => validateValidatingPolicy(object, context),
  validateUpdate: (object, old, context) => validateValidatingPolicy(object, context, old),
  status: { prepare: keepMetadata, validate: validatePolicyStatus },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  columns: [
    column(
      'Validations',
      'Validations indicates the number of validation rules defined in this configuration',
      (object) => object.spec?.validations?.length ?? 0,
      { type: 'integer' },
    ),
    column('ParamKind', PARAM_KIND_COLUMN, paramKindCell),
    age,
  ],
})

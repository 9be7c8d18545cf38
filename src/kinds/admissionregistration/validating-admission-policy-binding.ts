import type { AdmissionregistrationV1ValidatingAdmissionPolicyBinding } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateValidatingBinding } from './binding-rules.ts'
import { checkParamRef } from './param-access.ts'
import { ADMISSION_GROUP, bindingColumns, defaultMatchResources } from './rules.ts'

export const validatingAdmissionPolicyBinding = defineKind<AdmissionregistrationV1ValidatingAdmissionPolicyBinding>({
  ...ADMISSION_GROUP,
  kind: 'ValidatingAdmissionPolicyBinding',
  resource: 'validatingadmissionpolicybindings',
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  generation: 'spec',
  defaults: (object) => defaultMatchResources(object.spec?.matchResources),
  beforeCreate: (object, context) =>
    checkParamRef('validatingadmissionpolicies', object, undefined, context, () => validateValidatingBinding(object)),
  beforeUpdate: (object, old, context) =>
    checkParamRef('validatingadmissionpolicies', object, old, context, () => validateValidatingBinding(object)),
  validate: validateValidatingBinding,
  columns: bindingColumns,
})

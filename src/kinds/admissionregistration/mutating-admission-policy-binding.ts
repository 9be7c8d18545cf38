import type { AdmissionregistrationV1MutatingAdmissionPolicyBinding } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateMutatingBinding } from './binding-rules.ts'
import { checkParamRef } from './param-access.ts'
import { ADMISSION_GROUP, bindingColumns, defaultMatchResources } from './rules.ts'

export const mutatingAdmissionPolicyBinding = defineKind<AdmissionregistrationV1MutatingAdmissionPolicyBinding>({
  ...ADMISSION_GROUP,
  kind: 'MutatingAdmissionPolicyBinding',
  resource: 'mutatingadmissionpolicybindings',
  schema: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding',
  generation: 'spec',
  defaults: (object) => defaultMatchResources(object.spec?.matchResources),
  beforeCreate: (object, context) =>
    checkParamRef('mutatingadmissionpolicies', object, undefined, context, () => validateMutatingBinding(object)),
  beforeUpdate: (object, old, context) =>
    checkParamRef('mutatingadmissionpolicies', object, old, context, () => validateMutatingBinding(object)),
  validate: validateMutatingBinding,
  columns: bindingColumns,
})

import type { AdmissionregistrationV1MutatingAdmissionPolicyBinding } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateMutatingBinding } from './binding-rules.ts'
import { ADMISSION_GROUP, bindingColumns, defaultMatchResources } from './rules.ts'

export const mutatingAdmissionPolicyBinding = defineKind<AdmissionregistrationV1MutatingAdmissionPolicyBinding>({
  ...ADMISSION_GROUP,
  kind: 'MutatingAdmissionPolicyBinding',
  resource: 'mutatingadmissionpolicybindings',
  schema: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding',
  generation: 'spec',
  defaults: (object) => defaultMatchResources(object.spec?.matchResources),
  validate: validateMutatingBinding,
  columns: bindingColumns,
})

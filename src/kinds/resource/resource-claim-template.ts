import type { MetaV1ObjectMeta, ResourceV1ResourceClaimTemplate } from '../../generated/types.ts'
import { type FieldError, forbiddenField } from '../../machinery/field-errors.ts'
import { validateAnnotations, validateLabels } from '../../machinery/label-validation.ts'
import { age } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkAdminAccess } from './admin-access.ts'
import { immutableSpec, validateDeviceClaim } from './claim-rules.ts'
import { defaultDeviceRequests } from './device-requests.ts'

export const resourceClaimTemplate = defineKind<ResourceV1ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  resource: 'resourceclaimtemplates',
  returnsDeleted: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.resource.v1.ResourceClaimTemplate',
  defaults: (object) => defaultDeviceRequests(object.spec?.spec?.devices),
  beforeCreate: (object, context) =>
    checkAdminAccess(object, 'ResourceClaimTemplate', object.spec?.spec?.devices ?? {}, context, () =>
      validateTemplate(object, context),
    ),
  validate: validateTemplate,
  validateUpdate: (object, old, context) => [
    ...validateTemplate(object, context),
    ...immutableSpec(object.spec, old.spec, ({ spec }) => spec?.devices, SPEC, context),
  ],
  columns: [age],
})

const SPEC = 'io.k8s.api.resource.v1.ResourceClaimTemplateSpec'

function validateTemplate({ spec = {} }: ResourceV1ResourceClaimTemplate, context: WriteContext): FieldError[] {
  return [
    ...validateMetadata(spec.metadata ?? {}, 'spec.metadata'),
    ...validateDeviceClaim(spec.spec?.devices ?? {}, 'spec.spec.devices', context),
  ]
}

/** Of a template's metadata, only labels and annotations are used. */
function validateMetadata({ labels, annotations, ...others }: MetaV1ObjectMeta, path: string): FieldError[] {
  return [
    ...validateAnnotations(annotations, `${path}.annotations`),
    ...validateLabels(labels, `${path}.labels`),
    ...Object.entries(others).flatMap(([field, value]) =>
      value ? [forbiddenField(`${path}.${field === 'uid' ? 'uID' : field}`, 'cannot be set')] : [],
    ),
  ]
}

import type { ResourceV1DeviceClass } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { isDns1123Subdomain } from '../../machinery/validation.ts'
import { age } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { isExtendedResource } from '../core/resource-names.ts'
import { eachOf } from './field-rules.ts'
import { MAX_CONFIG, validateConfiguration, validateSelectors } from './request-rules.ts'

export const deviceClass = defineKind<ResourceV1DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  resource: 'deviceclasses',
  returnsDeleted: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.resource.v1.DeviceClass',
  generation: 'spec',
  names: (name) => [...isDns1123Subdomain(name, 'bytes')],
  validate: (object, context) => validateClass(object, context),
  validateUpdate: (object, old, context) => validateClass(object, context, old),
  columns: [age],
})

function validateClass({ spec = {} }: ResourceV1DeviceClass, context: WriteContext, old?: ResourceV1DeviceClass): FieldError[] {
  const { selectors, config, extendedResourceName: name } = spec
  const errors = [
    ...validateSelectors(selectors, 'spec.selectors', context, {
      stored: old !== undefined && equal(selectors ?? [], old.spec?.selectors ?? []),
    }),
    ...eachOf(config, MAX_CONFIG, 'spec.config', validateConfiguration),
  ]
  if (name === undefined || isExtendedResource(name)) return errors
  return [...errors, invalid('spec.extendedResourceName', name, 'must be a valid extended resource name')]
}

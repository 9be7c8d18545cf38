import type { StorageV1VolumeAttributesClass } from '../../generated/types.ts'
import { type FieldError, forbiddenField } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { parameterErrors, provisionerErrors } from './provisioner-rules.ts'

const DEFAULT_ANNOTATION = 'volumeattributesclass.alpha.kubernetes.io/is-default-class'

export const volumeAttributesClass = defineKind<StorageV1VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  resource: 'volumeattributesclasses',
  shortNames: ['vac'],
  returnsDeleted: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.storage.v1.VolumeAttributesClass',
  validate,
  validateUpdate: (object, old) => [
    ...(['driverName', 'parameters'] as const)
      .filter((field) => !equal(object[field], old[field]))
      .map((field) => forbiddenField(field, `updates to ${field} are forbidden.`)),
    ...validate(object),
  ],
  displayName(object) {
    const isDefault = object.metadata?.annotations?.[DEFAULT_ANNOTATION] === 'true'
    return `${object.metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`
  },
  columns: [column('DriverName', 'Name of the CSI driver This field is immutable.', (object) => object.driverName ?? ''), age],
})

function validate({ driverName, parameters }: StorageV1VolumeAttributesClass): FieldError[] {
  return [...provisionerErrors('driverName', driverName), ...parameterErrors('parameters', parameters, false)]
}

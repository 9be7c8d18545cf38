import type { StorageV1VolumeAttributesClass } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'

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
  displayName(object) {
    const isDefault = object.metadata?.annotations?.[DEFAULT_ANNOTATION] === 'true'
    return `${object.metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`
  },
  columns: [column('DriverName', 'Name of the CSI driver This field is immutable.', (object) => object.driverName ?? ''), age],
})

import type { StorageV1StorageClass } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateStorageClass, validateStorageClassUpdate } from './storage-class-rules.ts'

const SCHEMA = 'io.k8s.api.storage.v1.StorageClass'
const DEFAULT_ANNOTATIONS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const storageClass = defineKind<StorageV1StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  resource: 'storageclasses',
  shortNames: ['sc'],
  returnsDeleted: true,
  scope: 'Cluster',
  schema: SCHEMA,
  defaults(object) {
    object.reclaimPolicy ??= 'Delete'
    object.volumeBindingMode ??= 'Immediate'
  },
  validate: validateStorageClass,
  validateUpdate: validateStorageClassUpdate,
  displayName(object) {
    const annotations = object.metadata?.annotations
    const isDefault = DEFAULT_ANNOTATIONS.some((key) => annotations?.[key] === 'true')
    return `${object.metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`
  },
  columns: [
    column('Provisioner', `@${SCHEMA}.provisioner`, (object) => object.provisioner ?? ''),
    column('ReclaimPolicy', `@${SCHEMA}.reclaimPolicy`, (object) => object.reclaimPolicy ?? 'Delete'),
    column('VolumeBindingMode', `@${SCHEMA}.volumeBindingMode`, (object) => object.volumeBindingMode ?? 'Immediate'),
    column('AllowVolumeExpansion', `@${SCHEMA}.allowVolumeExpansion`, (object) => object.allowVolumeExpansion ?? false),
    age,
  ],
})

import type { StorageV1VolumeAttachment } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateAttachment, validateAttachmentUpdate } from './volume-attachment-rules.ts'

const TYPES = '@io.k8s.api.storage.v1'

export const volumeAttachment = defineKind<StorageV1VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  resource: 'volumeattachments',
  updateSkipsMetadata: true,
  returnsDeleted: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.storage.v1.VolumeAttachment',
  unconditionalUpdate: false,
  validate: validateAttachment,
  validateUpdate: validateAttachmentUpdate,
  status: { prepare: keepMetadata, validate: validateAttachmentUpdate },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  columns: [
    column('Attacher', `${TYPES}.VolumeAttachmentSpec.attacher`, (object) => object.spec?.attacher ?? '', { format: 'name' }),
    column(
      'PV',
      `${TYPES}.VolumeAttachmentSource.persistentVolumeName`,
      (object) => object.spec?.source?.persistentVolumeName ?? '',
    ),
    column('Node', `${TYPES}.VolumeAttachmentSpec.nodeName`, (object) => object.spec?.nodeName ?? ''),
    column('Attached', `${TYPES}.VolumeAttachmentStatus.attached`, (object) => object.status?.attached ?? false, {
      type: 'boolean',
    }),
    age,
  ],
})

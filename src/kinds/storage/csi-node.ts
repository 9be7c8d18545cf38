import type { StorageV1CSINode } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateNode, validateNodeUpdate } from './csi-node-rules.ts'

export const csiNode = defineKind<StorageV1CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  resource: 'csinodes',
  returnsDeleted: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.storage.v1.CSINode',
  unconditionalUpdate: false,
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  columns: [
    column(
      'Drivers',
      'Drivers indicates the number of CSI drivers registered on the node',
      (object) => object.spec?.drivers?.length ?? 0,
      { type: 'integer' },
    ),
    age,
  ],
})

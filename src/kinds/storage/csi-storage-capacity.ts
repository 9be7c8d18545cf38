import type { StorageV1CSIStorageCapacity } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'

export const csiStorageCapacity = defineKind<StorageV1CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  resource: 'csistoragecapacities',
  scope: 'Namespaced',
  schema: 'io.k8s.api.storage.v1.CSIStorageCapacity',
  unconditionalUpdate: false,
})

import type { ResourceV1DeviceClass } from '../../generated/types.ts'
import { age } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'

export const deviceClass = defineKind<ResourceV1DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  resource: 'deviceclasses',
  returnsDeleted: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.resource.v1.DeviceClass',
  generation: 'spec',
  columns: [age],
})

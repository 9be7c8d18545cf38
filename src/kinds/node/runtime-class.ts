import type { NodeV1RuntimeClass } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'

export const runtimeClass = defineKind<NodeV1RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  resource: 'runtimeclasses',
  scope: 'Cluster',
  schema: 'io.k8s.api.node.v1.RuntimeClass',
  createOnUpdate: true,
  unconditionalUpdate: false,
  // The reference has no description for this column.
  columns: [column('Handler', '', (object) => object.handler ?? ''), age],
})

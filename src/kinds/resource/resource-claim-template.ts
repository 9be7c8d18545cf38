import type { ResourceV1ResourceClaimTemplate } from '../../generated/types.ts'
import { age } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
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
  columns: [age],
})

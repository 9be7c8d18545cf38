import type { ResourceV1ResourceClaim } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { defaultDeviceRequests } from './device-requests.ts'

export const resourceClaim = defineKind<ResourceV1ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  resource: 'resourceclaims',
  returnsDeleted: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.resource.v1.ResourceClaim',
  defaults: (object) => defaultDeviceRequests(object.spec?.devices),
  status: { prepare: keepMetadata },
  resetFields: { '': ['status'], status: ['spec'] },
  columns: [column('State', 'A summary of the current state (allocated, pending, reserved, etc.).', state), age],
})

function state(claim: ResourceV1ResourceClaim): string {
  const deleted = Boolean(claim.metadata?.deletionTimestamp)
  const states: string[] = deleted ? ['deleted'] : []
  if (!claim.status?.allocation) {
    if (!deleted) states.push('pending')
  } else {
    states.push('allocated')
    if (claim.status.reservedFor?.length) states.push('reserved')
  }
  return states.join(',')
}

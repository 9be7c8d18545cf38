import type { ResourceV1ResourceClaim } from '../../generated/types.ts'
import type { FieldError } from '../../machinery/field-errors.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { keepMetadata } from '../../registry/keep-metadata.ts'
import { defineKind } from '../../registry/kind.ts'
import { checkAdminAccess } from './admin-access.ts'
import { immutableSpec, validateDeviceClaim } from './claim-rules.ts'
import { dropDeallocated, validateClaimStatus } from './claim-status-rules.ts'
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
  beforeCreate: (object, context) =>
    checkAdminAccess(object, 'ResourceClaim', object.spec?.devices ?? {}, context, () => validateClaim(object, context)),
  validate: validateClaim,
  // Nothing of the spec may change, so that it isn't looked at again.
  validateUpdate: ({ spec }, old, context) => immutableSpec(spec, old.spec, ({ devices }) => devices, SPEC, context),
  status: {
    prepare(object, old) {
      keepMetadata(object, old)
      dropDeallocated(object, old)
    },
    validate: validateClaimStatus,
  },
  resetFields: { '': ['status'], status: ['spec'] },
  columns: [column('State', 'A summary of the current state (allocated, pending, reserved, etc.).', state), age],
})

const SPEC = 'io.k8s.api.resource.v1.ResourceClaimSpec'

function validateClaim({ spec }: ResourceV1ResourceClaim, context: WriteContext): FieldError[] {
  return validateDeviceClaim(spec?.devices ?? {}, 'spec.devices', context)
}

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

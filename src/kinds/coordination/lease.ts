import type { CoordinationV1Lease } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'

export const lease = defineKind<CoordinationV1Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  resource: 'leases',
  scope: 'Namespaced',
  schema: 'io.k8s.api.coordination.v1.Lease',
  createOnUpdate: true,
  unconditionalUpdate: false,
  prepareForCreate: dropCoordinatedElection,
  prepareForUpdate: (lease, _old, context) => dropCoordinatedElection(lease, context),
  validate: validateLease,
  columns: [
    column('Holder', '@io.k8s.api.coordination.v1.LeaseSpec.holderIdentity', (lease) => lease.spec?.holderIdentity ?? ''),
    age,
  ],
})

/** The fields of coordinated leader election exist only behind their feature gate. */
function dropCoordinatedElection(lease: CoordinationV1Lease, context: WriteContext): void {
  if (context.env.settings.feature('CoordinatedLeaderElection') || !lease.spec) return
  lease.spec.strategy = undefined
  lease.spec.preferredHolder = undefined
}

function validateLease({ spec }: CoordinationV1Lease): FieldError[] {
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec ?? {}
  return [
    ...(duration !== undefined && duration <= 0
      ? [invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []),
    ...(transitions !== undefined && transitions < 0
      ? [invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0')]
      : []),
  ]
}

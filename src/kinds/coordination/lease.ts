import type { CoordinationV1Lease } from '../../generated/types.ts'
import type { WriteContext } from '../../registry/context.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'

export const lease = defineKind<CoordinationV1Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  resource: 'leases',
  scope: 'Namespaced',
  schema: 'io.k8s.api.coordination.v1.Lease',
  prepareForCreate: dropCoordinatedElection,
  prepareForUpdate: (lease, _old, context) => dropCoordinatedElection(lease, context),
  columns: [column('Holder', '@io.k8s.api.coordination.v1.LeaseSpec.holderIdentity', (lease) => lease.spec?.holderIdentity ?? ''), age],
})

/** The fields of coordinated leader election exist only behind their feature gate. */
function dropCoordinatedElection(lease: CoordinationV1Lease, context: WriteContext): void {
  if (context.env.settings.feature('CoordinatedLeaderElection') || !lease.spec) return
  lease.spec.strategy = undefined
  lease.spec.preferredHolder = undefined
}

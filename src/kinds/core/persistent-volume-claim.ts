import type { CoreV1PersistentVolumeClaim, CoreV1PersistentVolumeClaimSpec } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateClaimUpdate } from './claim-update.ts'
import { claimWarnings, validateClaimSpec } from './claim-validation.ts'
import { defaultClaimSpec, roundResources } from './pod-spec-defaults.ts'
import { accessModes, classOf } from './volume-columns.ts'

export const persistentVolumeClaim = defineKind<CoreV1PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  resource: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  returnsDeleted: true,
  defaults(claim) {
    claim.status ??= {}
    claim.status.phase ||= 'Pending'
    claim.spec ??= {}
    defaultClaimSpec(claim.spec)
    roundResources(claim.status.capacity)
    roundResources(claim.status.allocatedResources)
  },
  prepareForCreate(claim, context) {
    claim.status = { phase: 'Pending' }
    if (claim.spec) prepareSources(claim.spec, undefined, context)
  },
  prepareForUpdate(claim, old, context) {
    if (claim.spec) prepareSources(claim.spec, old.spec, context)
  },
  validate: (claim) => validateClaimSpec(claim.spec ?? {}, 'spec'),
  validateUpdate: validateClaimUpdate,
  warnings: claimWarnings,
  status: true,
  columns: [
    column('Status', '@io.k8s.api.core.v1.PersistentVolumeClaimStatus.phase', (claim) =>
      claim.metadata?.deletionTimestamp ? 'Terminating' : (claim.status?.phase ?? ''),
    ),
    column('Volume', '@io.k8s.api.core.v1.PersistentVolumeClaimSpec.volumeName', (claim) => claim.spec?.volumeName ?? ''),
    column('Capacity', '@io.k8s.api.core.v1.PersistentVolumeClaimStatus.capacity', (claim) =>
      claim.spec?.volumeName ? (claim.status?.capacity?.storage ?? '0') : '',
    ),
    column('Access Modes', '@io.k8s.api.core.v1.PersistentVolumeClaimStatus.accessModes', (claim) =>
      claim.spec?.volumeName ? accessModes(claim.status?.accessModes) : '',
    ),
    column('StorageClass', 'StorageClass of the pvc', (claim) => classOf(claim)),
    column(
      'VolumeAttributesClass',
      'VolumeAttributesClass of the pvc',
      (claim) => claim.spec?.volumeAttributesClassName ?? '<unset>',
    ),
    age,
    column(
      'VolumeMode',
      '@io.k8s.api.core.v1.PersistentVolumeClaimSpec.volumeMode',
      (claim) => claim.spec?.volumeMode ?? '<unset>',
      { wide: true },
    ),
  ],
})

/**
 * Keeps the older `dataSource` and the newer `dataSourceRef` in step. The older one silently ignores what is neither a claim nor a
 * snapshot, as it always did (KEP-1495).
 */
function prepareSources(
  spec: CoreV1PersistentVolumeClaimSpec,
  old: CoreV1PersistentVolumeClaimSpec | undefined,
  context: WriteContext,
): void {
  const crossNamespace =
    context.env.settings.feature('CrossNamespaceVolumeDataSource') || old?.dataSourceRef?.namespace !== undefined
  if (spec.dataSourceRef && !crossNamespace) spec.dataSourceRef.namespace = undefined

  if (!old?.dataSource && !old?.dataSourceRef && !spec.dataSourceRef && !isClaimOrSnapshot(spec.dataSource))
    spec.dataSource = undefined

  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { kind, apiGroup, name } = spec.dataSourceRef
    spec.dataSource = { kind, apiGroup, name }
  }
}

function isClaimOrSnapshot(source: CoreV1PersistentVolumeClaimSpec['dataSource']): boolean {
  const group = source?.apiGroup ?? ''
  if (source?.kind === 'PersistentVolumeClaim') return group === ''
  return source?.kind === 'VolumeSnapshot' && group === 'snapshot.storage.k8s.io'
}

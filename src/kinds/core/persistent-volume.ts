import type { CoreV1PersistentVolume } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateVolume, validateVolumeUpdate } from './persistent-volume-rules.ts'
import { roundResources } from './pod-spec-defaults.ts'
import { nodeSelectorTermWarnings } from './pod-spec-warnings.ts'
import { accessModes, classOf } from './volume-columns.ts'

export const persistentVolume = defineKind<CoreV1PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  resource: 'persistentvolumes',
  shortNames: ['pv'],
  scope: 'Cluster',
  schema: 'io.k8s.api.core.v1.PersistentVolume',
  returnsDeleted: true,
  defaults(volume) {
    volume.status ??= {}
    volume.status.phase ||= 'Pending'
    volume.spec ??= {}
    const { spec } = volume
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    if (spec.hostPath) spec.hostPath.type ??= ''
    if (spec.azureDisk) spec.azureDisk.readOnly ??= false
    roundResources(spec.capacity)
  },
  prepareForCreate(volume, context) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: seconds(context) }
  },
  validate: validateVolume,
  validateUpdate: validateVolumeUpdate,
  warnings: volumeWarnings,
  status: {
    prepare(volume, old, context) {
      const { status } = volume
      if (!status) return
      const before = old.status?.lastPhaseTransitionTime
      if (status.phase === old.status?.phase) status.lastPhaseTransitionTime ??= before
      else if (!status.lastPhaseTransitionTime || status.lastPhaseTransitionTime === before) {
        status.lastPhaseTransitionTime = seconds(context)
      }
    },
  },
  columns: [
    column('Capacity', '@io.k8s.api.core.v1.PersistentVolumeSpec.capacity', (pv) => pv.spec?.capacity?.storage ?? '0'),
    column('Access Modes', '@io.k8s.api.core.v1.PersistentVolumeSpec.accessModes', (pv) => accessModes(pv.spec?.accessModes)),
    column(
      'Reclaim Policy',
      '@io.k8s.api.core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy',
      (pv) => pv.spec?.persistentVolumeReclaimPolicy ?? '',
    ),
    column('Status', '@io.k8s.api.core.v1.PersistentVolumeStatus.phase', (pv) =>
      pv.metadata?.deletionTimestamp ? 'Terminating' : (pv.status?.phase ?? ''),
    ),
    column('Claim', '@io.k8s.api.core.v1.PersistentVolumeSpec.claimRef', (pv) => {
      const claim = pv.spec?.claimRef
      return claim ? `${claim.namespace ?? ''}/${claim.name ?? ''}` : ''
    }),
    column('StorageClass', 'StorageClass of the pv', (pv) => classOf(pv)),
    column('VolumeAttributesClass', 'VolumeAttributesClass of the pv', (pv) => pv.spec?.volumeAttributesClassName ?? '<unset>'),
    column('Reason', '@io.k8s.api.core.v1.PersistentVolumeStatus.reason', (pv) => pv.status?.reason ?? ''),
    age,
    column('VolumeMode', '@io.k8s.api.core.v1.PersistentVolumeSpec.volumeMode', (pv) => pv.spec?.volumeMode ?? '<unset>', {
      wide: true,
    }),
  ],
})

const seconds = (context: WriteContext): string => `${new Date(context.now).toISOString().slice(0, 19)}Z`

/** Volume plugins that are gone and warn of it, with the releases that deprecated and removed them. */
const REMOVED: readonly (readonly [keyof NonNullable<CoreV1PersistentVolume['spec']>, string, string])[] = [
  ['cephfs', 'v1.28', 'v1.31+'],
  ['glusterfs', 'v1.25', 'v1.26+'],
  ['photonPersistentDisk', 'v1.11', 'v1.16+'],
  ['rbd', 'v1.28', 'v1.31+'],
  ['scaleIO', 'v1.16', 'v1.22+'],
  ['storageos', 'v1.22', 'v1.25+'],
]

function volumeWarnings(volume: CoreV1PersistentVolume): string[] {
  const warnings = REMOVED.filter(([field]) => volume.spec?.[field]).map(
    ([field, since, gone]) =>
      `spec.${field === 'storageos' ? 'storageOS' : field}: deprecated in ${since}, non-functional in ${gone}`,
  )
  if (volume.spec?.persistentVolumeReclaimPolicy === 'Recycle') {
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    )
  }
  volume.spec?.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, i) => {
    warnings.push(...nodeSelectorTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`, false))
  })
  return warnings
}

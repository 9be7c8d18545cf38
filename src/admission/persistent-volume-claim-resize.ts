import type { CoreV1PersistentVolumeClaim, StorageV1StorageClass } from '../generated/types.ts'
import { quantityFromJson } from '../machinery/quantity.ts'
import { CLASS_ANNOTATION } from './default-storage-class.ts'
import { type ObjectReader, then } from './objects.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'

/**
 * A claim grows only when it is bound and its storage class allows it.
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
 */
export function persistentVolumeClaimResize(objects: ObjectReader): AdmissionPlugin {
  const expandable = objects.facts<boolean>({ group: 'storage.k8s.io', resource: 'storageclasses' }, (object) =>
    Boolean((object as StorageV1StorageClass).allowVolumeExpansion),
  )
  return {
    name: 'PersistentVolumeClaimResize',
    operations: ['UPDATE'],
    validate(attributes) {
      if (!isFor(attributes, 'persistentvolumeclaims')) return
      const claim = attributes.object as CoreV1PersistentVolumeClaim
      const old = attributes.oldObject as CoreV1PersistentVolumeClaim
      if (size(claim).compare(size(old)) <= 0) return
      if (old.status?.phase !== 'Bound') throw refusal(attributes, 'Only bound persistent volume claims can be expanded')
      const name = classOf(claim)
      const allowed = name !== '' && name === classOf(old) && expandable.get('', name)
      return then(allowed, (yes) => {
        if (yes) return
        const cause =
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
        throw refusal(attributes, cause)
      })
    },
  }
}

const size = ({ spec }: CoreV1PersistentVolumeClaim) => quantityFromJson(spec?.resources?.requests?.storage)

const classOf = ({ metadata, spec }: CoreV1PersistentVolumeClaim): string =>
  metadata?.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? ''

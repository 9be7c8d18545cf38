import { metaOf } from '../machinery/object.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor } from './refusal.ts'

const PROTECTED = [
  { resource: 'persistentvolumes', group: '', finalizer: 'kubernetes.io/pv-protection' },
  { resource: 'persistentvolumeclaims', group: '', finalizer: 'kubernetes.io/pvc-protection' },
  { resource: 'volumeattributesclasses', group: 'storage.k8s.io', finalizer: 'kubernetes.io/vac-protection' },
]

/**
 * Gives storage objects the finalizer that keeps them while they are used.
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
 */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  operations: ['CREATE'],
  admit(attributes) {
    const found = PROTECTED.find(({ resource, group }) => isFor(attributes, resource, group))
    if (!found || !attributes.object) return
    const meta = metaOf(attributes.object)
    const finalizers = meta.finalizers ?? []
    if (!finalizers.includes(found.finalizer)) meta.finalizers = [...finalizers, found.finalizer]
  },
}

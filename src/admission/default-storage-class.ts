import type { CoreV1PersistentVolumeClaim } from '../generated/types.ts'
import { defaultableBy, defaultClass } from './default-class.ts'
import { type ObjectReader, then } from './objects.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor } from './refusal.ts'

/** How claims named their class before there was a field for it. */
export const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

const DEFAULT_ANNOTATIONS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

/**
 * Claims that name no storage class get the default one.
 * https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass
 */
export function defaultStorageClass(objects: ObjectReader): AdmissionPlugin {
  const classes = objects.facts({ group: 'storage.k8s.io', resource: 'storageclasses' }, defaultableBy(DEFAULT_ANNOTATIONS))
  return {
    name: 'DefaultStorageClass',
    operations: ['CREATE'],
    admit(attributes) {
      if (!isFor(attributes, 'persistentvolumeclaims')) return
      const claim = attributes.object as CoreV1PersistentVolumeClaim
      const named = claim.metadata?.annotations?.[CLASS_ANNOTATION] ?? claim.spec?.storageClassName
      if (named !== undefined) return
      return then(classes.all(), (all) => {
        const name = defaultClass(all)
        if (name !== undefined) (claim.spec ??= {}).storageClassName = name
      })
    },
  }
}

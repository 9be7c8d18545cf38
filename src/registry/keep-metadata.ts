import { type KubeObject, metaOf } from '../machinery/object.ts'

/**
 * Takes over from the stored object what a subresource must not change of the metadata (everything that users set). Status strategies of
 * kinds whose status updates leave labels and the like alone use it as their `prepare`.
 */
export function keepMetadata(object: KubeObject, old: KubeObject): void {
  const meta = metaOf(object)
  const before = metaOf(old)
  meta.deletionTimestamp = before.deletionTimestamp
  meta.generation = before.generation
  meta.labels = before.labels
  meta.annotations = before.annotations
  meta.finalizers = before.finalizers
  meta.ownerReferences = before.ownerReferences
}

import type { MetaV1ObjectMeta } from '../generated/types.ts'

/** What every API object has. The rest depends on its kind: see src/generated/types.ts. */
export interface KubeObject {
  kind?: string
  apiVersion?: string
  metadata?: MetaV1ObjectMeta
}

/** The object's metadata, which decoding has put there. */
export function metaOf(object: KubeObject): MetaV1ObjectMeta {
  object.metadata ??= {}
  return object.metadata
}

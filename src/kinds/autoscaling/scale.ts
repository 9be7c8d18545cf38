import type { AutoscalingV1Scale } from '../../generated/types.ts'
import { invalid, invalidObject } from '../../machinery/field-errors.ts'
import type { Subresource } from '../../registry/kind.ts'
import type { KubeObject } from '../../registry/object.ts'

/** A kind that runs so many pods of one sort. */
export interface Scalable extends KubeObject {
  spec?: { replicas?: number }
  status?: { replicas?: number }
}

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: 'io.k8s.api.autoscaling.v1.Scale' }

/**
 * The `scale` subresource: reads and sets the wanted number of replicas, whatever the kind.
 * @param selector the text of the selector of the pods
 */
export function scale<T extends Scalable>(selector: (parent: T) => string): Subresource<T> {
  return {
    name: 'scale',
    kind: SCALE,
    verbs: ['get', 'patch', 'update'],
    read: (parent) => scaleOf(parent, selector(parent)),
    write: (parent, incoming) => {
      const { metadata, spec } = incoming as AutoscalingV1Scale
      const replicas = spec?.replicas ?? 0
      if (replicas < 0) {
        throw invalidObject({ group: SCALE.group, kind: SCALE.kind }, metadata?.name ?? '', [
          invalid('spec.replicas', replicas, 'must be greater than or equal to 0'),
        ])
      }
      return { ...parent, spec: { ...parent.spec, replicas } }
    },
  }
}

function scaleOf({ metadata = {}, spec, status }: Scalable, selector: string): AutoscalingV1Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata
  const replicas = spec?.replicas
  return {
    kind: SCALE.kind,
    apiVersion: `${SCALE.group}/${SCALE.version}`,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: { replicas: status?.replicas ?? 0, ...(selector ? { selector } : {}) },
  }
}

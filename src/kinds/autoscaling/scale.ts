import type { AutoscalingV1Scale } from '../../generated/types.ts'
import { invalid, invalidObject } from '../../machinery/field-errors.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { GroupResource } from '../../machinery/status.ts'
import { age, type Column, column } from '../../registry/columns.ts'
import type { Subresource } from '../../registry/kind.ts'
import { storageConflict } from '../core/preconditions.ts'

const TYPE = '@io.k8s.api.autoscaling.v1'

/** The name is an ordinary column here. */
export const SCALE_COLUMNS: readonly Column<Scalable>[] = [
  column('Name', '@io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta.name', ({ metadata }) => metadata?.name ?? ''),
  column('Desired', `${TYPE}.ScaleSpec.replicas`, ({ spec }) => spec?.replicas ?? 0, { type: 'integer' }),
  column('Available', `${TYPE}.ScaleStatus.replicas`, ({ status }) => status?.replicas ?? 0, { type: 'integer' }),
  age,
]

/** A kind that runs so many pods of one sort. */
export interface Scalable extends KubeObject {
  spec?: { replicas?: number }
  status?: { replicas?: number }
}

/** What a Scale is, whatever is scaled. */
export const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: 'io.k8s.api.autoscaling.v1.Scale' }

/**
 * The `scale` subresource: reads and sets the wanted number of replicas, whatever the kind.
 * @param selector the text of the selector of the pods
 * @param parent what the kind is called in paths, and in storage when that differs
 */
export function scale<T extends Scalable>(
  selector: (object: T) => string,
  parent: GroupResource & { storagePrefix?: string },
): Subresource<T> {
  return {
    name: 'scale',
    kind: SCALE,
    verbs: ['get', 'patch', 'update'],
    columns: SCALE_COLUMNS,
    read: (object) => scaleOf(object, selector(object)),
    write: (object, incoming, context) => {
      const { metadata, spec } = incoming as AutoscalingV1Scale
      const { uid, name = '' } = object.metadata ?? {}
      if (metadata?.uid && metadata.uid !== uid) {
        const key = `${parent.storagePrefix ?? parent.resource}/${context.namespace}/${name}`
        throw storageConflict(parent, name, key, 'UID', metadata.uid, uid)
      }
      const replicas = spec?.replicas ?? 0
      if (replicas < 0) {
        throw invalidObject({ group: SCALE.group, kind: SCALE.kind }, name, [
          invalid('spec.replicas', replicas, 'must be greater than or equal to 0'),
        ])
      }
      return { ...object, spec: { ...object.spec, replicas } }
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

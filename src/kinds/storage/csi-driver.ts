import type { StorageV1CSIDriver } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { metaOf } from '../../machinery/object.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { driverWarnings, validateDriver, validateDriverUpdate } from './csi-driver-rules.ts'

const SPEC = '@io.k8s.api.storage.v1.CSIDriverSpec'

export const csiDriver = defineKind<StorageV1CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  resource: 'csidrivers',
  updateSkipsMetadata: true,
  returnsDeleted: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.storage.v1.CSIDriver',
  unconditionalUpdate: false,
  defaults(object) {
    object.spec ??= {}
    const spec = object.spec
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  prepareForCreate: (object, context) => dropGated(object, undefined, context),
  prepareForUpdate(object, old, context) {
    dropGated(object, old, context)
    // The generation counts changes, yet isn't set by a create.
    if (!equal(object.spec, old.spec)) metaOf(object).generation = (old.metadata?.generation ?? 0) + 1
  },
  validate: validateDriver,
  validateUpdate: validateDriverUpdate,
  warnings: driverWarnings,
  columns: [
    column('AttachRequired', `${SPEC}.attachRequired`, (object) => object.spec?.attachRequired ?? true, { type: 'boolean' }),
    column('PodInfoOnMount', `${SPEC}.podInfoOnMount`, (object) => object.spec?.podInfoOnMount ?? false, { type: 'boolean' }),
    column('StorageCapacity', `${SPEC}.storageCapacity`, (object) => object.spec?.storageCapacity ?? false, { type: 'boolean' }),
    column('TokenRequests', `${SPEC}.tokenRequests`, (object) => {
      const requests = object.spec?.tokenRequests
      return requests ? requests.map((request) => request.audience ?? '').join(',') : '<unset>'
    }),
    column('RequiresRepublish', `${SPEC}.requiresRepublish`, (object) => object.spec?.requiresRepublish ?? false, {
      type: 'boolean',
    }),
    column('Modes', `${SPEC}.volumeLifecycleModes`, (object) => object.spec?.volumeLifecycleModes?.join(',') || '<none>'),
    age,
  ],
})

/** A gated field that an object already has stays usable. */
function dropGated(object: StorageV1CSIDriver, old: StorageV1CSIDriver | undefined, context: WriteContext): void {
  if (!object.spec || context.env.settings.feature('VolumeLimitScaling')) return
  if (old?.spec?.preventPodSchedulingIfMissing === undefined) object.spec.preventPodSchedulingIfMissing = undefined
}

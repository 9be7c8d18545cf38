import type { ResourceV1Device, ResourceV1ResourceSlice } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { metaOf } from '../../machinery/object.ts'
import { age, column } from '../../registry/columns.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind } from '../../registry/kind.ts'
import { timestamp } from '../../registry/write-rules.ts'
import { validateSlice } from './slice-rules.ts'

const SPEC = '@io.k8s.api.resource.v1.ResourceSliceSpec'

export const resourceSlice = defineKind<ResourceV1ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  resource: 'resourceslices',
  updateSkipsMetadata: true,
  returnsDeleted: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.resource.v1.ResourceSlice',
  prepareForCreate(object, context) {
    metaOf(object).generation = 1
    prepare(object, context)
  },
  prepareForUpdate(object, old, context) {
    // Gated fields count as a change, though they go.
    const changed = !equal(object.spec, old.spec)
    prepare(object, context, old)
    if (changed) metaOf(object).generation = (old.metadata?.generation ?? 0) + 1
  },
  validate: ({ spec = {} }, context) => validateSlice(spec, undefined, context),
  validateUpdate: ({ spec = {} }, old, context) => validateSlice(spec, old.spec, context),
  columns: [
    column('Node', `${SPEC}.nodeName`, (object) => object.spec?.nodeName ?? ''),
    column('Driver', `${SPEC}.driver`, (object) => object.spec?.driver ?? ''),
    column('Pool', '@io.k8s.api.resource.v1.ResourcePool.name', (object) => object.spec?.pool?.name ?? ''),
    age,
  ],
  fields: {
    'spec.nodeName': (object) => object.spec?.nodeName ?? '',
    'spec.driver': (object) => object.spec?.driver ?? '',
  },
})

function prepare(object: ResourceV1ResourceSlice, context: WriteContext, old?: ResourceV1ResourceSlice): void {
  const devices = object.spec?.devices ?? []
  for (const device of devices) {
    for (const taint of device.taints ?? []) taint.timeAdded ??= timestamp(context.now)
  }
  dropGated(devices, old?.spec?.devices ?? [], context)
}

/** Gated fields go, unless the stored slice uses them already. */
function dropGated(devices: readonly ResourceV1Device[], old: readonly ResourceV1Device[], context: WriteContext): void {
  const { feature } = context.env.settings
  if (!feature('DRAListTypeAttributes') && !old.some(hasLists)) devices.forEach(dropLists)
  if (!feature('DRANodeAllocatableResources') && !old.some((device) => device.nodeAllocatableResourceMappings)) {
    for (const device of devices) device.nodeAllocatableResourceMappings = undefined
  }
}

function hasLists(device: ResourceV1Device): boolean {
  return Object.values(device.attributes ?? {}).some((a) => a.ints ?? a.bools ?? a.strings ?? a.versions)
}

function dropLists(device: ResourceV1Device): void {
  for (const attribute of Object.values(device.attributes ?? {})) {
    attribute.ints = undefined
    attribute.bools = undefined
    attribute.strings = undefined
    attribute.versions = undefined
  }
}

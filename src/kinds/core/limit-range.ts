import type { CoreV1LimitRange, CoreV1LimitRangeItem } from '../../generated/types.ts'
import { metaOf } from '../../machinery/object.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateLimitRange } from './limit-range-validation.ts'
import { type ResourceList, roundResources } from './pod-spec-defaults.ts'

export const limitRange = defineKind<CoreV1LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  resource: 'limitranges',
  shortNames: ['limits'],
  updateSkipsMetadata: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.LimitRange',
  createOnUpdate: true,
  defaults(range) {
    for (const item of range.spec?.limits ?? []) defaultItem(item)
  },
  validate: validateLimitRange,
  prepareForCreate(range) {
    // Unlike any other kind, one without a name gets one.
    if (!range.metadata?.name) metaOf(range).name = crypto.randomUUID()
  },
})

/** For containers, limits that aren't given follow from those that are: default from max, defaultRequest from default and min. */
function defaultItem(item: CoreV1LimitRangeItem): void {
  if (item.type === 'Container') {
    const limits = { ...item.max, ...item.default }
    item.default = sorted(limits)
    item.defaultRequest = sorted({ ...item.min, ...limits, ...item.defaultRequest })
  }
  for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio]) roundResources(list)
}

function sorted(list: ResourceList): ResourceList | undefined {
  const keys = Object.keys(list).sort()
  return keys.length ? Object.fromEntries(keys.map((key) => [key, list[key]!])) : undefined
}

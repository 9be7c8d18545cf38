import type { SchedulingV1PriorityClass } from '../../generated/types.ts'
import { metaOf } from '../../machinery/object.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'

const SCHEMA = '@io.k8s.api.scheduling.v1.PriorityClass'

export const priorityClass = defineKind<SchedulingV1PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  resource: 'priorityclasses',
  shortNames: ['pc'],
  updateSkipsMetadata: true,
  scope: 'Cluster',
  schema: 'io.k8s.api.scheduling.v1.PriorityClass',
  defaults(object) {
    object.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  // Set once: no update counts as a change.
  prepareForCreate(object) {
    metaOf(object).generation = 1
  },
  columns: [
    column('Value', `${SCHEMA}.value`, (object) => object.value ?? 0, { type: 'integer' }),
    column('Global-Default', `${SCHEMA}.globalDefault`, (object) => object.globalDefault ?? false, { type: 'boolean' }),
    age,
    column('PreemptionPolicy', `${SCHEMA}.preemptionPolicy`, (object) => object.preemptionPolicy ?? ''),
  ],
})

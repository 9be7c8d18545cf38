import type { SchedulingV1PriorityClass } from '../../generated/types.ts'
import { type FieldError, forbiddenField } from '../../machinery/field-errors.ts'
import { metaOf } from '../../machinery/object.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { mustChoose } from '../core/pod-field-rules.ts'
import { immutable } from '../core/rules.ts'

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
  validate,
  validateUpdate: (object, old) => [
    ...((object.value ?? 0) === (old.value ?? 0) ? [] : [forbiddenField('value', 'may not be changed in an update.')]),
    ...immutable('preemptionPolicy', object.preemptionPolicy, old.preemptionPolicy),
  ],
  undeletable: (name) =>
    Object.hasOwn(SYSTEM_CLASSES, name) ? 'this is a system priority class and cannot be deleted' : undefined,
  columns: [
    column('Value', `${SCHEMA}.value`, (object) => object.value ?? 0, { type: 'integer' }),
    column('Global-Default', `${SCHEMA}.globalDefault`, (object) => object.globalDefault ?? false, { type: 'boolean' }),
    age,
    column('PreemptionPolicy', `${SCHEMA}.preemptionPolicy`, (object) => object.preemptionPolicy ?? ''),
  ],
})

const SYSTEM_PREFIX = 'system-'
const MAX_VALUE = 1_000_000_000
/** The classes that the server itself makes. */
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  'system-node-critical': 2 * MAX_VALUE + 1000,
  'system-cluster-critical': 2 * MAX_VALUE,
}

function validate({ metadata, value = 0, globalDefault = false, preemptionPolicy }: SchedulingV1PriorityClass): FieldError[] {
  const errors: FieldError[] = []
  const name = metadata?.name ?? ''
  if (name.startsWith(SYSTEM_PREFIX)) {
    const problem = systemProblem(name, value, globalDefault)
    const detail = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${problem}`
    if (problem) errors.push(forbiddenField('metadata.name', detail))
  } else if (value > MAX_VALUE) {
    errors.push(forbiddenField('value', `maximum allowed value of a user defined priority is ${MAX_VALUE}`))
  }
  return [...errors, ...mustChoose('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never'])]
}

function systemProblem(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = SYSTEM_CLASSES[name]
  if (known === undefined) return `${name} is not a known system priority class`
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

import type { BatchV1Job, BatchV1JobSpec, CoreV1PodTemplateSpec } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { internalForm } from '../../machinery/internal-form.ts'
import { equal, type JsonObject } from '../../machinery/json.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { parsed } from '../apps/selector-rules.ts'
import { validateTemplate } from '../core/pod-validation.ts'
import { immutable, notNegative } from '../core/rules.ts'
import { jobLabels } from './job-selector.ts'

export function validateJob(job: BatchV1Job, context: WriteContext): FieldError[] {
  const spec = job.spec ?? {}
  const errors = [...validateGeneratedSelector(job), ...validateJobSpec(spec, 'spec', context)]
  if (!spec.selector) errors.push(required('spec.selector'))
  else errors.push(...validateLabelSelector(spec.selector as LabelSelectorObject, 'spec.selector'))
  // However the selector came about, it must match the pods.
  const labels = spec.template?.metadata?.labels
  if (parsed(spec.selector)?.matches(labels) === false) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  return errors
}

/** The selector and labels that the server makes must be as it makes them. */
function validateGeneratedSelector({ metadata, spec = {} }: BatchV1Job): FieldError[] {
  if (spec.manualSelector || !spec.selector) return []
  const errors: FieldError[] = []
  const labels = spec.template?.metadata?.labels
  const expected = jobLabels(metadata?.name ?? '', metadata?.uid ?? '')
  for (const [key, value] of Object.entries(expected)) {
    const field = `spec.template.metadata.labels[${key}]`
    if (labels?.[key] === undefined) errors.push(required(field, `must be '${value}'`))
    else if (labels[key] !== value) errors.push(invalid(field, labels, `must be '${value}'`))
  }
  if (parsed(spec.selector)?.matches(expected) === false) {
    errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'))
  }
  return errors
}

const RESTART_POLICIES = ['OnFailure', 'Never']

/** Rules of a job's spec, wherever it stands. */
export function validateJobSpec(spec: BatchV1JobSpec, path: string, context: WriteContext): FieldError[] {
  const errors = notNegative(spec, path, [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ])
  errors.push(...validateTemplate(spec.template, `${path}.template`, context))
  const restartPolicy = spec.template?.spec?.restartPolicy
  const field = `${path}.template.spec.restartPolicy`
  // The pod's default isn't one of the job's.
  if (!restartPolicy || restartPolicy === 'Always') errors.push(required(field, 'valid values: "OnFailure", "Never"'))
  else if (!RESTART_POLICIES.includes(restartPolicy)) errors.push(notSupported(field, restartPolicy, RESTART_POLICIES))
  return errors
}

const UNCHANGEABLE = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const satisfies (keyof BatchV1JobSpec)[]

export function validateJobUpdate(job: BatchV1Job, old: BatchV1Job, context: WriteContext): FieldError[] {
  const spec = job.spec ?? {}
  const before = old.spec ?? {}
  return [
    ...validateJob(job, context),
    ...validateCompletions(spec, before),
    ...immutableTemplate(
      spec.template,
      isWaiting(old) ? withNewDirectives(before.template, spec.template) : before.template,
      context,
    ),
    ...UNCHANGEABLE.flatMap((field) => immutable(`spec.${field}`, spec[field], before[field])),
  ]
}

function immutableTemplate(
  template: CoreV1PodTemplateSpec | undefined,
  old: CoreV1PodTemplateSpec | undefined,
  { env }: WriteContext,
): FieldError[] {
  if (equal(template, old)) return []
  const value = env.facts ? internalForm(env.facts, 'io.k8s.api.core.v1.PodTemplateSpec', template as JsonObject) : template
  return [invalid('spec.template', value, 'field is immutable')]
}

/** Only indexed jobs scale, and only as a whole. */
function validateCompletions(spec: BatchV1JobSpec, before: BatchV1JobSpec): FieldError[] {
  const { completions } = spec
  if (before.completionMode !== 'Indexed') return immutable('spec.completions', completions, before.completions)
  if (completions === before.completions) return []
  if (completions !== undefined && completions === spec.parallelism && before.completions === before.parallelism) return []
  return [invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism')]
}

/** Suspended, and not started yet or stopped again. */
function isWaiting({ spec, status }: BatchV1Job): boolean {
  if (!spec?.suspend) return false
  const stopped = status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'True')
  return !status?.startTime || Boolean(stopped && !status.active)
}

/** The old template with what may change while no pod runs taken from the new one: where pods go, and what they need (KEP-2926). */
function withNewDirectives(
  old: CoreV1PodTemplateSpec | undefined,
  template: CoreV1PodTemplateSpec | undefined,
): CoreV1PodTemplateSpec {
  const { labels, annotations } = template?.metadata ?? {}
  const { nodeSelector, tolerations, schedulingGates, affinity } = template?.spec ?? {}
  const restored = {
    ...old?.spec,
    nodeSelector,
    tolerations,
    schedulingGates,
    affinity: withAffinity(old?.spec?.affinity, affinity),
  }
  for (const kind of ['containers', 'initContainers'] as const) {
    const now = template?.spec?.[kind]
    if (now?.length === restored[kind]?.length) {
      restored[kind] = restored[kind]?.map((container, i) => ({ ...container, resources: now?.[i]?.resources }))
    }
  }
  return { ...old, metadata: { ...old?.metadata, labels, annotations }, spec: restored }
}

type Affinity = NonNullable<NonNullable<CoreV1PodTemplateSpec['spec']>['affinity']>

/** Of affinities only the node's may change. */
function withAffinity(old: Affinity | undefined, now: Affinity | undefined): Affinity | undefined {
  const { podAffinity, podAntiAffinity } = old ?? {}
  if (!now && !podAffinity && !podAntiAffinity) return undefined
  return { nodeAffinity: now?.nodeAffinity, podAffinity, podAntiAffinity }
}

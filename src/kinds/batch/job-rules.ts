import type { BatchV1Job, BatchV1JobSpec, CoreV1PodTemplateSpec } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { isDns1123Label } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { parsed } from '../apps/selector-rules.ts'
import { immutable, printed } from '../core/rules.ts'
import { jobLabels, olderJobLabels } from './job-selector.ts'
import { validateSelectingSpec } from './job-spec-rules.ts'

export function validateJob(job: BatchV1Job, context: WriteContext): FieldError[] {
  const { metadata, spec = {} } = job
  return [
    ...validateGeneratedSelector(job, jobLabels(metadata?.name ?? '', metadata?.uid ?? '')),
    ...validateSelectingSpec(spec, context),
    ...validateHostNames(job),
  ]
}

/** The pods of an indexed job get host names of its name and their index. */
function validateHostNames({ metadata, spec }: BatchV1Job): FieldError[] {
  if (spec?.completionMode !== 'Indexed' || !((spec.completions ?? 0) > 0)) return []
  const name = metadata?.name ?? ''
  const last = `${name}-${spec.completions! - 1}`
  if (!isDns1123Label(last).length) return []
  return [invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${last}`)]
}

/** The selector and labels that the server makes must be as it makes them. */
function validateGeneratedSelector({ spec = {} }: BatchV1Job, expected: Record<string, string>): FieldError[] {
  if (spec.manualSelector || !spec.selector) return []
  const errors: FieldError[] = []
  const labels = spec.template?.metadata?.labels
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

export function validateJobUpdate(job: BatchV1Job, old: BatchV1Job, context: WriteContext): FieldError[] {
  const { metadata, spec = {} } = job
  const before = old.spec ?? {}
  const ofSpec = validateSelectingSpec(spec, context)
  const kept = <F extends keyof BatchV1JobSpec>(field: F, type?: string): FieldError[] => {
    if (equal(spec[field], before[field])) return []
    const value = type ? printed(spec[field] as object | undefined, type, context) : spec[field]
    return [invalid(`spec.${field}`, value, 'field is immutable')]
  }
  const labels = hasJobLabels(old) ? jobLabels : olderJobLabels
  return [
    ...validateGeneratedSelector(job, labels(metadata?.name ?? '', metadata?.uid ?? '')),
    ...ofSpec,
    ...validateHostNames(job),
    // Twice, as an object and as an update of one.
    ...ofSpec,
    ...validateCompletions(spec, before),
    ...kept('selector'),
    ...validateTemplateUpdate(old, spec.template, context),
    ...kept('completionMode'),
    ...kept('podFailurePolicy', 'io.k8s.api.batch.v1.PodFailurePolicy'),
    ...kept('backoffLimitPerIndex'),
    ...kept('managedBy'),
    ...kept('successPolicy', 'io.k8s.api.batch.v1.SuccessPolicy'),
  ]
}

/** Jobs of long ago lack the newer labels. */
function hasJobLabels({ spec }: BatchV1Job): boolean {
  const labels = spec?.template?.metadata?.labels
  const older = olderJobLabels('', '')
  return Object.keys(jobLabels('', '')).every((key) => key in older || labels?.[key] !== undefined)
}

function validateTemplateUpdate(
  job: BatchV1Job,
  template: CoreV1PodTemplateSpec | undefined,
  context: WriteContext,
): FieldError[] {
  const old = job.spec?.template
  if (!isWaiting(job)) {
    if (equal(template, old)) return []
    return [invalid('spec.template', printed(template, 'io.k8s.api.core.v1.PodTemplateSpec', context), 'field is immutable')]
  }
  if (equal(template?.spec, withNewDirectives(old, template).spec)) return []
  const value = printed(template?.spec, 'io.k8s.api.core.v1.PodSpec', context)
  return [invalid('spec.template.spec', value, 'field is immutable')]
}

/** Only indexed jobs scale, and only as a whole. */
function validateCompletions(spec: BatchV1JobSpec, before: BatchV1JobSpec): FieldError[] {
  const { completions } = spec
  if (spec.completionMode !== 'Indexed') return immutable('spec.completions', completions, before.completions)
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

import type { BatchV1Job, BatchV1JobSpec } from '../../generated/types.ts'
import { validateLabels } from '../../machinery/label-validation.ts'
import { metaOf } from '../../machinery/object.ts'
import { defaultPodTemplate } from '../core/pod-spec-defaults.ts'

export function defaultJob(job: BatchV1Job): void {
  job.spec ??= {}
  const { spec } = job
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  if (spec.backoffLimit === undefined) spec.backoffLimit = spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1
  defaultJobSpec(spec)
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  spec.manualSelector ??= false
  // The very same map: labels that are added to the template show on the job, too.
  takeTemplateLabels(job)
}

/** What a CronJob's template of a job gets, too. */
export function defaultJobSpec(spec: BatchV1JobSpec): void {
  spec.template ??= {}
  defaultPodTemplate(spec.template)
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) if (!pattern.status) pattern.status = 'True'
  }
}

/** A job without labels of its own takes its template's, also those that creation adds: defaults apply to what is read back, too. */
export function takeTemplateLabels(job: BatchV1Job): void {
  const labels = job.spec?.template?.metadata?.labels
  // Bad ones are told of once, where they are.
  if (labels && !validateLabels(labels, '').length && !Object.keys(job.metadata?.labels ?? {}).length) metaOf(job).labels = labels
}

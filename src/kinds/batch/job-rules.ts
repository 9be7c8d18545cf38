import type { BatchV1Job, BatchV1JobSpec } from '../../generated/types.ts'
import { type FieldError, notSupported, required } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from '../core/pod-validation.ts'
import { immutable, notNegative } from '../core/rules.ts'

const RESTART_POLICIES = ['OnFailure', 'Never']

export function validateJob(job: BatchV1Job, context: WriteContext): FieldError[] {
  const spec = job.spec ?? {}
  const errors = validateJobSpec(spec, 'spec', context)
  if (!spec.selector) errors.unshift(required('spec.selector'))
  return errors
}

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
  if (restartPolicy === 'Always') {
    errors.push({ ...notSupported(`${path}.template.spec.restartPolicy`, 'Always', RESTART_POLICIES) })
  }
  return errors
}

export function validateJobUpdate(job: BatchV1Job, old: BatchV1Job, context: WriteContext): FieldError[] {
  const spec = job.spec ?? {}
  const before = old.spec ?? {}
  const errors = validateJob(job, context)
  if (spec.completionMode !== 'Indexed' || before.completionMode !== 'Indexed') {
    errors.push(...immutable('spec.completions', spec.completions, before.completions))
  }
  return [
    ...errors,
    ...immutable('spec.selector', spec.selector, before.selector),
    ...immutable('spec.template', spec.template, before.template),
    ...immutable('spec.completionMode', spec.completionMode, before.completionMode),
    ...immutable('spec.podFailurePolicy', spec.podFailurePolicy, before.podFailurePolicy),
    ...immutable('spec.backoffLimitPerIndex', spec.backoffLimitPerIndex, before.backoffLimitPerIndex),
    ...immutable('spec.managedBy', spec.managedBy, before.managedBy),
    ...immutable('spec.successPolicy', spec.successPolicy, before.successPolicy),
  ]
}

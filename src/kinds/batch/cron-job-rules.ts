import type { BatchV1CronJob } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { notNegative } from '../core/rules.ts'
import { validateJobSpec } from './job-rules.ts'

const POLICIES = ['Allow', 'Forbid', 'Replace']
/** What is left of a name when a job's suffix is added. */
const MAX_NAME = 52

export function validateCronJob(cronJob: BatchV1CronJob, context: WriteContext): FieldError[] {
  const errors = validateCronJobUpdate(cronJob, undefined, context)
  const name = cronJob.metadata?.name ?? ''
  if (name.length > MAX_NAME) errors.push(invalid('metadata.name', name, `must be no more than ${MAX_NAME} characters`))
  return errors
}

export function validateCronJobUpdate(
  { spec = {} }: BatchV1CronJob,
  old: BatchV1CronJob | undefined,
  context: WriteContext,
): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.schedule) errors.push(required('spec.schedule'))
  else if (spec.schedule.includes('TZ') && spec.schedule !== old?.spec?.schedule) {
    errors.push(invalid('spec.schedule', spec.schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
  }
  errors.push(...notNegative(spec, 'spec', ['startingDeadlineSeconds']))
  if (!spec.concurrencyPolicy) errors.push(required('spec.concurrencyPolicy'))
  else if (!POLICIES.includes(spec.concurrencyPolicy)) {
    errors.push(notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, POLICIES))
  }
  const jobSpec = spec.jobTemplate?.spec ?? {}
  errors.push(...validateJobSpec(jobSpec, 'spec.jobTemplate.spec', context))
  errors.push(...notNegative(spec, 'spec', ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit']))
  return errors
}

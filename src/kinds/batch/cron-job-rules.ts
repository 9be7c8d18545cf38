import type { BatchV1CronJob, BatchV1CronJobSpec } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import { notNegative } from '../core/rules.ts'
import { isTimeZone, scheduleError } from './cron-schedule.ts'
import { validateJobSpec } from './job-spec-rules.ts'

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
  const errors = validateSchedule(spec, old?.spec)
  errors.push(...notNegative(spec, 'spec', ['startingDeadlineSeconds']))
  if (!spec.concurrencyPolicy) errors.push(required('spec.concurrencyPolicy'))
  else if (!POLICIES.includes(spec.concurrencyPolicy)) {
    errors.push(notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, POLICIES))
  }
  const jobSpec = spec.jobTemplate?.spec ?? {}
  if (jobSpec.manualSelector) {
    errors.push(notSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']))
  }
  errors.push(...validateJobSpec(jobSpec, 'spec.jobTemplate.spec', context))
  errors.push(...notNegative(spec, 'spec', ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit']))
  return errors
}

/** A zone in the schedule itself was allowed once. */
function validateSchedule(spec: BatchV1CronJobSpec, old: BatchV1CronJobSpec | undefined): FieldError[] {
  const { schedule, timeZone } = spec
  if (!schedule) return [required('spec.schedule'), ...validateTimeZone(timeZone)]
  const errors: FieldError[] = []
  const problem = scheduleError(schedule)
  if (problem) errors.push(invalid('spec.schedule', schedule, problem))
  if (schedule.includes('TZ')) {
    if (schedule !== old?.schedule) {
      errors.push(invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
    } else if (timeZone !== undefined) {
      errors.push(invalid('spec.schedule', schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
    }
  }
  return [...errors, ...validateTimeZone(timeZone)]
}

function validateTimeZone(timeZone: string | undefined): FieldError[] {
  const field = 'spec.timeZone'
  if (timeZone === undefined) return []
  if (!timeZone) return [invalid(field, timeZone, 'timeZone must be nil or non-empty string')]
  const errors: FieldError[] = []
  if (timeZone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
    errors.push(invalid(field, timeZone, detail))
  }
  if (!isTimeZone(timeZone)) errors.push(invalid(field, timeZone, `unknown time zone ${timeZone}`))
  return errors
}

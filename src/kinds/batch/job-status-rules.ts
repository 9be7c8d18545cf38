import type { BatchV1Job } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { notNegative } from '../core/rules.ts'

type Status = NonNullable<BatchV1Job['status']>

const has = (status: Status, type: string): boolean =>
  status.conditions?.some((c) => c.type === type && c.status === 'True') ?? false

/** An invalid value that the message doesn't print. */
const contradiction = (detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field: 'status.conditions',
  message: `Invalid value: ${detail}`,
})

/** What a controller may report of a job, and how that may change. */
export function validateJobStatus(job: BatchV1Job, old: BatchV1Job): FieldError[] {
  const status = job.status ?? {}
  return [
    ...notNegative(status, 'status', ['active', 'succeeded', 'failed', 'ready', 'terminating']),
    ...validateOutcome(status),
    ...validateProgress(job, status, old.status ?? {}),
  ]
}

function validateOutcome(status: Status): FieldError[] {
  const errors: FieldError[] = []
  const { startTime, completionTime, active = 0, ready = 0 } = status
  const [complete, failed] = [has(status, 'Complete'), has(status, 'Failed')]
  if (complete && failed) errors.push(contradiction('cannot set Complete=True and Failed=true conditions'))
  if (complete && has(status, 'FailureTarget')) {
    errors.push(contradiction('cannot set Complete=True and FailureTarget=true conditions'))
  }
  if (completionTime && !complete) {
    errors.push(
      invalid('status.completionTime', completionTime, 'cannot set completionTime when there is no Complete=True condition'),
    )
  }
  if (!completionTime && complete) errors.push(required('status.completionTime', 'completionTime is required for Complete jobs'))
  if (startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime)) {
    errors.push(invalid('status.completionTime', completionTime, 'completionTime cannot be set before startTime'))
  }
  if (failed && !has(status, 'FailureTarget')) {
    errors.push(contradiction('cannot set Failed=True condition without the FailureTarget=true condition'))
  }
  if (complete && !has(status, 'SuccessCriteriaMet')) {
    errors.push(contradiction('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'))
  }
  if (complete || failed) {
    if (active > 0) errors.push(invalid('status.active', active, 'active>0 is invalid for finished job'))
    if (!startTime) errors.push(required('status.startTime', 'startTime is required for finished job'))
  }
  if (ready > active) errors.push(invalid('status.ready', ready, 'cannot set more ready pods than active'))
  return errors
}

function validateProgress(job: BatchV1Job, status: Status, before: Status): FieldError[] {
  const errors: FieldError[] = []
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (has(before, type) && !has(status, type)) errors.push(contradiction(`cannot disable the terminal ${type}=True condition`))
  }
  for (const counter of ['failed', 'succeeded'] as const) {
    const value = status[counter] ?? 0
    if (value < (before[counter] ?? 0)) errors.push(invalid(`status.${counter}`, value, `cannot decrease the ${counter} counter`))
  }
  const { completionTime, startTime } = status
  if (before.completionTime && completionTime && completionTime !== before.completionTime) {
    errors.push(invalid('status.completionTime', completionTime, 'completionTime cannot be mutated'))
  }
  if (before.startTime && startTime !== before.startTime && !job.spec?.suspend) {
    errors.push(invalid('status.startTime', startTime, 'field is immutable for unsuspended job once set'))
  }
  return errors
}

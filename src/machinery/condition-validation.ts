import type { MetaV1Condition } from '../generated/types.ts'
import { duplicate, type FieldError, invalid, notSupported, required, tooLong } from './field-errors.ts'
import { byteLength, isQualifiedName, regexError } from './validation.ts'

const STATUSES = ['False', 'True', 'Unknown']
const MAX_REASON = 1024
const MAX_MESSAGE = 32 * 1024
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'
const reasonPattern = new RegExp(`^${REASON}$`)
const REASON_MESSAGE = regexError(
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  REASON,
  'my_name',
  'MY_NAME',
  'MyName',
  'ReasonA,ReasonB',
  'ReasonA:ReasonB',
)

/** Conditions of the common form, one of each type. */
export function validateConditions(conditions: readonly MetaV1Condition[] | undefined, path: string): FieldError[] {
  const types = new Set<string>()
  return (conditions ?? []).flatMap((condition, i) => {
    const { type = '' } = condition
    const errors = types.has(type) ? [duplicate(`${path}[${i}].type`, type)] : []
    types.add(type)
    return [...errors, ...validateCondition(condition, `${path}[${i}]`)]
  })
}

function validateCondition(condition: MetaV1Condition, path: string): FieldError[] {
  const { type = '', status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' } = condition
  const errors = isQualifiedName(type).map((detail) => invalid(`${path}.type`, type, detail))
  if (!STATUSES.includes(status)) errors.push(notSupported(`${path}.status`, status, STATUSES))
  if (observedGeneration < 0) {
    errors.push(invalid(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'))
  }
  if (!lastTransitionTime) errors.push(required(`${path}.lastTransitionTime`, 'must be set'))
  if (!reason) errors.push(required(`${path}.reason`, 'must be set'))
  else {
    if (!reasonPattern.test(reason)) errors.push(invalid(`${path}.reason`, reason, REASON_MESSAGE))
    if (byteLength(reason) > MAX_REASON) errors.push(tooLong(`${path}.reason`, MAX_REASON))
  }
  if (byteLength(message) > MAX_MESSAGE) errors.push(tooLong(`${path}.message`, MAX_MESSAGE))
  return errors
}

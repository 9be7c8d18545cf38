import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { isValidPercent } from '../../machinery/validation.ts'
import { NOT_NEGATIVE } from '../core/rules.ts'

type IntOrString = number | string

/** A count of zero and more, or a percentage. */
export function validateCountOrPercent(path: string, value: IntOrString | undefined): FieldError[] {
  if (value === undefined) return []
  if (typeof value === 'number') return value < 0 ? [invalid(path, value, NOT_NEGATIVE)] : []
  return isValidPercent(value).map((message) => invalid(path, value, message))
}

export function atMost100Percent(path: string, value: IntOrString | undefined): FieldError[] {
  return percentOf(value) > 100 ? [invalid(path, value, 'must not be greater than 100%')] : []
}

function percentOf(value: IntOrString | undefined): number {
  return typeof value === 'string' && /^[0-9]+%$/.test(value) ? Number.parseInt(value, 10) : 0
}

/** The number, whether it is a count or a percentage. */
export const amountOf = (value: IntOrString | undefined): number => (typeof value === 'number' ? value : percentOf(value))

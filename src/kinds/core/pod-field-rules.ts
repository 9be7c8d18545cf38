import { type FieldError, invalid, notSupported, required, tooLong } from '../../machinery/field-errors.ts'
import {
  byteLength,
  inclusiveRangeError,
  isDns1123Subdomain,
  isQualifiedName,
  type Messages,
} from '../../machinery/validation.ts'

// Rules that return what is wrong with a field. `field-checks.ts` has those for pod specs, which make nothing when nothing is wrong.

/** One error for each message of a check of a text. */
export const checked = (field: string, value: string, check: (value: string) => Messages): FieldError[] =>
  check(value).map((message) => invalid(field, value, message))

/** A text that must be there. */
export const present = (field: string, value: string | undefined): FieldError[] => (value ? [] : [required(field)])

/** The name of another object, which must be there. */
export const objectName = (field: string, name: string | undefined): FieldError[] =>
  name ? checked(field, name, isDns1123Subdomain) : [required(field)]

/** One of a few values; an absent one is fine. */
export const choice = (field: string, value: string | undefined, values: readonly string[]): FieldError[] =>
  value === undefined || values.includes(value) ? [] : [notSupported(field, value, values)]

/** One of a few values, which must be there. */
export const mustChoose = (field: string, value: string | undefined, values: readonly string[]): FieldError[] =>
  value ? choice(field, value, values) : [required(field)]

/** A number in a range; an absent one is fine. */
export const within = (field: string, value: number | undefined, low: number, high: number): FieldError[] =>
  value === undefined || (value >= low && value <= high) ? [] : [invalid(field, value, inclusiveRangeError(low, high))]

/** The name of a label. */
export const labelName = (field: string, name: string): FieldError[] => checked(field, name, isQualifiedName)

/** Whether a part of a path leads up. */
export const hasBacksteps = (path: string): boolean => path.includes('..') && path.split('/').includes('..')

function withoutBacksteps(field: string, path: string): FieldError[] {
  return hasBacksteps(path) ? [invalid(field, path, "must not contain '..'")] : []
}

/** A path on a host. */
export const hostPath = withoutBacksteps

/** A path below a directory. */
export function descendingPath(field: string, path: string): FieldError[] {
  const errors = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : []
  return [...errors, ...withoutBacksteps(field, path)]
}

const MAX_DRIVER = 63

/** The name of a storage driver. */
export function driverName(field: string, name: string): FieldError[] {
  if (!name) return [required(field)]
  const errors = byteLength(name) > MAX_DRIVER ? [tooLong(field, MAX_DRIVER)] : []
  for (const message of isDns1123Subdomain(name.toLowerCase())) errors.push(invalid(field, name, message))
  return errors
}

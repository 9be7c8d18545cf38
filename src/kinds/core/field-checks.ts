import { addMessages, type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import {
  inclusiveRangeError,
  isDns1123Subdomain,
  isQualifiedName,
  isValidPortName,
  isValidPortNum,
  type Messages,
} from '../../machinery/validation.ts'
import { hasBacksteps } from './pod-field-rules.ts'

// Checks that add what is wrong to `errors`: the rules of pod specs, which are by far the most that is validated. The field is `name` of
// what stands at `at`; its path is put together only when there is something to tell, since nearly always there isn't.

/** One error for each message of a check of a text. */
export function checkText(
  errors: FieldError[],
  at: string,
  name: string,
  value: string,
  check: (value: string) => Messages,
): void {
  const messages = check(value)
  if (messages.length) addMessages(errors, `${at}.${name}`, value, messages)
}

/** The name of a label. */
export function checkLabelName(errors: FieldError[], at: string, name: string, value: string): void {
  checkText(errors, at, name, value, isQualifiedName)
}

/** A text that must be there. */
export function checkPresent(errors: FieldError[], at: string, name: string, value: string | undefined): void {
  if (!value) errors.push(required(`${at}.${name}`))
}

/** A text that must be there, and right. */
export function checkNeeded(
  errors: FieldError[],
  at: string,
  name: string,
  value: string | undefined,
  check: (value: string) => Messages,
): void {
  if (value) checkText(errors, at, name, value, check)
  else errors.push(required(`${at}.${name}`))
}

/** The name of another object, which must be there. */
export function checkObjectName(errors: FieldError[], at: string, name: string, value: string | undefined): void {
  checkNeeded(errors, at, name, value, isDns1123Subdomain)
}

/** One of a few values; an absent one is fine. */
export function checkChoice(
  errors: FieldError[],
  at: string,
  name: string,
  value: string | undefined,
  values: readonly string[],
): void {
  if (value !== undefined && !values.includes(value)) errors.push(notSupported(`${at}.${name}`, value, values))
}

/** One of a few values, which must be there. */
export function checkNeededChoice(
  errors: FieldError[],
  at: string,
  name: string,
  value: string | undefined,
  values: readonly string[],
): void {
  if (value) checkChoice(errors, at, name, value, values)
  else errors.push(required(`${at}.${name}`))
}

/** A number in a range; an absent one is fine. */
export function checkRange(
  errors: FieldError[],
  at: string,
  name: string,
  value: number | undefined,
  low: number,
  high: number,
): void {
  if (value === undefined || (value >= low && value <= high)) return
  errors.push(invalid(`${at}.${name}`, value, inclusiveRangeError(low, high)))
}

/** The number of a port, or the name of one. */
export function checkPort(errors: FieldError[], at: string, name: string, port: number | string | undefined): void {
  const messages = typeof port === 'string' ? isValidPortName(port) : isValidPortNum(port ?? 0)
  if (messages.length) addMessages(errors, `${at}.${name}`, port ?? 0, messages)
}

/** The permissions of a file. */
export function checkFileMode(errors: FieldError[], at: string, name: string, mode: number | undefined): void {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return
  errors.push(invalid(`${at}.${name}`, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
}

/** A path below a directory in which names that start with two dots are the kubelet's. */
export function checkUnreservedPath(errors: FieldError[], at: string, name: string, path: string): void {
  if (path.startsWith('/')) errors.push(invalid(`${at}.${name}`, path, 'must be a relative path'))
  if (hasBacksteps(path)) errors.push(invalid(`${at}.${name}`, path, "must not contain '..'"))
  if (path.startsWith('..') && !path.startsWith('../')) {
    errors.push(invalid(`${at}.${name}`, path, "must not start with '..'"))
  }
}

/** Checks each item of a list, if there is one. `surroundings` is what the check needs to know besides. */
export function checkEach<T, S>(
  errors: FieldError[],
  at: string,
  name: string,
  list: readonly T[] | undefined,
  check: (errors: FieldError[], item: T, at: string, surroundings: S) => void,
  surroundings: S,
): void {
  if (!list) return
  for (let i = 0; i < list.length; i++) check(errors, list[i]!, `${at}.${name}[${i}]`, surroundings)
}

/** For finding what a list has twice. One item alone has no twin. */
export const setFor = (list: readonly unknown[]): Set<string> | undefined => (list.length > 1 ? new Set() : undefined)

import { stringifyJson } from './go-json.ts'
import { goQuote as quote } from './go-text.ts'
import { type GroupKind, qualified, StatusError } from './status.ts'

export { goQuote as quote } from './go-text.ts'

/** One thing wrong with one field, as validation reports it. `message` is without the field's path. */
export interface FieldError {
  readonly reason: string
  readonly field: string
  readonly message: string
}

/** What Go's encoder escapes in strings, which is the only place for it in JSON. */
const HTML = /[<>&\u2028\u2029]/g
const escapeHtml = (json: string): string => json.replace(HTML, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Prints a value the way the reference's messages do: strings quoted, objects as JSON. */
export function printValue(value: unknown): string {
  if (value === undefined || value === null) return 'null'
  return typeof value === 'string' ? quote(value) : escapeHtml(stringifyJson(value))
}

const withDetail = (head: string, detail: string | undefined): string => (detail ? `${head}: ${detail}` : head)

export const required = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  field,
  message: withDetail('Required value', detail),
})

export const invalid = (field: string, value: unknown, detail = ''): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: withDetail(`Invalid value: ${printValue(value)}`, detail),
})

export const typeInvalid = (field: string, value: unknown, detail = ''): FieldError => ({
  reason: 'FieldValueTypeInvalid',
  field,
  message: withDetail(`Invalid value: ${printValue(value)}`, detail),
})

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  field,
  message: withDetail(
    `Unsupported value: ${printValue(value)}`,
    supported.length ? `supported values: ${supported.map((v) => quote(v)).join(', ')}` : '',
  ),
})

export const forbiddenField = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  field,
  message: withDetail('Forbidden', detail),
})

export const duplicate = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${printValue(value)}`,
})

export const fieldNotFound = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueNotFound',
  field,
  message: `Not found: ${printValue(value)}`,
})

export const tooLong = (field: string, maxLength: number): FieldError => ({
  reason: 'FieldValueTooLong',
  field,
  message: maxLength >= 0 ? `Too long: may not be more than ${maxLength} bytes` : 'Too long: value is too long',
})

export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  reason: 'FieldValueTooMany',
  field,
  message: max >= 0 ? `Too many: ${actual}: must have at most ${max} item${max === 1 ? '' : 's'}` : 'Too many',
})

export const internalFieldError = (field: string, detail: string): FieldError => ({
  reason: 'InternalError',
  field,
  message: `Internal error: ${detail}`,
})

/** One error for each message of a check of a value. */
export function addMessages(errors: FieldError[], field: string, value: unknown, messages: readonly string[]): void {
  // Nearly always there is none: not even an iterator is made for that.
  if (messages.length === 0) return
  for (const message of messages) errors.push(invalid(field, value, message))
}

/** The 422 that lists what validation found. */
export function invalidObject(kind: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const lines = [...new Set(errors.map((e) => `${e.field}: ${e.message}`))]
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  return new StatusError(422, 'Invalid', `${qualified(kind)} ${quote(name)} is invalid: ${list}`, {
    ...(name ? { name } : {}),
    ...(kind.group ? { group: kind.group } : {}),
    ...(kind.kind ? { kind: kind.kind } : {}),
    causes: errors.map((e) => ({ reason: e.reason, message: e.message, field: e.field })),
  })
}

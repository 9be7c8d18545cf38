import { type FieldError, forbiddenField, invalid, invalidObject, notSupported, required } from '../machinery/field-errors.ts'
import { isPrintable } from '../machinery/go-text.ts'
import type { JsonObject } from '../machinery/json.ts'
import { isTrue } from '../machinery/request-info.ts'
import { badRequest, type StatusError } from '../machinery/status.ts'
import type { FieldValidation } from './body.ts'

export interface WriteOptions {
  dryRun: boolean
  fieldManager: string
  fieldValidation: FieldValidation
  /** Apply's: take fields from whoever owns them. */
  force?: boolean
  /** As admission plugins see it. */
  object: JsonObject
}

/**
 * Reads CreateOptions, UpdateOptions or PatchOptions off the query.
 * @param how what PatchOptions are for: only apply may be forced, and it needs a manager
 * @throws StatusError 422
 */
export function writeOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  how: 'patch' | 'apply' = 'patch',
): WriteOptions {
  const errors: FieldError[] = []
  const dryRun = query.getAll('dryRun')
  const fieldManager = query.get('fieldManager') ?? ''
  const force = kind === 'PatchOptions' ? queryBoolean(query, 'force') : undefined
  if (how === 'apply') {
    if (!fieldManager) errors.push(required('fieldManager', 'is required for apply patch'))
  } else if (force !== undefined) errors.push(forbiddenField('force', 'may not be specified for non-apply patch'))
  checkFieldManager(fieldManager, errors)
  checkDryRun(dryRun, errors)
  const validation = query.get('fieldValidation') ?? ''
  if (validation !== '' && validation !== 'Ignore' && validation !== 'Warn' && validation !== 'Strict') {
    errors.push(notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  if (errors.length) throw optionsInvalid(kind, errors)
  return {
    dryRun: dryRun.includes('All'),
    fieldManager,
    ...(force === undefined ? {} : { force }),
    fieldValidation: (validation || 'Warn') as FieldValidation,
    object: {
      kind,
      apiVersion: 'meta.k8s.io/v1',
      ...(dryRun.length ? { dryRun } : {}),
      ...(force === undefined ? {} : { force }),
      ...(fieldManager ? { fieldManager } : {}),
      ...(validation ? { fieldValidation: validation } : {}),
    },
  }
}

export function optionsInvalid(kind: string, errors: readonly FieldError[]): StatusError {
  return invalidObject({ group: 'meta.k8s.io', kind }, '', errors)
}

export function checkDryRun(dryRun: readonly string[], errors: FieldError[]): void {
  if (dryRun.some((value) => value !== 'All')) errors.push(notSupported('dryRun', dryRun, ['All']))
}

const MAX_FIELD_MANAGER = 128

function checkFieldManager(manager: string, errors: FieldError[]): void {
  if (Buffer.byteLength(manager) > MAX_FIELD_MANAGER) {
    errors.push({
      reason: 'FieldValueTooLong',
      field: 'fieldManager',
      message: `Too long: may not be more than ${MAX_FIELD_MANAGER} bytes`,
    })
  }
  let position = 0
  for (const character of manager) {
    if (!isPrintable(character)) {
      const code = `U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`
      errors.push(invalid('fieldManager', manager, `invalid character ${code} (at position ${position})`))
    }
    position += Buffer.byteLength(character)
  }
}

/** An integer of a query, as Go's strconv reads it. @throws StatusError 400 */
export function queryInteger(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  if (/^[+-]?\d{1,18}$/.test(value)) return Number(value)
  const why = /^[+-]?\d+$/.test(value) ? 'value out of range' : 'invalid syntax'
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`)
}

export function queryBoolean(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  return value === null ? undefined : isTrue(value)
}

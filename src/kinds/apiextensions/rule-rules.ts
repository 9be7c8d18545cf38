import type { ApiextensionsV1ValidationRule } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { resolveFieldPath } from '../../machinery/json-schema/field-path.ts'
import type { Schema } from '../../machinery/json-schema/schema.ts'
import { structuralFault } from '../../machinery/json-schema/structural.ts'

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

const hasLineBreaks = (text: string): boolean => /[\n\r]/.test(text)

/** `x-kubernetes-validations`, all but whether they compile. */
export function ruleErrors(schema: Schema, path: string): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) => {
    const field = `${path}.x-kubernetes-validations[${i}]`
    const { messageExpression = '', reason } = rule
    const errors = textErrors(rule, field)
    if (messageExpression && messageExpression.trim() === '') {
      errors.push(required(`${field}.messageExpression`, 'messageExpression must be non-empty if specified'))
    }
    if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${field}.reason`, reason, REASONS))
    return [...errors, ...pathErrors(schema, rule.fieldPath ?? '', `${field}.fieldPath`)]
  })
}

function textErrors({ rule = '', message = '' }: ApiextensionsV1ValidationRule, field: string): FieldError[] {
  const text = message.trim()
  if (rule.trim() === '') return [required(`${field}.rule`, 'rule is not specified')]
  if (message && !text) return [invalid(`${field}.message`, message, 'must be non-empty if specified')]
  if (hasLineBreaks(text)) return [invalid(`${field}.message`, message, 'must not contain line breaks')]
  if (hasLineBreaks(rule.trim()) && !text) {
    return [required(`${field}.message`, 'message must be specified if rule contains line breaks')]
  }
  return []
}

function pathErrors(schema: Schema, path: string, field: string): FieldError[] {
  if (path === '') return []
  const errors: FieldError[] = []
  if (path.trim() === '') errors.push(invalid(field, path, 'must be non-empty if specified'))
  if (hasLineBreaks(path)) errors.push(invalid(field, path, 'must not contain line breaks'))
  if (!structuralFault(schema) && typeof resolveFieldPath(path, schema) === 'string') {
    errors.push(invalid(field, path, 'must be a valid path'))
  }
  return errors
}

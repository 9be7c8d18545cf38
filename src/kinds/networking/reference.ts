import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { isDns1123Subdomain, isPathSegmentName } from '../../machinery/validation.ts'

/** A reference to some object by group, kind and name. */
export function referenceErrors(field: string, ref: { apiGroup?: string | null; kind?: string; name?: string }): FieldError[] {
  const { apiGroup, kind = '', name = '' } = ref
  const errors: FieldError[] = []
  if (typeof apiGroup === 'string') {
    errors.push(...isDns1123Subdomain(apiGroup).map((message) => invalid(`${field}.apiGroup`, apiGroup, message)))
  }
  return [...errors, ...pathSegment(`${field}.kind`, kind), ...pathSegment(`${field}.name`, name)]
}

/** What has to be there and becomes part of a path. */
export function pathSegment(field: string, value: string): FieldError[] {
  if (value === '') return [required(field)]
  return isPathSegmentName(value).map((message) => invalid(field, value, message))
}

import type { CoreV1NodeSelector, CoreV1NodeSelectorRequirement, CoreV1NodeSelectorTerm } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { isDns1123Subdomain, isValidLabelValue } from '../../machinery/validation.ts'
import { checked, labelName } from './pod-field-rules.ts'

/** A selector that nodes must match: its values are values of labels. */
export function validateNodeSelector({ nodeSelectorTerms: terms }: CoreV1NodeSelector, path: string): FieldError[] {
  const at = `${path}.nodeSelectorTerms`
  // Absent terms are null.
  if (!terms?.length) return [required(at, 'must have at least one node selector term')]
  return terms.flatMap((term, i) => validateNodeTerm(term, `${at}[${i}]`, { anyValue: false }))
}

/** @param anyValue lets values pass that no label can have, as in preferences */
export function validateNodeTerm(
  { matchExpressions, matchFields }: CoreV1NodeSelectorTerm,
  path: string,
  { anyValue }: { anyValue: boolean },
): FieldError[] {
  const errors: FieldError[] = []
  matchExpressions?.forEach((requirement, i) => {
    const at = `${path}.matchExpressions[${i}]`
    errors.push(...validateOperator(requirement, at), ...labelName(`${at}.key`, requirement.key ?? ''))
    if (anyValue) return
    requirement.values?.forEach((value, j) => {
      errors.push(...checked(`${at}.values[${j}]`, value, isValidLabelValue))
    })
  })
  return [...errors, ...(matchFields ?? []).flatMap((requirement, i) => validateField(requirement, `${path}.matchFields[${i}]`))]
}

function validateOperator({ operator = '', values }: CoreV1NodeSelectorRequirement, path: string): FieldError[] {
  const count = values?.length ?? 0
  switch (operator) {
    case 'In':
    case 'NotIn':
      return count ? [] : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
    case 'Exists':
    case 'DoesNotExist':
      if (!count) return []
      return [forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
    case 'Gt':
    case 'Lt':
      return count === 1 ? [] : [required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")]
    default:
      return [invalid(`${path}.operator`, operator, 'not a valid selector operator')]
  }
}

function validateField({ key = '', operator = '', values }: CoreV1NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'))
  } else if (values?.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
    errors.push(required(`${path}.values`, detail))
  }
  if (key !== 'metadata.name') return [...errors, invalid(`${path}.key`, key, 'not a valid field selector key')]
  return [...errors, ...(values ?? []).flatMap((value, i) => checked(`${path}.values[${i}]`, value, isDns1123Subdomain))]
}

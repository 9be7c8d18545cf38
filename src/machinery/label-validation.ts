import { addMessages, type FieldError, forbiddenField, invalid, required, tooLong } from './field-errors.ts'
import type { LabelSelectorObject } from './label-selector.ts'
import { byteLength, isQualifiedName, isValidLabelValue } from './validation.ts'

type StringMap = Readonly<Record<string, string | undefined>>

/** All keys and values of an object's annotations together. */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024

/** @param path of the map; errors name the map, not the key */
export function validateLabels(labels: StringMap | undefined | null, path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const key in labels) {
    addMessages(errors, path, key, isQualifiedName(key))
    const value = labels[key] ?? ''
    addMessages(errors, path, value, isValidLabelValue(value))
  }
  return errors
}

/** Keys are checked as labels' are, but in lower case; values only for their total size. */
export function validateAnnotations(annotations: StringMap | undefined | null, path: string): FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  for (const key in annotations) {
    addMessages(errors, path, key, isQualifiedName(key.toLowerCase()))
    size += byteLength(key) + byteLength(annotations[key] ?? '')
  }
  if (size > MAX_ANNOTATIONS_BYTES) errors.push(tooLong(path, MAX_ANNOTATIONS_BYTES))
  return errors
}

export interface LabelSelectorOptions {
  /** For objects stored before values were checked. */
  allowInvalidValues?: boolean
}

/** The LabelSelector of an API object; none at all is fine. */
export function validateLabelSelector(
  selector: LabelSelectorObject | undefined | null,
  path: string,
  { allowInvalidValues = false }: LabelSelectorOptions = {},
): FieldError[] {
  if (!selector) return []
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`)
  selector.matchExpressions?.forEach(({ key, operator, values }, i) => {
    const at = `${path}.matchExpressions[${i}]`
    errors.push(...validateOperator(operator, values ?? [], at))
    addMessages(errors, `${at}.key`, key, isQualifiedName(key))
    if (allowInvalidValues) return
    values?.forEach((value, j) => {
      addMessages(errors, `${at}.values[${j}]`, value, isValidLabelValue(value))
    })
  })
  return errors
}

function validateOperator(operator: string, values: readonly string[], path: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length ? [] : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
    case 'Exists':
    case 'DoesNotExist':
      if (!values.length) return []
      return [forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
    default:
      return [invalid(`${path}.operator`, operator, 'not a valid selector operator')]
  }
}

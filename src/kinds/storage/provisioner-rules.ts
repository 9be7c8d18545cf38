import { type FieldError, invalid, required, tooLong } from '../../machinery/field-errors.ts'
import { byteLength } from '../../machinery/validation.ts'
import { labelName } from '../core/pod-field-rules.ts'

/** The name of what makes volumes, compared and shown in lower case. */
export const provisionerErrors = (path: string, name: string | undefined): FieldError[] =>
  name ? labelName(path, name.toLowerCase()) : [required(path)]

const MAX_PARAMETERS = 512
const MAX_SIZE = 256 * 1024

/** What a provisioner is told: any texts by any names. */
export function parameterErrors(
  path: string,
  parameters: { [key: string]: string } | undefined,
  mayBeEmpty: boolean,
): FieldError[] {
  const entries = Object.entries(parameters ?? {})
  if (entries.length > MAX_PARAMETERS) return [tooLong(path, MAX_PARAMETERS)]
  if (!entries.length && !mayBeEmpty) return [required(path, 'must contain at least one key/value pair')]
  const errors: FieldError[] = []
  let size = 0
  for (const [key, value] of entries) {
    if (!key) errors.push(invalid(path, key, 'field can not be empty.'))
    size += byteLength(key) + byteLength(value)
  }
  if (size > MAX_SIZE) errors.push(tooLong(path, MAX_SIZE))
  return errors
}

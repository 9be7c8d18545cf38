import type {
  ApiextensionsV1CustomResourceColumnDefinition,
  ApiextensionsV1CustomResourceDefinitionVersion,
  ApiextensionsV1CustomResourceSubresources,
} from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, required, tooMany } from '../../machinery/field-errors.ts'
import { isPrintable } from '../../machinery/go-text.ts'
import { resolveFieldPath } from '../../machinery/json-schema/field-path.ts'
import { structuralFault } from '../../machinery/json-schema/structural.ts'
import { byteLength } from '../../machinery/validation.ts'

type Version = ApiextensionsV1CustomResourceDefinitionVersion

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const MAX_WARNING_BYTES = 256
const SELECTABLE_TYPES = ['boolean', 'integer', 'string']
const MAX_SELECTABLE_FIELDS = 8

export function deprecationErrors(field: string, { deprecated, deprecationWarning: text }: Version): FieldError[] {
  if (text === undefined) return []
  const wrong = (detail: string): FieldError => invalid(field, text, detail)
  if (!deprecated) return [wrong('can only be set for deprecated versions')]
  const errors: FieldError[] = []
  if (byteLength(text) > MAX_WARNING_BYTES) errors.push(wrong('must be <= 256 characters long'))
  if (text === '') errors.push(wrong('must not be an empty string'))
  let at = 0
  for (const character of text) {
    if (!isPrintable(character)) {
      errors.push(wrong(`must only contain printable UTF-8 characters; non-printable character found at index ${at}`))
      break
    }
    at += byteLength(character)
  }
  return errors
}

export function columnErrors(path: string, column: ApiextensionsV1CustomResourceColumnDefinition): FieldError[] {
  const { name, type, format, jsonPath } = column
  const oneOf = (values: readonly string[]): string => `must be one of ${values.join(',')}`
  const errors: FieldError[] = name ? [] : [required(`${path}.name`)]
  if (!type) errors.push(required(`${path}.type`, oneOf(COLUMN_TYPES)))
  else if (!COLUMN_TYPES.includes(type)) errors.push(invalid(`${path}.type`, type, oneOf(COLUMN_TYPES)))
  if (format && !COLUMN_FORMATS.includes(format)) errors.push(invalid(`${path}.format`, format, oneOf(COLUMN_FORMATS)))
  if (!jsonPath) errors.push(required(`${path}.JSONPath`))
  else errors.push(...simplePathErrors(`${path}.JSONPath`, jsonPath))
  return errors
}

const simplePathErrors = (field: string, path: string): FieldError[] =>
  path.startsWith('.') ? [] : [invalid(field, path, 'must be a simple json path starting with .')]

export function subresourceErrors(
  path: string,
  subresources: ApiextensionsV1CustomResourceSubresources | undefined,
): FieldError[] {
  const scale = subresources?.scale
  if (!scale) return []
  return [
    ...scalePathErrors(`${path}.scale.specReplicasPath`, scale.specReplicasPath, ['.spec']),
    ...scalePathErrors(`${path}.scale.statusReplicasPath`, scale.statusReplicasPath, ['.status']),
    ...(scale.labelSelectorPath
      ? scalePathErrors(`${path}.scale.labelSelectorPath`, scale.labelSelectorPath, ['.spec', '.status'])
      : []),
  ]
}

function scalePathErrors(field: string, path: string | undefined, roots: readonly string[]): FieldError[] {
  if (!path) return [required(field)]
  const errors = simplePathErrors(field, path)
  if (errors.length || roots.some((root) => path.startsWith(`${root}.`))) return errors
  return [invalid(field, path, `should be a json path under ${roots.length > 1 ? 'either ' : ''}${roots.join(' or ')}`)]
}

/**
 * @param path the field that holds them
 * @param withoutSchema what is told when there is no schema
 */
export function selectableFieldErrors(
  path: string,
  { selectableFields, schema }: Pick<Version, 'schema' | 'selectableFields'>,
  withoutSchema: string,
): FieldError[] {
  if (!selectableFields?.length) return []
  const fields = `${path}.selectableFields`
  const root = schema?.openAPIV3Schema
  if (!root) return [invalid(fields, '', withoutSchema)]
  const fault = structuralFault(root)
  const errors = fault ? [invalid(`${path}.schema.openAPIV3Schema`, '', fault)] : []
  const seen = new Set<string>()
  for (const [i, { jsonPath = '' }] of selectableFields.entries()) {
    const field = `${fields}[${i}].jsonPath`
    const found = resolveFieldPath(jsonPath, root, false)
    if (jsonPath === '') errors.push(required(field))
    else if (typeof found === 'string') errors.push(invalid(field, jsonPath, `is an invalid path: ${found}`))
    if (jsonPath === '' || typeof found === 'string') continue
    if (found.root === 'metadata') errors.push(invalid(field, jsonPath, 'must not point to fields in metadata'))
    if (!SELECTABLE_TYPES.includes(found.schema?.type ?? '')) {
      const detail =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      errors.push(invalid(field, jsonPath, detail))
    }
    if (seen.has(found.text)) errors.push(duplicate(field, jsonPath))
    seen.add(found.text)
  }
  if (seen.size > MAX_SELECTABLE_FIELDS) errors.push(tooMany(fields, seen.size, MAX_SELECTABLE_FIELDS))
  return errors
}

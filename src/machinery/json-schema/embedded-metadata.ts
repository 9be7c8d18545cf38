import { type FieldError, invalid, required } from '../field-errors.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { pathSegmentName, validateObjectMeta } from '../metadata-validation.ts'
import { isDns1035Label } from '../validation.ts'
import { itemsOf, propertyOf, type Schema, valuesOf } from './schema.ts'

/**
 * Checks the kind, apiVersion and metadata of the resources that a value holds (or is).
 * @param isResource the value itself is a resource
 */
export function validateEmbeddedResources(value: Json, schema: Schema, path: string, isResource = false): FieldError[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    return items ? value.flatMap((item, i) => validateEmbeddedResources(item, items, `${path}[${i}]`)) : []
  }
  if (!isObject(value)) return []
  const embedded = isResource || (schema['x-kubernetes-embedded-resource'] ?? false)
  const errors = embedded ? resourceErrors(value, path) : []
  for (const name of Object.keys(value)) {
    const below = propertyOf(schema, name) ?? valuesOf(schema)
    if (below) errors.push(...validateEmbeddedResources(value[name] as Json, below, path ? `${path}.${name}` : name))
  }
  return errors
}

function resourceErrors(object: JsonObject, path: string): FieldError[] {
  const { apiVersion, kind, metadata } = object
  const errors: FieldError[] = []
  for (const [name, value] of Object.entries({ apiVersion, kind })) {
    const field = `${path}.${name}`
    if (value === undefined) errors.push(required(field))
    else if (typeof value !== 'string') errors.push(invalid(field, value, 'must be a string'))
    else if (value === '') errors.push(invalid(field, value, 'must not be empty'))
  }
  if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) {
    errors.push(invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  }
  if (typeof kind === 'string' && kind !== '') {
    const faults = isDns1035Label(kind.toLowerCase())
    if (faults.length) {
      const detail = `may have mixed case, but should otherwise match: ${faults.join(',')}`
      errors.push(invalid(`${path}.kind`, kind, detail))
    }
  }
  if (metadata === undefined) return errors
  if (!isObject(metadata)) return [...errors, invalid(`${path}.metadata`, metadata, 'must be an object')]
  const { name = 'fakename', ...rest } = metadata as { name?: string; namespace?: string }
  const rules = { namespaced: Boolean(rest.namespace), nameValidator: pathSegmentName, path: `${path}.metadata` }
  return [...errors, ...validateObjectMeta({ ...rest, name: name || 'fakename' }, { ...rules, anyFinalizer: true })]
}

import { type FieldError, invalid } from '../field-errors.ts'
import { clone, equal, type Json } from '../json.ts'
import { validateEmbeddedResources } from './embedded-metadata.ts'
import { prune } from './pruning.ts'
import { itemsOf, META_FIELDS, propertiesOf, type Schema } from './schema.ts'
import { validateValue } from './values.ts'

/**
 * Checks that the defaults in a structural schema are values of it.
 * @param requirePruned whether they may not have fields that the schema doesn't know
 */
export function validateDefaults(path: string, schema: Schema, requirePruned: boolean): FieldError[] {
  return defaultsBelow(path, { ...schema, 'x-kubernetes-embedded-resource': true }, requirePruned, false)
}

function defaultsBelow(path: string, schema: Schema, requirePruned: boolean, insideMeta: boolean): FieldError[] {
  const embedded = schema['x-kubernetes-embedded-resource'] ?? false
  const inMeta = insideMeta && !embedded
  const value = schema.default
  const errors =
    value === undefined || value === null ? [] : defaultErrors(`${path}.default`, value, schema, requirePruned, inMeta)
  const items = itemsOf(schema)
  if (items) errors.push(...defaultsBelow(`${path}.items`, items, requirePruned, inMeta))
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    const entersMeta = inMeta || (embedded && META_FIELDS.has(name))
    errors.push(...defaultsBelow(`${path}.properties[${name}]`, property, requirePruned, entersMeta))
  }
  return errors
}

function defaultErrors(path: string, value: Json, schema: Schema, requirePruned: boolean, inMeta: boolean): FieldError[] {
  if (inMeta) return validateValue(value, schema, path)
  const errors: FieldError[] = []
  if (requirePruned) {
    const pruned = clone(value)
    prune(pruned, schema)
    if (!equal(pruned, value)) errors.push(invalid(path, value, 'must not have unknown fields'))
  }
  const embedded = validateEmbeddedResources(value, schema, path)
  return [...errors, ...(embedded.length ? embedded : validateValue(value, schema, path))]
}

/** Whether a structural schema has defaults with fields that it doesn't know. */
export function hasUnprunedDefaults(path: string, schema: Schema): boolean {
  return validateDefaults(path, schema, true).some(({ message }) => message.endsWith('must not have unknown fields'))
}

import { isObject, type Json } from '../json.ts'
import { itemsOf, META_FIELDS, propertyOf, type Schema, valuesOf } from './schema.ts'

/**
 * Removes what a schema doesn't know, from the value itself.
 * @param isResource the value is a resource, whose metadata stays
 */
export function prune(value: Json, schema: Schema, isResource = false): void {
  pruneValue(value, isResource ? { ...schema, 'x-kubernetes-embedded-resource': true } : schema)
}

function pruneValue(value: Json, schema: Schema | undefined): void {
  const keepsUnknown = schema?.['x-kubernetes-preserve-unknown-fields'] ?? false
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema)
    // Below a schema that keeps what is unknown, items without a schema keep theirs as well.
    if (!keepsUnknown || items) for (const item of value) pruneValue(item, keepsUnknown ? { ...items, ...KEEP } : items)
    return
  }
  if (!isObject(value)) return
  for (const name of Object.keys(value)) {
    if (schema?.['x-kubernetes-embedded-resource'] && META_FIELDS.has(name)) continue
    const property = schema && propertyOf(schema, name)
    if (property) pruneValue(value[name] as Json, property)
    else if (schema?.additionalProperties !== undefined) pruneValue(value[name] as Json, valuesOf(schema))
    else if (!keepsUnknown) delete value[name]
  }
}

const KEEP: Schema = { 'x-kubernetes-preserve-unknown-fields': true }

import { isObject, type Json } from '../json.ts'
import { itemsOf, META_FIELDS, propertyOf, type Schema, valuesOf } from './schema.ts'

/**
 * Removes what a schema doesn't know, from the value itself.
 * @param schema undefined for one that knows nothing
 * @param isResource the value is a resource, whose metadata stays
 * @param unknown collects the paths of what was removed, sorted
 */
export function prune(value: Json, schema: Schema | undefined, isResource = false, unknown?: string[]): void {
  const found: string[] | undefined = unknown && []
  pruneValue(value, isResource && schema ? { ...schema, 'x-kubernetes-embedded-resource': true } : schema, '', found)
  // Those of a resource are at the root of every object, even of one that nothing is known of.
  if (found) unknown?.push(...found.filter((path) => !(isResource && META_FIELDS.has(path))).sort())
}

function pruneValue(value: Json, schema: Schema | undefined, path: string, unknown: string[] | undefined): void {
  const keepsUnknown = schema?.['x-kubernetes-preserve-unknown-fields'] ?? false
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema)
    // Below a schema that keeps what is unknown, items without a schema keep theirs as well.
    if (keepsUnknown && !items) return
    const of = keepsUnknown ? { ...items, ...KEEP } : items
    for (let i = 0; i < value.length; i++) pruneValue(value[i] as Json, of, unknown ? `${path}[${i}]` : '', unknown)
    return
  }
  if (!isObject(value)) return
  for (const name of Object.keys(value)) {
    if (schema?.['x-kubernetes-embedded-resource'] && META_FIELDS.has(name)) continue
    const at = unknown ? (path ? `${path}.${name}` : name) : ''
    const property = schema && propertyOf(schema, name)
    if (property) pruneValue(value[name] as Json, property, at, unknown)
    else if (schema?.additionalProperties !== undefined) pruneValue(value[name] as Json, valuesOf(schema), at, unknown)
    else if (!keepsUnknown) {
      unknown?.push(at)
      delete value[name]
    }
  }
}

const KEEP: Schema = { 'x-kubernetes-preserve-unknown-fields': true }

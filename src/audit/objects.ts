import { parseJson, stringifyJson } from '../machinery/go-json.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { yamlToJson } from '../machinery/yaml.ts'

/**
 * JSON on one line, without the managed fields if they are to be left out.
 * @param own whether the server wrote it itself, so that it is JSON for sure
 * @throws Error for what is no JSON
 */
export function compactJson(body: Buffer, omitManagedFields: boolean, own: boolean): string {
  // What the server writes is compact, with a line break at the end at most.
  const text = body.toString().trimEnd()
  if (own && !omitManagedFields && !text.includes('\n')) return text
  return printed(parseJson(body), omitManagedFields)
}

/** @throws Error for what is neither JSON nor YAML */
export function yamlAsJson(body: Buffer, omitManagedFields: boolean): string {
  return printed(yamlToJson(body), omitManagedFields)
}

/** A patch, which is JSON or, for an apply, YAML. @throws Error for what is neither */
export function patchAsJson(body: Buffer): string {
  try {
    return stringifyJson(parseJson(body))
  } catch {
    return yamlAsJson(body, false)
  }
}

/** @param value isn't changed */
export function printed(value: Json, omitManagedFields: boolean): string {
  return stringifyJson(omitManagedFields ? withoutManagedFields(value) : value)
}

/** An object, a list's items, or a table's rows. */
function withoutManagedFields(value: Json): Json {
  if (!isObject(value)) return value
  const { items, rows } = value
  const copy = without(value)
  if (Array.isArray(items)) copy.items = items.map((item) => (isObject(item) ? without(item) : item))
  if (Array.isArray(rows) && value.kind === 'Table') {
    copy.rows = rows.map((row) => (isObject(row) && isObject(row.object) ? { ...row, object: without(row.object) } : row))
  }
  return copy
}

function without(object: JsonObject): JsonObject {
  const { metadata } = object
  if (!isObject(metadata) || metadata.managedFields === undefined) return { ...object }
  const { managedFields: _managedFields, ...rest } = metadata
  return { ...object, metadata: rest }
}

import { duplicate, type FieldError } from '../field-errors.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { sortedJson } from '../strict-json.ts'
import { itemsOf, propertyOf, type Schema, valuesOf } from './schema.ts'

/**
 * Checks that sets have no item twice, and keyed lists no key.
 * @param path empty at an object's root
 */
export function validateListTypes(value: Json | undefined, schema: Schema, path = ''): FieldError[] {
  if (Array.isArray(value)) return listErrors(value, schema, path)
  if (!isObject(value)) return []
  const errors: FieldError[] = []
  const values = valuesOf(schema)
  for (const name of Object.keys(value).sort()) {
    const property = propertyOf(schema, name)
    const below = property ?? values
    if (!below) continue
    const at = property ? (path ? `${path}.${name}` : name) : `${path}[${name}]`
    errors.push(...validateListTypes(value[name], below, at))
  }
  return errors
}

function listErrors(list: readonly Json[], schema: Schema, path: string): FieldError[] {
  const items = itemsOf(schema)
  const type = schema['x-kubernetes-list-type']
  const errors: FieldError[] = []
  if (type === 'set') errors.push(...repeated(list, path, (item) => item))
  if (type === 'map') {
    const keys = schema['x-kubernetes-list-map-keys'] ?? []
    errors.push(...repeated(list, path, (item) => (isObject(item) ? keysOf(item, keys, items) : null)))
  }
  if (items) for (const [i, item] of list.entries()) errors.push(...validateListTypes(item, items, `${path}[${i}]`))
  return errors
}

/** The later ones of items that are told apart by this part of them, each once. */
function repeated(list: readonly Json[], path: string, part: (item: Json) => Json): FieldError[] {
  const seen = new Map<string, boolean>()
  const errors: FieldError[] = []
  for (const [i, item] of list.entries()) {
    const of = part(item)
    const text = sortedJson(of)
    const told = seen.get(text)
    if (told === false) errors.push(duplicate(`${path}[${i}]`, of))
    seen.set(text, told !== undefined)
  }
  return errors
}

function keysOf(item: JsonObject, keys: readonly string[], items: Schema | undefined): JsonObject {
  const of: JsonObject = {}
  for (const key of keys) {
    const value =
      (Object.hasOwn(item, key) ? item[key] : undefined) ?? (items && (propertyOf(items, key)?.default as Json | undefined))
    if (value !== undefined) of[key] = value
  }
  return of
}

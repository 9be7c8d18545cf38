import { clone, isObject, type Json, type JsonObject } from '../json.ts'
import { put } from '../patch-values.ts'
import { itemsOf, propertiesOf, propertyOf, type Schema, valuesOf } from './schema.ts'

/**
 * Fills in a structural schema's defaults, in the value itself. A null counts as absent where the schema allows none: it turns into the
 * default, or goes.
 */
export function applyDefaults(value: Json, schema: Schema): void {
  fill(value, schema)
  dropNulls(value, schema)
}

function fill(value: Json | undefined, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (!items) return
    for (let i = 0; i < value.length; i++) {
      if (isForbiddenNull(value[i], items)) value[i] = clone(items.default ?? null) as Json
      fill(value[i], items)
    }
    return
  }
  if (!isObject(value)) return
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    if (property.default === undefined || property.default === null) continue
    if (given === undefined || isForbiddenNull(given, property)) put(value, name, clone(property.default) as Json)
  }
  const values = valuesOf(schema)
  for (const name of Object.keys(value)) {
    const below = propertyOf(schema, name) ?? values
    if (!below) continue
    if (below === values && isForbiddenNull(value[name], below)) put(value, name, clone(below.default ?? null) as Json)
    fill(value[name], below)
  }
}

function dropNulls(value: Json | undefined, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items) for (const item of value) dropNulls(item, items)
    return
  }
  if (isObject(value)) dropMemberNulls(value, schema)
}

function dropMemberNulls(value: JsonObject, schema: Schema): void {
  const values = valuesOf(schema)
  for (const name of Object.keys(value)) {
    const below = propertyOf(schema, name) ?? values
    if (!below) continue
    if (isForbiddenNull(value[name], below)) delete value[name]
    else dropNulls(value[name], below)
  }
}

const isForbiddenNull = (value: Json | undefined, schema: Schema): boolean => value === null && !schema.nullable

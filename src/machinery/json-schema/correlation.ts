import { equal, isObject, type Json } from '../json.ts'
import { itemsOf, propertyOf, type Schema, valuesOf } from './schema.ts'

/** What an item of a list was before; undefined when it is new, or when there is no telling. */
export type ItemBefore = (item: Json | undefined) => Json | undefined

const NOTHING: ItemBefore = () => undefined

/** Items can only be told by keys (of several with the same it is the first): those of other lists are nothing by themselves. */
export function itemBefore(schema: Schema, old: Json | undefined): ItemBefore {
  const keys = keysOf(schema)
  if (!keys || !Array.isArray(old) || !old.length) return NOTHING
  const known = new Map<string, Json>()
  for (const item of old) {
    const key = keyOf(item, keys)
    if (key !== undefined && !known.has(key)) known.set(key, item)
  }
  return (item) => {
    const key = keyOf(item, keys)
    return key === undefined ? undefined : known.get(key)
  }
}

function keysOf(schema: Schema): readonly string[] | undefined {
  const keys = schema['x-kubernetes-list-map-keys']
  return schema.type === 'array' && schema['x-kubernetes-list-type'] === 'map' && keys?.length ? keys : undefined
}

function keyOf(item: Json | undefined, names: readonly string[]): string | undefined {
  if (!isObject(item)) return undefined
  let key = ''
  for (const name of names) {
    const value = Object.hasOwn(item, name) ? item[name] : undefined
    if (value === undefined || value === null || typeof value === 'object') return undefined
    key += typeof value === 'bigint' ? `${value},` : `${JSON.stringify(value)},`
  }
  return key
}

/** A member before; undefined when it is new. */
export function memberBefore(old: Json | undefined, name: string): Json | undefined {
  return isObject(old) && Object.hasOwn(old, name) ? old[name] : undefined
}

/**
 * Whether a value is what it was, as the schema tells values apart: the order of lists with keys doesn't matter, and nothing with fields
 * that the schema doesn't know is the same.
 */
export function isUnchanged(value: Json | undefined, old: Json | undefined, schema: Schema): boolean {
  if (value === null || value === undefined) return old === null || old === undefined
  if (Array.isArray(value)) return Array.isArray(old) && isUnchangedList(value, old, schema)
  if (!isObject(value)) return equal(value, old)
  if (!isObject(old)) return false
  const names = Object.keys(value)
  if (names.length !== Object.keys(old).length) return false
  return names.every((name) => {
    const below = propertyOf(schema, name) ?? valuesOf(schema)
    return below !== undefined && Object.hasOwn(old, name) && isUnchanged(value[name], old[name], below)
  })
}

function isUnchangedList(value: Json[], old: Json[], schema: Schema): boolean {
  const items = itemsOf(schema)
  if (!items || !keysOf(schema)) return equal(value, old)
  if (value.length !== old.length) return false
  const before = itemBefore(schema, old)
  return value.every((item) => {
    const was = before(item)
    return was !== undefined && isUnchanged(item, was, items)
  })
}

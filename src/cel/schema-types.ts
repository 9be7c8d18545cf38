import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  type Field,
  INT,
  type ListIdentity,
  listType,
  mapType,
  objectType,
  STRING,
  TIMESTAMP,
  type Type,
} from './types.ts'

/** Nothing in a request is larger, in bytes. */
export const MAX_REQUEST = 3 * 1024 * 1024

/** A schema's type, and the fewest bytes that a value of it takes as JSON. */
interface Sized {
  readonly type: Type
  readonly fewest: number
}

/**
 * The type of the values that a structural schema describes, with what bounds their sizes; undefined for those that expressions can't
 * see, since nothing is known of them.
 *
 * @param root whether it is a whole resource, whose kind, name and so on are known without a schema
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */
export function schemaType(schema: JsonObject, root: boolean): Type | undefined {
  return sized(schema, root)?.type
}

/** The fewest bytes that a value of a schema takes as JSON; undefined where nothing is known of it. */
export function fewestBytes(schema: JsonObject, root: boolean): number | undefined {
  return sized(schema, root)?.fewest
}

function sized(schema: JsonObject, root: boolean): Sized | undefined {
  const maxLength = number(schema.maxLength)
  if (schema['x-kubernetes-int-or-string'] === true)
    return { type: DYN.within(maxLength === undefined ? MAX_REQUEST - 2 : maxLength * 4), fewest: 1 }
  switch (schema.type) {
    case 'array':
      return arrayType(schema)
    case 'object':
      return isObject(schema.additionalProperties) ? mapOf(schema, schema.additionalProperties) : structOf(schema, root)
    case 'string':
      return textType(schema, maxLength)
    case 'boolean':
      return { type: BOOL, fewest: 4 }
    case 'number':
      return { type: DOUBLE, fewest: 1 }
    case 'integer':
      return { type: INT, fewest: 1 }
  }
  return undefined
}

const embedded = (schema: JsonObject): boolean => schema['x-kubernetes-embedded-resource'] === true

function arrayType(schema: JsonObject): Sized | undefined {
  const items = isObject(schema.items) ? sized(schema.items, embedded(schema.items)) : undefined
  if (!items) return undefined
  const most = number(schema.maxItems) ?? Math.trunc((MAX_REQUEST - 2) / (items.fewest + 1))
  return { type: listType(items.type, most, identityOf(schema)), fewest: 2 }
}

function identityOf(schema: JsonObject): ListIdentity | undefined {
  const keys = schema['x-kubernetes-list-map-keys']
  if (schema['x-kubernetes-list-type'] === 'set') return 'set'
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(keys)) return undefined
  return keys.filter((key) => typeof key === 'string').map((key) => escapeProperty(key) ?? key)
}

function mapOf(schema: JsonObject, values: JsonObject): Sized | undefined {
  const value = sized(values, embedded(values))
  if (!value) return undefined
  const most = number(schema.maxProperties) ?? Math.trunc((MAX_REQUEST - 2) / (value.fewest + 6))
  return { type: mapType(STRING, value.type, most), fewest: 2 }
}

const TEXT: JsonObject = { type: 'string' }
const METADATA: JsonObject = { type: 'object', properties: { name: TEXT, generateName: TEXT } }

function structOf(schema: JsonObject, root: boolean): Sized {
  const properties: JsonObject = {
    ...(isObject(schema.properties) ? schema.properties : {}),
    ...(root ? { kind: TEXT, apiVersion: TEXT, metadata: METADATA } : {}),
  }
  const required: readonly Json[] = Array.isArray(schema.required) ? schema.required : []
  const fields: Record<string, Field> = {}
  let fewest = 2
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) continue
    const field = sized(property, embedded(property))
    if (!field) continue
    const escaped = escapeProperty(name)
    if (escaped !== undefined) fields[escaped] = escaped === name ? { type: field.type } : { type: field.type, property: name }
    if (required.includes(name) && property.default === undefined) fewest += Buffer.byteLength(name) + field.fewest + 4
  }
  return { type: objectType('object', fields), fewest }
}

function textType(schema: JsonObject, maxLength: number | undefined): Sized {
  switch (schema.format) {
    case 'byte':
      return { type: BYTES.within(maxLength ?? MAX_REQUEST - 2), fewest: 2 }
    case 'duration':
      return { type: DURATION.within(32), fewest: 3 }
    case 'date':
      return { type: TIMESTAMP.within(12), fewest: 12 }
    case 'date-time':
      return { type: TIMESTAMP.within(32), fewest: 21 }
  }
  const choices: readonly Json[] = Array.isArray(schema.enum) ? schema.enum : []
  const longest = choices.reduce<number>(
    (most, text) => (typeof text === 'string' ? Math.max(most, Buffer.byteLength(text)) : most),
    0,
  )
  // A character may take four bytes.
  const most = maxLength !== undefined ? maxLength * 4 : choices.length ? longest : MAX_REQUEST - 2
  return { type: STRING.within(most), fewest: 2 }
}

function number(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? Math.max(value, 0) : typeof value === 'bigint' ? Number(value) : undefined
}

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

const ESCAPES: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }

/** A property's name as expressions write it; undefined when they can't. */
export function escapeProperty(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined
  return name.replace(/__|[-./]/g, (part) => ESCAPES[part]!)
}

import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { internalForm } from '../../machinery/internal-form.ts'
import { itemsOf, propertyOf, type Schema } from '../../machinery/json-schema/schema.ts'
import type { SchemaRules } from './schema-validation.ts'

export const SCHEMA_TYPES: readonly string[] = ['array', 'boolean', 'integer', 'number', 'object', 'string']

const MAP_TYPES = ['atomic', 'granular']
const LIST_TYPES = ['atomic', 'set', 'map']
const MAP_TYPE = 'x-kubernetes-map-type'
const LIST_TYPE = 'x-kubernetes-list-type'
const LIST_KEYS = 'x-kubernetes-list-map-keys'

/** How maps and lists are merged: what their types and keys ask of a schema. */
export function topologyErrors(schema: Schema, path: string, rules: SchemaRules): FieldError[] {
  const mapType = schema[MAP_TYPE]
  const errors: FieldError[] = []
  if (mapType !== undefined) {
    errors.push(...typeMustBe('object', MAP_TYPE, schema, path))
    if (!MAP_TYPES.includes(mapType)) errors.push(notSupported(`${path}.${MAP_TYPE}`, mapType, MAP_TYPES))
  }
  errors.push(...listTypeErrors(schema, path, rules))
  if (rules.listKeys) errors.push(...keyErrors(schema, path))
  return errors
}

function typeMustBe(wanted: string, because: string, { type = '' }: Schema, path: string): FieldError[] {
  if (type === wanted) return []
  const detail = `must be ${wanted} if ${because} is specified`
  return [type ? invalid(`${path}.type`, type, detail) : required(`${path}.type`, detail)]
}

function listTypeErrors(schema: Schema, path: string, rules: SchemaRules): FieldError[] {
  const listType = schema[LIST_TYPE]
  const keys = schema[LIST_KEYS] ?? []
  const field = `${path}.${LIST_TYPE}`
  const errors: FieldError[] = []
  if (listType !== undefined) {
    if (schema.type !== 'array') errors.push(...typeMustBe('array', LIST_TYPE, schema, path))
    else if (rules.atomicSets && listType === 'set') errors.push(...setItemErrors(schema, path))
    if (!LIST_TYPES.includes(listType)) errors.push(notSupported(field, listType, LIST_TYPES))
  }
  if (keys.length && listType !== 'map') {
    const detail = `must be map if ${LIST_KEYS} is non-empty`
    errors.push(listType === undefined ? required(field, detail) : invalid(field, listType, detail))
  }
  return listType === 'map' ? [...errors, ...mapListErrors(schema, path, rules)] : errors
}

function setItemErrors(schema: Schema, path: string): FieldError[] {
  const items = itemsOf(schema)
  const listType = items?.[LIST_TYPE]
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  if (items?.type === 'array' && (listType ?? 'atomic') !== 'atomic') {
    return [invalid(`${path}.items.${LIST_TYPE}`, listType, detail)]
  }
  // The value that is told is the type of a list, which isn't what is meant, but what the reference tells.
  if (items?.type === 'object' && items[MAP_TYPE] !== 'atomic') {
    return [invalid(`${path}.items.${MAP_TYPE}`, listType, detail)]
  }
  return []
}

function mapListErrors(schema: Schema, path: string, rules: SchemaRules): FieldError[] {
  const items = itemsOf(schema)
  const keys = schema[LIST_KEYS] ?? []
  const errors: FieldError[] = []
  if (!keys.length) errors.push(required(`${path}.${LIST_KEYS}`, 'must not be empty if x-kubernetes-list-type is map'))
  if (schema.items === undefined) {
    errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
  } else if (!items) {
    const detail = 'must only have a single schema if x-kubernetes-list-type is map'
    errors.push(invalid(`${path}.items`, itemsForm(schema, rules), detail))
  } else if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map"
    errors.push(invalid(`${path}.items.type`, items.type ?? '', detail))
  } else errors.push(...keyNameErrors(items, keys, path))
  return errors
}

/** Items that are no single schema, in the reference's internal form. */
function itemsForm(schema: Schema, { context }: SchemaRules): unknown {
  const { facts } = context.env
  const type = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'
  return facts ? internalForm(facts, type, { items: schema.items as never }).Items : schema.items
}

function keyNameErrors(items: Schema, keys: readonly string[], path: string): FieldError[] {
  return keys.flatMap((key, i) => {
    const property = propertyOf(items, key)
    const errors: FieldError[] = []
    if (!property) errors.push(invalid(`${path}.${LIST_KEYS}`, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(invalid(`${path}.items.properties[${key}].type`, items.type, detail))
    }
    if (keys.indexOf(key) < i) errors.push(invalid(`${path}.${LIST_KEYS}`, keys, 'must not contain duplicate entries'))
    return errors
  })
}

/** Items must be there to be told apart, and have their keys. */
export function keyErrors(schema: Schema, path: string): FieldError[] {
  const items = itemsOf(schema)
  const listType = schema[LIST_TYPE]
  if (!items || (listType !== 'set' && listType !== 'map')) return []
  const errors: FieldError[] = []
  if (items.nullable) {
    errors.push(forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  }
  if (listType === 'set') return errors
  for (const key of schema[LIST_KEYS] ?? []) {
    const property = propertyOf(items, key)
    if (!property) continue
    const field = `${path}.items.properties[${key}]`
    const because = 'this property is in x-kubernetes-list-map-keys, so it'
    if (!items.required?.includes(key) && property.default === undefined) {
      errors.push(required(`${field}.default`, `${because} must have a default or be a required property`))
    }
    if (property.nullable) errors.push(forbiddenField(`${field}.nullable`, `${because} cannot be nullable`))
  }
  return errors
}

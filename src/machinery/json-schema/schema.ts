import type { ApiextensionsV1JSONSchemaProps } from '../../generated/types.ts'
import { isObject } from '../json.ts'

/** A schema of a CustomResourceDefinition, as it is written. */
export type Schema = ApiextensionsV1JSONSchemaProps

/** What a list's items are like, when one schema says it. */
export function itemsOf(schema: Schema): Schema | undefined {
  return isObject(schema.items) ? (schema.items as Schema) : undefined
}

/** What a map's values are like, when a schema says it. */
export function valuesOf(schema: Schema): Schema | undefined {
  return isObject(schema.additionalProperties) ? (schema.additionalProperties as Schema) : undefined
}

export function propertiesOf(schema: Schema): Readonly<Record<string, Schema>> {
  return schema.properties ?? NONE
}

const NONE: Readonly<Record<string, Schema>> = Object.freeze({})

/** A property by name, never one of JavaScript's own. */
export function propertyOf(schema: Schema, name: string): Schema | undefined {
  const properties = schema.properties
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined
}

/** The fields that every resource has, embedded ones too. */
export const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/** Whether a schema or one below it fulfils a condition. */
export function someSchema(schema: Schema, condition: (schema: Schema) => boolean): boolean {
  if (condition(schema)) return true
  for (const below of subschemas(schema)) if (someSchema(below, condition)) return true
  return false
}

function* subschemas(schema: Schema): Generator<Schema> {
  const lists = [schema.items, schema.allOf, schema.anyOf, schema.oneOf]
  for (const list of lists) if (Array.isArray(list)) yield* list as Schema[]
  const single = [schema.items, schema.not, schema.additionalProperties, schema.additionalItems]
  for (const one of single) if (isObject(one)) yield one as Schema
  for (const map of [schema.properties, schema.patternProperties, schema.definitions, schema.dependencies]) {
    for (const value of Object.values(map ?? {})) if (isObject(value)) yield value as Schema
  }
}

import { type FieldError, forbiddenField, invalid } from '../../machinery/field-errors.ts'
import type { Schema } from '../../machinery/json-schema/schema.ts'
import { printed } from '../core/rules.ts'
import type { SchemaRules } from './schema-validation.ts'

const TYPE = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'

/**
 * The fields of a schema in the order of the reference's struct, with their names in Go; those that may stand at the root when there
 * is a status subresource, whose schema is taken out of it.
 */
const FIELDS: readonly (readonly [json: keyof Schema, go: string, atRoot: boolean])[] = [
  ['id', 'ID', false],
  ['$schema', 'Schema', false],
  ['$ref', 'Ref', false],
  ['description', 'Description', true],
  ['type', 'Type', true],
  ['nullable', 'Nullable', false],
  ['format', 'Format', true],
  ['title', 'Title', true],
  ['default', 'Default', false],
  ['maximum', 'Maximum', true],
  ['exclusiveMaximum', 'ExclusiveMaximum', true],
  ['minimum', 'Minimum', true],
  ['exclusiveMinimum', 'ExclusiveMinimum', true],
  ['maxLength', 'MaxLength', true],
  ['minLength', 'MinLength', true],
  ['pattern', 'Pattern', true],
  ['maxItems', 'MaxItems', true],
  ['minItems', 'MinItems', true],
  ['uniqueItems', 'UniqueItems', true],
  ['multipleOf', 'MultipleOf', true],
  ['enum', 'Enum', false],
  ['maxProperties', 'MaxProperties', false],
  ['minProperties', 'MinProperties', false],
  ['required', 'Required', true],
  ['items', 'Items', true],
  ['allOf', 'AllOf', false],
  ['oneOf', 'OneOf', false],
  ['anyOf', 'AnyOf', false],
  ['not', 'Not', false],
  ['properties', 'Properties', true],
  ['additionalProperties', 'AdditionalProperties', false],
  ['patternProperties', 'PatternProperties', false],
  ['dependencies', 'Dependencies', false],
  ['additionalItems', 'AdditionalItems', false],
  ['definitions', 'Definitions', false],
  ['externalDocs', 'ExternalDocs', true],
  ['example', 'Example', true],
  ['x-kubernetes-preserve-unknown-fields', 'XPreserveUnknownFields', true],
  ['x-kubernetes-embedded-resource', 'XEmbeddedResource', false],
  ['x-kubernetes-int-or-string', 'XIntOrString', false],
  ['x-kubernetes-list-map-keys', 'XListMapKeys', false],
  ['x-kubernetes-list-type', 'XListType', false],
  ['x-kubernetes-map-type', 'XMapType', false],
  ['x-kubernetes-validations', 'XValidations', true],
]

/** What may stand at the root of a schema. */
export function rootErrors(field: string, schema: Schema, status: boolean, rules: SchemaRules): FieldError[] {
  const errors = status ? statusErrors(field, schema, rules) : []
  if (schema.nullable) errors.push(forbiddenField(`${field}.nullable`, 'nullable cannot be true at the root'))
  return errors
}

function statusErrors(field: string, schema: Schema, { context }: SchemaRules): FieldError[] {
  for (const [json, go, atRoot] of FIELDS) {
    const value = schema[json]
    if (value === undefined || value === '' || (value === false && !go.startsWith('XPreserve'))) continue
    if (json === 'type' && value !== 'object') {
      const detail = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
      return [invalid(`${field}.type`, value, detail)]
    }
    if (atRoot) continue
    const allowed = FIELDS.filter(([, , fine]) => fine).map(([, name]) => name)
    const detail = `only [${allowed.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`
    return [invalid(field, printed(schema, TYPE, context), detail)]
  }
  return []
}

import { type FieldError, forbiddenField, invalid, required } from '../field-errors.ts'
import { regexpFault } from '../go-regexp.ts'
import { equal, isObject } from '../json.ts'
import { itemsOf, propertiesOf, propertyOf, type Schema, valuesOf } from './schema.ts'

/**
 * Why a schema can't be a structural one at all, in the reference's words.
 * See https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function structuralFault(schema: Schema): string | undefined {
  const unsupported = UNSUPPORTED.find(([isSet]) => isSet(schema))
  if (unsupported) return `OpenAPIV3Schema '${unsupported[1]}' is not supported`
  for (const nested of junctors(schema)) {
    const fault = structuralFault(nested.schema)
    if (fault) return fault
  }
  const values = valuesOf(schema)
  const fault = values && structuralFault(values)
  if (fault) return fault
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  }
  if (Array.isArray(schema.items) && schema.items.length) return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  for (const below of [itemsOf(schema), ...Object.values(propertiesOf(schema))]) {
    const fault = below && structuralFault(below)
    if (fault) return fault
  }
  return undefined
}

const UNSUPPORTED: readonly (readonly [isSet: (schema: Schema) => boolean, name: string])[] = [
  [(schema) => Boolean(schema.id), 'id'],
  [(schema) => Boolean(schema.$schema), 'schema'],
  [(schema) => Boolean(schema.$ref), '$ref'],
  [(schema) => size(schema.patternProperties) > 0, 'patternProperties'],
  [(schema) => size(schema.dependencies) > 0, 'dependencies'],
  [(schema) => schema.additionalItems !== undefined, 'additionalItems'],
  [(schema) => size(schema.definitions) > 0, 'definitions'],
]

const size = (map: object | undefined): number => (map ? Object.keys(map).length : 0)

interface Junctor {
  schema: Schema
  path: string
}

/** The schemas that only validate values, with their paths relative to the schema's own. */
function junctors(schema: Schema): Junctor[] {
  const out: Junctor[] = schema.not ? [{ schema: schema.not, path: 'not' }] : []
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    schema[name]?.forEach((nested, i) => {
      out.push({ schema: nested, path: `${name}[${i}]` })
    })
  }
  return out
}

/** Where a schema stands, which decides what a missing type is called. */
const MISSING_TYPE = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}
type Level = keyof typeof MISSING_TYPE

/** What keeps a schema (without a structural fault) from being structural. */
export function validateStructural(path: string, schema: Schema): FieldError[] {
  const errors = [...invariants(schema, 'root', path), ...completeness(schema, schema, path, path)]
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

function invariants(schema: Schema, level: Level, path: string): FieldError[] {
  const { type = '' } = schema
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  const embedded = schema['x-kubernetes-embedded-resource'] ?? false
  const errors: FieldError[] = []
  if (type === 'array' && !items) errors.push(required(`${path}.items`, 'must be specified'))
  if (items) errors.push(...invariants(items, 'item', `${path}.items`))
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    errors.push(...invariants(property, 'field', `${path}.properties[${name}]`))
  }
  if (schema.additionalProperties !== undefined && level === 'root') {
    errors.push(forbiddenField(`${path}.additionalProperties`, 'must not be used at the root'))
  }
  if (values) errors.push(...invariants(values, 'field', `${path}.additionalProperties`))
  errors.push(...extensionErrors(schema, path), ...valueValidationErrors(schema, path, mayTellType(schema)))
  errors.push(...typeErrors(schema, level, path), ...metaFieldErrors(schema, level, path))
  if (embedded && schema.additionalProperties !== undefined) {
    errors.push(forbiddenField(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  }
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && size(schema.properties) === 0) {
    const detail = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    errors.push(required(`${path}.properties`, detail))
  }
  return errors
}

function extensionErrors(schema: Schema, path: string): FieldError[] {
  if (!schema['x-kubernetes-int-or-string']) return []
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    .filter((name) => schema[name])
    .map((name) => invalid(`${path}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true'))
}

function typeErrors(schema: Schema, level: Level, path: string): FieldError[] {
  const { type = '' } = schema
  const errors: FieldError[] = []
  if (schema['x-kubernetes-embedded-resource'] && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type ? invalid(`${path}.type`, type, detail) : required(`${path}.type`, detail))
  } else if (!type && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields']) {
    errors.push(required(`${path}.type`, MISSING_TYPE[level]))
  }
  if (level === 'root' && type && type !== 'object') errors.push(invalid(`${path}.type`, type, 'must be object at the root'))
  return errors
}

/** `apiVersion`, `kind` and `metadata` mean the same in every resource, so that a schema can restrict next to nothing of them. */
function metaFieldErrors(schema: Schema, level: Level, path: string): FieldError[] {
  const isResource = level === 'root' || schema['x-kubernetes-embedded-resource']
  const errors: FieldError[] = []
  for (const name of ['kind', 'apiVersion']) {
    const property = propertyOf(schema, name)
    if (isResource && property && property.type !== 'string') {
      errors.push(invalid(`${path}.properties[${name}].type`, property.type ?? '', 'must be string'))
    }
  }
  const metadata = propertyOf(schema, 'metadata')
  if (!metadata) return errors
  const metadataPath = `${path}.properties[metadata]`
  if (isResource && metadata.type !== 'object') {
    errors.push(invalid(`${metadataPath}.type`, metadata.type ?? '', 'must be object'))
  }
  if (level === 'root' && restrictsMetadata(metadata)) {
    const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
    errors.push(forbiddenField(metadataPath, detail))
  }
  return errors
}

/** Whether a schema of metadata says more than its type, a default, and what names are like. */
function restrictsMetadata(metadata: Schema): boolean {
  const { type: _, default: __, externalDocs: ___, example: ____, properties = {}, ...rest } = metadata
  const names = Object.keys(properties)
  if (names.some((name) => name !== 'name' && name !== 'generateName')) return true
  return Object.values(rest).some((value) => value !== undefined && value !== '' && value !== false && value !== null)
}

/** Which junctors may tell types: those that say "an integer or a string". */
interface TypeTellers {
  anyOf: boolean
  firstAllOf: boolean
}

const INT_OR_STRING: readonly Schema[] = [{ type: 'integer' }, { type: 'string' }]
const NO_TYPES: TypeTellers = { anyOf: false, firstAllOf: false }

function mayTellType(schema: Schema): TypeTellers {
  return { anyOf: equal(schema.anyOf, INT_OR_STRING), firstAllOf: equal(schema.allOf?.[0]?.anyOf, INT_OR_STRING) }
}

function valueValidationErrors(schema: Schema, path: string, may: TypeTellers): FieldError[] {
  const errors: FieldError[] = []
  if (!may.anyOf) {
    schema.anyOf?.forEach((nested, i) => {
      errors.push(...nestedErrors(nested, `${path}.anyOf[${i}]`, NO_TYPES))
    })
  }
  schema.allOf?.forEach((nested, i) => {
    errors.push(...nestedErrors(nested, `${path}.allOf[${i}]`, { anyOf: may.firstAllOf && i === 0, firstAllOf: false }))
  })
  schema.oneOf?.forEach((nested, i) => {
    errors.push(...nestedErrors(nested, `${path}.oneOf[${i}]`, NO_TYPES))
  })
  if (schema.not) errors.push(...nestedErrors(schema.not, `${path}.not`, NO_TYPES))
  const fault = schema.pattern ? regexpFault(schema.pattern) : undefined
  if (fault) {
    errors.push(invalid(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${fault}`))
  }
  return errors
}

/** What only the schema itself may say, not one below a junctor. */
const STRUCTURE: readonly (readonly [name: keyof Schema, must: string])[] = [
  ['type', 'empty'],
  ['additionalProperties', 'undefined'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
]

function isGiven(schema: Schema, name: keyof Schema, must: string): boolean {
  const value = schema[name]
  if (must === 'undefined') return value !== undefined && value !== null
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

function nestedErrors(schema: Schema, path: string, may: TypeTellers): FieldError[] {
  const errors = valueValidationErrors(schema, path, may)
  const items = itemsOf(schema)
  if (items) errors.push(...nestedErrors(items, `${path}.items`, NO_TYPES))
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    errors.push(...nestedErrors(property, `${path}.properties[${name}]`, NO_TYPES))
  }
  for (const [name, must] of STRUCTURE) {
    if (isGiven(schema, name, must)) errors.push(forbiddenField(`${path}.${name}`, `must be ${must} to be structural`))
  }
  if (propertyOf(schema, 'metadata')) {
    errors.push(forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context'))
  }
  return errors
}

/** Fields and items that a junctor speaks of must be specified outside of it, too. */
function completeness(nested: Schema, schema: Schema, schemaPath: string, nestedPath: string): FieldError[] {
  return junctors(nested).flatMap(({ schema: junctor, path }) => specified(junctor, schema, schemaPath, `${nestedPath}.${path}`))
}

function specified(nested: Schema, schema: Schema | undefined, schemaPath: string, nestedPath: string): FieldError[] {
  if (!schema) return [required(schemaPath, `because it is defined in ${nestedPath}`)]
  const errors = completeness(nested, schema, schemaPath, nestedPath)
  if (isObject(nested.items)) {
    errors.push(...specified(nested.items as Schema, itemsOf(schema), `${schemaPath}.items`, `${nestedPath}.items`))
  }
  for (const [name, property] of Object.entries(propertiesOf(nested))) {
    const where = `properties[${name}]`
    errors.push(...specified(property, propertyOf(schema, name), `${schemaPath}.${where}`, `${nestedPath}.${where}`))
  }
  return errors
}

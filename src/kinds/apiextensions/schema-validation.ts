import type { ApiextensionsV1CustomResourceValidation } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported } from '../../machinery/field-errors.ts'
import { isObject } from '../../machinery/json.ts'
import { validateDefaults } from '../../machinery/json-schema/defaults.ts'
import { META_FIELDS, propertiesOf, type Schema } from '../../machinery/json-schema/schema.ts'
import { structuralFault, validateStructural } from '../../machinery/json-schema/structural.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { RuleSite, StoredRules } from '../../registry/expressions.ts'
import { SCHEMA_TYPES, topologyErrors } from './list-rules.ts'
import { rootErrors } from './root-rules.ts'
import { ruleErrors } from './rule-rules.ts'
import type { Strictness } from './schema-strictness.ts'

/** How a schema is checked. */
export interface SchemaRules extends Strictness {
  readonly context: WriteContext
  /** What the stored definition has of rules. */
  readonly stored: StoredRules
}

/**
 * The rules for the schema of one version or of all of them.
 * @param path the field that holds the schema, such as `spec.validation`
 * @param status whether there is a status subresource
 */
export function schemaErrors(
  path: string,
  validation: ApiextensionsV1CustomResourceValidation | undefined,
  status: boolean,
  rules: SchemaRules,
): FieldError[] {
  const schema = validation?.openAPIV3Schema
  if (!schema) return []
  const field = `${path}.openAPIV3Schema`
  const errors = rootErrors(field, schema, status, rules)
  const fault = rules.structural ? structuralFault(schema) : undefined
  const structural = rules.structural && !fault ? structuralErrors(field, schema, rules) : []
  errors.push(...structural)
  const walk: Walk = { sites: [], rules }
  errors.push(...openApiErrors(schema, { path: field, parents: [], isRoot: true, inMeta: false }, walk))
  if (rules.structural && !fault && !structural.length && walk.sites.length) {
    errors.push(...(rules.context.env.expressions?.schemaRules(walk.sites, field, rules.stored) ?? []))
  }
  return errors.length || !fault ? errors : [invalid(field, '', fault)]
}

function structuralErrors(field: string, schema: Schema, rules: SchemaRules): FieldError[] {
  const errors = validateStructural(field, schema)
  return errors.length ? errors : validateDefaults(field, schema, rules.prunedDefaults)
}

interface Walk {
  /** Schemas with rules, none of which or of whose parts has errors. */
  sites: RuleSite[]
  rules: SchemaRules
}

/** Where a schema stands. */
interface Place {
  path: string
  parents: readonly Schema[]
  isRoot: boolean
  /** Inside of what every resource has: kind, apiVersion and metadata. */
  inMeta: boolean
  /** Why there may be no default; undefined when there may. */
  noDefault?: string
  uncorrelatable?: string
  /** Below a junctor, whose rules aren't compiled. */
  nested?: boolean
}

function openApiErrors(schema: Schema, place: Place, walk: Walk): FieldError[] {
  const { path } = place
  const errors = ownErrors(schema, place, walk.rules)
  if (schema.uniqueItems) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    errors.push(forbiddenField(`${path}.uniqueItems`, detail))
  }
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== true && hasProperties(schema)) {
    errors.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  }
  for (const below of placesBelow(schema, place)) errors.push(...openApiErrors(below.schema, below.place, walk))
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  }
  errors.push(...topologyErrors(schema, path, walk.rules))
  if (!schema['x-kubernetes-validations']?.length) return errors
  errors.push(...ruleErrors(schema, path))
  if (!errors.length && !place.nested) {
    walk.sites.push({ schema, path, parents: place.parents, uncorrelatable: place.uncorrelatable })
  }
  return errors
}

const hasProperties = (schema: Schema): boolean => Object.keys(propertiesOf(schema)).length > 0

/** Parts of OpenAPI's schemas that are no parts of these. */
const UNSUPPORTED: readonly (readonly [name: keyof Schema, isSet: (value: unknown) => boolean])[] = [
  ['id', Boolean],
  ['additionalItems', (value) => value !== undefined],
  ['patternProperties', isFilled],
  ['definitions', isFilled],
  ['dependencies', (value) => value !== undefined],
  ['$ref', (value) => value !== undefined],
]

function isFilled(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length > 0
}

function ownErrors(schema: Schema, { path, inMeta, noDefault }: Place, rules: SchemaRules): FieldError[] {
  const { type, items } = schema
  const errors: FieldError[] = []
  if (rules.types && type && !SCHEMA_TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, SCHEMA_TYPES))
  if (schema.default !== undefined && schema.default !== null && noDefault) {
    errors.push(forbiddenField(`${path}.default`, `must not be set ${noDefault}`))
  }
  for (const [name, isSet] of UNSUPPORTED) {
    if (isSet(schema[name])) errors.push(forbiddenField(`${path}.${name}`, `${name} is not supported`))
  }
  if (type === 'null') {
    errors.push(forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'))
  }
  if (Array.isArray(items) && items.length) {
    errors.push(forbiddenField(`${path}.items`, 'items must be a schema object and not an array'))
  }
  if (inMeta && schema['x-kubernetes-embedded-resource']) {
    errors.push(forbiddenField(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
  }
  return errors
}

interface Below {
  schema: Schema
  place: Place
}

/** The schemas in a schema, with what their places mean to them. */
function placesBelow(schema: Schema, place: Place): Below[] {
  const { path } = place
  const out: Below[] = []
  const common: Place = { ...place, parents: [...place.parents, schema], isRoot: false }
  const add = (below: unknown, where: string, change: Partial<Place> = {}): void => {
    if (isObject(below)) out.push({ schema: below as Schema, place: { ...common, path: `${path}.${where}`, ...change } })
  }
  const inMeta = place.inMeta ? { noDefault: 'inside additionalProperties applying to object metadata' } : {}
  add(schema.additionalProperties, 'additionalProperties', inMeta)
  const atomicMap = schema['x-kubernetes-map-type'] === 'atomic' ? uncorrelatable(place) : {}
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    add(property, `properties[${name}]`, { ...atomicMap, ...metaPlace(schema, name, place) })
  }
  const nested = { nested: true }
  add(schema.not, 'not', nested)
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    schema[name]?.forEach((one, i) => {
      add(one, `${name}[${i}]`, nested)
    })
  }
  for (const [name, one] of Object.entries(schema.definitions ?? {})) add(one, `definitions[${name}]`, nested)
  const list = schema['x-kubernetes-list-type'] === 'map' ? {} : uncorrelatable(place)
  if (Array.isArray(schema.items)) schema.items.forEach((one, i) => void add(one, `items[${i}]`, list))
  else add(schema.items, 'items', list)
  for (const [name, one] of Object.entries(schema.dependencies ?? {})) add(one, `dependencies[${name}]`, nested)
  return out
}

const uncorrelatable = (place: Place): Partial<Place> => ({ uncorrelatable: place.uncorrelatable ?? place.path })

function metaPlace(schema: Schema, name: string, { isRoot }: Place): Partial<Place> {
  if (!META_FIELDS.has(name) || !(isRoot || schema['x-kubernetes-embedded-resource'])) return {}
  return { inMeta: true, ...(isRoot ? { noDefault: `in top-level ${name}` } : {}) }
}

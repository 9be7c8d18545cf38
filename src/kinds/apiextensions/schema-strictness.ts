import { isObject } from '../../machinery/json.ts'
import { hasUnprunedDefaults } from '../../machinery/json-schema/defaults.ts'
import { itemsOf, type Schema, someSchema } from '../../machinery/json-schema/schema.ts'
import { structuralFault, validateStructural } from '../../machinery/json-schema/structural.ts'
import { type InternalSpec, schemasOf } from './internal-spec.ts'
import { keyErrors, SCHEMA_TYPES } from './list-rules.ts'

/** Rules that came after definitions which break them, so that those that did may go on to. */
export interface Strictness {
  /** Every version needs a schema. */
  readonly schemas: boolean
  /** Types must be those of OpenAPI. */
  readonly types: boolean
  readonly structural: boolean
  /** Defaults may not have unknown fields. */
  readonly prunedDefaults: boolean
  /** Items of sets must be atomic. */
  readonly atomicSets: boolean
  /** Keys of lists must be there, in every item. */
  readonly listKeys: boolean
  /** Conversion webhooks must know a version of reviews that is known here. */
  readonly knownReviews: boolean
  /** A CA bundle that can't be read is fine. */
  readonly badCaBundle: boolean
}

export const STRICT: Strictness = Object.freeze({
  schemas: true,
  types: true,
  structural: true,
  prunedDefaults: true,
  atomicSets: true,
  listKeys: true,
  knownReviews: true,
  badCaBundle: false,
})

/** How strict an update may be, given what is stored. */
export function schemaStrictness(old: InternalSpec): Strictness {
  const schemas = schemasOf(old)
  const none = (breaks: (schema: Schema) => boolean): boolean => !schemas.some((schema) => someSchema(schema, breaks))
  return {
    ...STRICT,
    schemas: old.shared.schema?.openAPIV3Schema !== undefined || old.versions.every(({ schema }) => schema?.openAPIV3Schema),
    types: none(({ type }) => Boolean(type) && !SCHEMA_TYPES.includes(type as string)),
    structural: schemas.every((schema) => !structuralFault(schema) && !validateStructural('', schema).length),
    prunedDefaults: !schemas.some((schema) => !structuralFault(schema) && hasUnprunedDefaults('', schema)),
    atomicSets: none(isSetOfGranular),
    listKeys: none((schema) => keyErrors(schema, '').length > 0),
  }
}

/** Whether two items of a set could only be told apart by parts of them. */
export function isSetOfGranular(schema: Schema): boolean {
  const items = itemsOf(schema)
  if (schema['x-kubernetes-list-type'] !== 'set' || !isObject(items)) return false
  if (items.type === 'array') return (items['x-kubernetes-list-type'] ?? 'atomic') !== 'atomic'
  return items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic'
}

import { quote } from './field-errors.ts'
import type { FieldFacts, SchemaFacts, TypeExpression } from './schema.ts'
import { StatusError } from './status.ts'

/** The Go type that a strategic merge patch is in, as far as its rules and messages depend on it. */
export interface PatchType {
  type: TypeExpression
  pointer: boolean
}

/** How one field is patched. */
export interface PatchField {
  /** The field's type, or its items' for a list. */
  of: PatchType
  /** `merge`, `replace` or nothing; whether keys are retained is up to the patch. */
  strategy: string
  mergeKey: string
}

/** Structs that the facts know as one value. */
const OPAQUE_STRUCTS: Record<string, string> = {
  raw: 'RawExtension',
  json: 'JSON',
  fields: 'FieldsV1',
  quantity: 'Quantity',
  intorstring: 'IntOrString',
  time: 'Time',
  microtime: 'MicroTime',
  duration: 'Duration',
  propsorarray: 'JSONSchemaPropsOrArray',
  propsorbool: 'JSONSchemaPropsOrBool',
  propsorstrings: 'JSONSchemaPropsOrStringArray',
}

const SCALAR_KINDS: Record<string, string> = { boolean: 'bool', double: 'float64', bytes: 'slice' }

/** What the reference answers for patches it has no better answer for: a 500 without a reason. */
export function patchFailed(message: string): StatusError {
  return new StatusError(500, '', message)
}

/** Go's reflect kind. */
export function kindOf({ type, pointer }: PatchType): string {
  if (pointer) return 'ptr'
  if (typeof type !== 'string') return 'list' in type ? 'slice' : 'map'
  if (type.startsWith('#') || type in OPAQUE_STRUCTS) return 'struct'
  return SCALAR_KINDS[type] ?? type
}

/** @throws StatusError 500 when `owner` is no struct or has no such field */
export function patchField(facts: SchemaFacts, owner: PatchType, name: string): PatchField {
  const field = findField(facts, owner, name)
  return fieldOf(field, { type: field.type, pointer: isPointer(field) })
}

/** As {@link patchField} for a list; describes its items. */
export function patchList(facts: SchemaFacts, owner: PatchType, name: string): PatchField {
  const field = findField(facts, owner, name)
  const { type } = field
  if (typeof type !== 'string' && 'list' in type) return fieldOf(field, { type: type.list, pointer: false })
  // The reference takes every pointer for one to a list.
  if (isPointer(field)) return fieldOf(field, { type, pointer: false })
  throw patchFailed(`expected slice or array type, but got: ${kindOf(owner)}`)
}

function fieldOf(field: FieldFacts, of: PatchType): PatchField {
  const strategies = field.patchStrategy?.split(',') ?? []
  return { of, strategy: strategies.find((s) => s !== 'retainKeys') ?? '', mergeKey: field.mergeKey ?? '' }
}

const isPointer = (field: FieldFacts): boolean =>
  field.pointer ?? (typeof field.type === 'string' && field.type.startsWith('#') && field.default === undefined)

function findField(facts: SchemaFacts, owner: PatchType, name: string): FieldFacts {
  const { type } = owner
  const isStruct = typeof type === 'string' && (type.startsWith('#') || type in OPAQUE_STRUCTS)
  if (!isStruct)
    throw patchFailed(
      `merging an object in json but data type is not struct, instead is: ${kindOf({ ...owner, pointer: false })}`,
    )
  const struct = type.startsWith('#') ? facts.type(type) : undefined
  const found = struct && (facts.field(struct, name) ?? fieldOfAnyCase(struct.fields, name))
  if (found) return found
  const structName = OPAQUE_STRUCTS[type] ?? type.slice(type.lastIndexOf('.') + 1)
  throw patchFailed(`unable to find api field in struct ${structName} for the json field ${quote(name)}`)
}

function fieldOfAnyCase(fields: readonly FieldFacts[], name: string): FieldFacts | undefined {
  const lower = name.toLowerCase()
  return fields.find((field) => field.name.toLowerCase() === lower)
}

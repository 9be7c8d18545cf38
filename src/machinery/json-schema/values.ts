import { type FieldError, invalid, notSupported, required, tooLong, tooMany, typeInvalid } from '../field-errors.ts'
import { stringifyJson } from '../go-json.ts'
import { goFloat } from '../go-number.ts'
import { goQuote } from '../go-text.ts'
import { equal, isObject, type Json, type JsonObject } from '../json.ts'
import { isUnchanged, itemBefore, memberBefore } from './correlation.ts'
import { fitsFormat } from './formats.ts'
import { fitsPattern } from './patterns.ts'
import { itemsOf, propertiesOf, propertyOf, type Schema, valuesOf } from './schema.ts'

/** One thing that a value does wrong: where in the value, and the error once the value's own field is known. */
interface Fault {
  /** From the value: `spec.l[0]`, or `.a` and `[0]` at its top. Undefined for what is told of the whole value. */
  where: string | undefined
  error(field: string): FieldError
}

/**
 * What one check found. `checks` counts what was applied: of schemas of which one must fit, the faults of the one with the most
 * checks are told.
 */
interface Outcome {
  faults: Fault[]
  checks: number
}

/**
 * Checks a value against a schema, with the reference's messages.
 * @param field the value's path; empty when it is a whole object
 * @param old what it was, when what is wrong with unchanged parts is tolerated
 */
export function validateValue(value: Json, schema: Schema, field = '', old?: Json): FieldError[] {
  return check(value, schema, '', old).faults.map(({ where, error }) => error(fieldOf(field, where)))
}

function fieldOf(field: string, where: string | undefined): string {
  if (!where) return field || '<nil>'
  const below = where.startsWith('.') ? where.slice(1) : where
  return field ? `${field}.${below}` : below
}

/** @param old what the value was; undefined for what is new, or when nobody asks */
type Check = (value: NonNullable<Json>, schema: Schema, path: string, old: Json | undefined) => Outcome

/** In the order in which the reference applies them. */
function checksFor(schema: Schema, value: NonNullable<Json>): Check[] {
  const checks: Check[] = []
  if (schema.type || schema.format || schema['x-kubernetes-int-or-string']) checks.push(checkType)
  checks.push(checkJunctors)
  if (typeof value === 'string') {
    checks.push(checkString)
    if (schema.format) checks.push(checkFormat)
  } else if (typeof value === 'number' || typeof value === 'bigint') checks.push(checkNumber)
  else if (Array.isArray(value)) checks.push(checkList)
  checks.push(checkEnum)
  if (isObject(value)) checks.push(checkObject)
  return checks
}

function check(value: Json | undefined, schema: Schema, path: string, old?: Json): Outcome {
  const outcome = checkAll(value, schema, path, old)
  if (outcome.faults.length && old !== undefined && isUnchanged(value, old, schema)) outcome.faults = []
  return outcome
}

function checkAll(value: Json | undefined, schema: Schema, path: string, old: Json | undefined): Outcome {
  const outcome: Outcome = { faults: [], checks: 0 }
  if (value === null || value === undefined) {
    if (schema.type && !schema.nullable) outcome.faults.push(wrongType(path, typesOf(schema).join(','), 'null'))
    merge(outcome, checkEnum(null, schema, path))
    return outcome
  }
  for (const apply of checksFor(schema, value)) {
    merge(outcome, apply(value, schema, path, old))
    outcome.checks++
  }
  return outcome
}

function merge(into: Outcome, from: Outcome): void {
  // Not spread into arguments: there may be more of them than a call takes.
  for (const fault of from.faults) into.faults.push(fault)
  into.checks += from.checks
}

const outcome = (...faults: (Fault | undefined)[]): Outcome => ({
  faults: faults.filter((fault) => fault !== undefined),
  checks: 0,
})

/** A fault with the message that most have: the value's place `in body` and what it should be. */
function fault(path: string, value: unknown, should: string): Fault {
  return { where: path, error: (field) => invalid(field, value, `${path} in body ${should}`) }
}

function wrongType(path: string, wanted: string, given: string): Fault {
  const detail = `${path} in body must be of type ${wanted}: ${goQuote(given)}`
  return { where: path, error: (field) => typeInvalid(field, given, detail) }
}

/** A fault that is told of the whole object, whatever part of it has it. */
const general = (detail: string): Fault => ({ where: undefined, error: (field) => invalid(field, '', detail) })

function typesOf(schema: Schema): string[] {
  if (schema.type) return [schema.type]
  return schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : []
}

/** JSON's type and the format that Go's types suggest. */
function typeOf(value: NonNullable<Json>): [type: string, format: string] {
  if (Array.isArray(value)) return ['array', '']
  if (typeof value === 'bigint') return ['integer', 'int64']
  if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'int64'] : ['number', 'float64']
  return [typeof value, '']
}

function checkType(value: NonNullable<Json>, schema: Schema, path: string): Outcome {
  const types = typesOf(schema)
  const { format = '' } = schema
  const [type, suggested] = typeOf(value)
  const known = types.includes(type) || (type === 'integer' && types.includes('number'))
  const isSequence = typeof value === 'string' || Array.isArray(value)
  if (!isSequence && format && !known && suggested !== format) return outcome(wrongType(path, format, suggested))
  if (!types.includes('number') && !types.includes('integer') && format && isSequence) return outcome()
  return known || !types.length ? outcome() : outcome(wrongType(path, types.join(','), type))
}

/** What Go would call a string of a format that isn't one of its type. */
function checkFormat(value: NonNullable<Json>, schema: Schema, path: string): Outcome {
  const { format = '' } = schema
  return fitsFormat(format, String(value)) ? outcome() : outcome(wrongType(path, format, String(value)))
}

function checkString(value: NonNullable<Json>, schema: Schema, path: string): Outcome {
  const text = String(value)
  const { maxLength, minLength, pattern } = schema
  const length = maxLength === undefined && minLength === undefined ? 0 : [...text].length
  if (maxLength !== undefined && length > maxLength) {
    return outcome({ where: path, error: (field) => tooLong(field, maxLength) })
  }
  if (minLength !== undefined && length < minLength)
    return outcome(fault(path, text, `should be at least ${minLength} chars long`))
  if (pattern && !fitsPattern(pattern, schema, text)) return outcome(fault(path, text, `should match '${pattern}'`))
  return outcome()
}

function checkNumber(value: NonNullable<Json>, schema: Schema, path: string): Outcome {
  const { multipleOf, maximum, minimum, exclusiveMaximum, exclusiveMinimum } = schema
  const number = Number(value)
  // Limits of integers are cut to integers.
  const isInteger = Number.isInteger(number)
  const limit = (of: number): number => (isInteger ? Math.trunc(of) : of)
  const print = (of: number): string => (isInteger ? String(Math.trunc(of)) : goFloat(of))
  const faults: Fault[] = []
  if (multipleOf !== undefined) {
    const factor = limit(multipleOf)
    if (factor <= 0) {
      const detail = `factor MultipleOf declared for ${path} must be positive: ${print(factor)}`
      faults.push({ where: path, error: (field) => invalid(field, factor, detail) })
    } else if (!Number.isInteger(number / factor)) {
      faults.push(fault(path, value, `should be a multiple of ${print(multipleOf)}`))
    }
  }
  if (maximum !== undefined && (exclusiveMaximum ? number >= limit(maximum) : number > limit(maximum))) {
    faults.push(fault(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${print(maximum)}`))
  }
  if (minimum !== undefined && (exclusiveMinimum ? number <= limit(minimum) : number < limit(minimum))) {
    faults.push(fault(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${print(minimum)}`))
  }
  return outcome(...faults)
}

function checkList(value: NonNullable<Json>, schema: Schema, path: string, old: Json | undefined): Outcome {
  const list = value as Json[]
  const result = outcome()
  const items = itemsOf(schema)
  if (items) {
    const before = old === undefined ? undefined : itemBefore(schema, old)
    list.forEach((item, i) => {
      merge(result, check(item, items, `${path}[${i}]`, before?.(item)))
    })
  }
  const { minItems, maxItems } = schema
  const length = list.length
  if (minItems !== undefined && length < minItems) {
    result.faults.push(fault(path, length, `should have at least ${minItems} items`))
  }
  if (maxItems !== undefined && length > maxItems) {
    result.faults.push({ where: path, error: (field) => tooMany(field, length, maxItems) })
  }
  if (schema.uniqueItems && list.some((item, i) => list.slice(0, i).some((other) => equal(item, other)))) {
    result.faults.push(fault(path, '', "shouldn't contain duplicates"))
  }
  return result
}

function checkEnum(value: Json, schema: Schema, path: string): Outcome {
  const allowed = schema.enum
  if (!allowed?.length || allowed.some((one) => equal(one, value) || isCutTo(one, value))) return outcome()
  const supported = allowed.map((one) => (typeof one === 'string' ? one : stringifyJson(one)))
  return outcome({ where: path, error: (field) => notSupported(field, value, supported) })
}

/** Go converts a value to the type of what it is compared with, which cuts off fractions. */
const isCutTo = (one: Json, value: Json): boolean =>
  typeof one === 'number' && Number.isInteger(one) && typeof value === 'number' && Math.trunc(value) === one

const TYPE_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind'])

function checkObject(value: NonNullable<Json>, schema: Schema, path: string, old: Json | undefined): Outcome {
  const object = value as JsonObject
  const names = Object.keys(object)
  const { minProperties, maxProperties } = schema
  if (minProperties !== undefined && names.length < minProperties) {
    return outcome(fault(path, names.length, `should have at least ${minProperties} properties`))
  }
  if (maxProperties !== undefined && names.length > maxProperties) {
    return outcome({ where: path, error: (field) => tooMany(field, names.length, maxProperties) })
  }
  const result = outcome()
  const values = valuesOf(schema)
  for (const name of names) {
    if (propertyOf(schema, name)) continue
    if (schema.additionalProperties === false) {
      const detail = `${path}.${name} in body is a forbidden property`
      result.faults.push({ where: path, error: (field) => invalid(field, name, detail) })
    } else if (values) merge(result, check(object[name], values, `${path}.${name}`, memberBefore(old, name)))
  }
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    if (!isSet(object, name)) continue
    // What a whole object's type was can't be told, since objects are converted to one version.
    const before = path === '' && TYPE_FIELDS.has(name) ? undefined : memberBefore(old, name)
    merge(result, check(object[name], property, path ? `${path}.${name}` : name, before))
  }
  for (const name of schema.required ?? []) {
    if (isSet(object, name) || propertyOf(schema, name)?.default !== undefined) continue
    result.faults.push({ where: `${path}.${name}`, error: (field) => required(field) })
  }
  return result
}

/** Whether an object has a member, which may be called as what all have: `constructor`. */
const isSet = (object: JsonObject, name: string): boolean => Object.hasOwn(object, name) && object[name] !== undefined

/** `allOf` and its like. Each schema is tried once: where they nest, trying again would double the work with every level. */
function checkJunctors(value: NonNullable<Json>, schema: Schema, path: string): Outcome {
  const result = outcome()
  const quoted = goQuote(path)
  const { anyOf, oneOf, allOf, not } = schema
  if (anyOf?.length) {
    const outcomes: Outcome[] = []
    const fits = anyOf.some((one) => {
      const tried = check(value, one, path)
      outcomes.push(tried)
      return tried.faults.length === 0
    })
    if (!fits) merge(result, noneFits(outcomes, `${quoted} must validate at least one schema (anyOf)`))
  }
  if (oneOf?.length) {
    const outcomes = oneOf.map((one) => check(value, one, path))
    const fitting = outcomes.filter(({ faults }) => !faults.length).length
    const must = `${quoted} must validate one and only one schema (oneOf).`
    if (fitting === 0) merge(result, noneFits(outcomes, `${must} Found none valid`))
    else if (fitting > 1) result.faults.push(general(`${must} Found ${fitting} valid alternatives`))
  }
  if (allOf?.length) {
    const outcomes = allOf.map((one) => check(value, one, path))
    const fitting = outcomes.filter(({ faults }) => !faults.length).length
    for (const one of outcomes) merge(result, one)
    if (fitting < allOf.length) {
      const none = fitting === 0 ? '. None validated' : ''
      result.faults.push(general(`${quoted} must validate all the schemas (allOf)${none}`))
    }
  }
  if (not && !check(value, not, path).faults.length) {
    result.faults.push(general(`${quoted} must not validate the schema (not)`))
  }
  return result
}

function noneFits(outcomes: readonly Outcome[], detail: string): Outcome {
  const closest = outcomes.reduce((best, one) => (one.checks > best.checks ? one : best))
  return { faults: [general(detail)].concat(closest.faults), checks: 0 }
}

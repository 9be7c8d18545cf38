import type { ApiextensionsV1ValidationRule } from '../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, quote, required } from '../machinery/field-errors.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { isUnchanged, itemBefore, memberBefore } from '../machinery/json-schema/correlation.ts'
import { itemsOf, propertiesOf, type Schema, valuesOf } from '../machinery/json-schema/schema.ts'
import { CostError } from './errors.ts'
import { fromJson } from './json-values.ts'
import { COST_BUDGET, COST_PER_EXPRESSION } from './program.ts'
import { type CompiledRule, errorPath, RuleCompiler } from './rule-compiler.ts'
import { schemaType } from './schema-types.ts'
import type { Type } from './types.ts'
import { NONE, Optional, type Value } from './values.ts'

/** The `x-kubernetes-validations` of a schema and of all schemas in it. */
export interface SchemaRules {
  /**
   * Evaluates them for an object that fits the schema otherwise.
   *
   * @param old what the object was, when it is updated: rules with `oldSelf` compare with it, and what else is wrong with unchanged
   *   parts is tolerated
   * @param warn is told what was tolerated, as a Warning says it
   */
  errors(object: JsonObject, old: JsonObject | undefined, warn?: (text: string) => void): FieldError[]
}

/**
 * The rules of a custom resource's structural schema, which are compiled when they are first evaluated.
 *
 * @returns undefined when there are none
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/2876-crd-validation-expression-language
 */
export function compileSchemaRules(schema: Schema): SchemaRules | undefined {
  if (!hasRules(schema)) return undefined
  let root: RuleNode | undefined
  return {
    errors(object, old, warn) {
      root ??= compileNode(schema, true)
      if (!root) return []
      const evaluation = new Evaluation(warn)
      evaluation.visit(
        root,
        '',
        object,
        old,
        old === undefined ? NO_CORRELATION : { value: object, old, schema, unchanged: undefined },
      )
      return evaluation.errors
    },
  }
}

const SKIPPED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'

/** Errors that say that a value is none of its schema at all, so that rules could make nothing of it. */
const BLOCKING: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])

/** What is told instead of evaluating rules for an object with such errors; undefined when rules can be evaluated. */
export function skippedRules(errors: readonly FieldError[]): FieldError | undefined {
  return errors.some(({ reason }) => BLOCKING.has(reason)) ? invalid('<nil>', null, SKIPPED) : undefined
}

function hasRules(schema: Schema | undefined): boolean {
  if (!schema) return false
  if (schema['x-kubernetes-validations']?.length) return true
  return hasRules(itemsOf(schema)) || hasRules(valuesOf(schema)) || Object.values(propertiesOf(schema)).some(hasRules)
}

interface Rule extends CompiledRule {
  readonly source: ApiextensionsV1ValidationRule
  /** From the value to where errors are told. */
  readonly where: string
}

/** A schema with rules, or with such schemas in it. */
interface RuleNode {
  readonly schema: Schema
  /** Undefined where there are no rules. */
  readonly own: OwnRules | undefined
  readonly items: RuleNode | undefined
  readonly values: RuleNode | undefined
  readonly properties: ReadonlyMap<string, RuleNode> | undefined
}

interface OwnRules {
  readonly type: Type
  readonly rules: readonly Rule[]
  /** Whether one of the rules compares. */
  readonly usesOldSelf: boolean
}

/** Undefined where there are no rules, or nothing is known of values, as where there is no type. */
function compileNode(schema: Schema, root: boolean): RuleNode | undefined {
  const own = compileOwn(schema, root)
  if (!own && !schema.type) return undefined
  const below = (part: Schema | undefined): RuleNode | undefined =>
    part && compileNode(part, part['x-kubernetes-embedded-resource'] === true)
  const items = below(itemsOf(schema))
  const values = below(valuesOf(schema))
  const properties = new Map<string, RuleNode>()
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    const node = below(property)
    if (node) properties.set(name, node)
  }
  if (!own && !items && !values && !properties.size) return undefined
  return { schema, own, items, values, properties: properties.size ? properties : undefined }
}

function compileOwn(schema: Schema, root: boolean): OwnRules | undefined {
  const declared = schema['x-kubernetes-validations']
  const type = declared?.length ? schemaType(schema as JsonObject, root) : undefined
  if (!declared || !type) return undefined
  const compiler = new RuleCompiler(type)
  const rules = declared.map((source) => ({ ...compiler.compile(source), source, where: errorPath(source, schema) }))
  return { type, rules, usesOldSelf: rules.some((rule) => rule.usesOldSelf) }
}

/** A value and what it was before, or the nearest value around it that can be told. */
interface Correlation {
  readonly value: Json | undefined
  readonly old: Json | undefined
  readonly schema: Schema | undefined
  /** Whether both are the same, once somebody asked. */
  unchanged: boolean | undefined
  /** Set when this is of a value around the one that is looked at. */
  readonly above?: Correlation
}

/** Of what is new, and so can't be unchanged. */
const NO_CORRELATION: Correlation = { value: undefined, old: undefined, schema: undefined, unchanged: false }

/** Of a part of a correlated value; `old` is undefined for a part that is new or can't be told. */
function partOf(whole: Correlation, value: Json | undefined, old: Json | undefined, schema: Schema): Correlation {
  if (whole === NO_CORRELATION || whole.above) return whole
  if (old === undefined) return { ...NO_CORRELATION, above: whole }
  return { value, old, schema, unchanged: undefined }
}

function isSame(correlation: Correlation): boolean {
  const of = correlation.above ?? correlation
  of.unchanged ??= of.schema !== undefined && isUnchanged(of.value, of.old, of.schema)
  return of.unchanged
}

const OUT_OF_BUDGET = 'failed due to running out of cost budget, no further validation rules will be run'
const CANCELLED = 'operation cancelled: actual cost limit exceeded'
const MAX_MESSAGE = 5 * 1024

/** A value whose rules are evaluated. */
interface Checked {
  readonly schema: Schema
  readonly path: string
  readonly value: NonNullable<Json>
  readonly self: Value
  /** Undefined where there was nothing, or no rule asks for it. */
  readonly oldSelf: Value | undefined
  readonly correlation: Correlation
}

/** One evaluation of all rules for one object. */
class Evaluation {
  readonly errors: FieldError[] = []
  readonly #warn: ((text: string) => void) | undefined
  /** What may still be spent; negative once no more rules are evaluated. */
  #budget = COST_BUDGET

  constructor(warn: ((text: string) => void) | undefined) {
    this.#warn = warn
  }

  /** @param old what rules compare with */
  visit(node: RuleNode, path: string, value: Json | undefined, old: Json | undefined, correlation: Correlation): void {
    if (value === null || value === undefined) return
    if (node.own) this.#evaluate(node, node.own, path, value, old ?? undefined, correlation)
    if (Array.isArray(value)) this.#visitItems(node, path, value, old, correlation)
    else if (isObject(value)) this.#visitMembers(node, path, value, old, correlation)
  }

  #visitItems(node: RuleNode, path: string, list: readonly Json[], old: Json | undefined, correlation: Correlation): void {
    const { items, schema } = node
    if (!items) return
    const before = itemBefore(schema, old)
    for (let i = 0; i < list.length && this.#budget >= 0; i++) {
      const item = list[i]
      const was = before(item)
      this.visit(items, `${path}[${i}]`, item, was, partOf(correlation, item, was, items.schema))
    }
  }

  #visitMembers(node: RuleNode, path: string, object: JsonObject, old: Json | undefined, correlation: Correlation): void {
    const { values, properties } = node
    if (values) {
      for (const name of Object.keys(object)) {
        if (this.#budget < 0) return
        this.#visitMember(values, `${path}[${name}]`, name, object, old, correlation)
      }
    }
    if (!properties) return
    for (const name of Object.keys(object)) {
      if (this.#budget < 0) return
      const property = properties.get(name)
      // What a whole object's type was can't be told, since objects are converted to one version.
      const hidden = path === '' && (name === 'apiVersion' || name === 'kind')
      const at = path ? `${path}.${name}` : name
      if (property) this.#visitMember(property, at, name, object, old, hidden ? NO_CORRELATION : correlation)
    }
  }

  #visitMember(
    node: RuleNode,
    at: string,
    name: string,
    object: JsonObject,
    old: Json | undefined,
    correlation: Correlation,
  ): void {
    const value = object[name]
    const was = memberBefore(old, name)
    this.visit(node, at, value, was, partOf(correlation, value, was, node.schema))
  }

  #evaluate(
    { schema }: RuleNode,
    { type, rules, usesOldSelf }: OwnRules,
    path: string,
    value: NonNullable<Json>,
    old: Json | undefined,
    correlation: Correlation,
  ): void {
    const oldSelf = usesOldSelf && old !== undefined ? fromJson(old, type) : undefined
    const checked: Checked = { schema, path, value, self: fromJson(value, type), oldSelf, correlation }
    for (const rule of rules) {
      if (this.#budget < 0) return
      this.#apply(rule, checked, old !== undefined)
    }
  }

  #apply(rule: Rule, checked: Checked, hasOld: boolean): void {
    const { path, self, oldSelf, correlation } = checked
    const { source, program, usesOldSelf } = rule
    const optional = source.optionalOldSelf === true
    const fail = (detail: string): void => void this.errors.push(invalid(path || '<nil>', checked.schema.type ?? '', detail))
    if (!program) {
      if (rule.error) fail(`rule compile error: ${rule.error}`)
      return
    }
    if (usesOldSelf && !hasOld && !optional) return
    const before = optional ? (oldSelf === undefined ? NONE : new Optional(oldSelf)) : oldSelf
    const { value, cost, error } = program.attempt({ self, oldSelf: before }, COST_PER_EXPRESSION)
    this.#budget -= cost
    if (this.#budget < 0) fail(`validation ${OUT_OF_BUDGET}`)
    else if (value === undefined) {
      fail(failureOf(error, source))
      if (error instanceof CostError) this.#budget = -1
    } else if (value !== true) {
      const told = this.#told(rule, checked)
      if (!usesOldSelf && isSame(correlation)) this.#warn?.(`${told.field}: ${told.message}`)
      else this.errors.push(told)
    }
  }

  /** What is said of a value that a rule doesn't hold for. When finding that out costs too much, it ends the evaluation. */
  #told(rule: Rule, { schema, path, value, self, oldSelf }: Checked): FieldError {
    const { message, source, where } = rule
    const field = (path && where ? `${path}.${where}` : where || path) || '<nil>'
    const usual = (source.message || `failed rule: ${source.rule ?? ''}`).trim()
    if (!message) return errorFor(field, value, usual, rule, schema)
    const { value: made, cost, error } = message.attempt({ self, oldSelf }, COST_PER_EXPRESSION)
    this.#budget -= cost
    if (this.#budget < 0) return invalid(field, schema.type ?? '', `messageExpression evaluation ${OUT_OF_BUDGET}`)
    if (error instanceof CostError) {
      this.#budget = -1
      const expression = quote(source.messageExpression ?? '')
      const detail = `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${expression}`
      return invalid(field, schema.type ?? '', detail)
    }
    const text = typeof made === 'string' ? made.trim() : ''
    const fits = text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= MAX_MESSAGE
    return errorFor(field, value, fits ? text : usual, rule, schema)
  }
}

/** What messages call a rule. */
const nameOf = ({ message, rule = '' }: ApiextensionsV1ValidationRule): string => (message || rule).trim()

/** Why there is no value. @throws what isn't the expression's fault */
function failureOf(error: unknown, rule: ApiextensionsV1ValidationRule): string {
  if (!(error instanceof Error)) throw error
  if (error instanceof CostError) {
    return `'${CANCELLED}': no further validation rules will be run due to call cost exceeds limit for rule: ${nameOf(rule)}`
  }
  if (error.name !== 'EvaluationError') throw error
  if (error.message.startsWith('no such overload')) {
    const detail = 'call arguments did not match a supported operator, function or macro signature for rule'
    return `'${error.message}': ${detail}: ${nameOf(rule)}`
  }
  return `${error.message} evaluating rule: ${nameOf(rule)}`
}

/** Objects and lists aren't shown. */
function errorFor(field: string, value: Json, detail: string, { source }: Rule, { type }: Schema): FieldError {
  const hidden = type === 'object' || type === 'array'
  switch (source.reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, detail)
    case 'FieldValueRequired':
      return required(field, detail)
    case 'FieldValueDuplicate':
      return hidden ? { reason: 'FieldValueDuplicate', field, message: 'Duplicate value' } : duplicate(field, value)
  }
  return hidden ? { reason: 'FieldValueInvalid', field, message: `Invalid value: ${detail}` } : invalid(field, value, detail)
}

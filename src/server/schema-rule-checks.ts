import { estimateCost } from '../cel/estimate.ts'
import type { Program } from '../cel/program.ts'
import { type CompiledRule, RuleCompiler } from '../cel/rule-compiler.ts'
import { fewestBytes, MAX_REQUEST, schemaType } from '../cel/schema-types.ts'
import type { Type } from '../cel/types.ts'
import type { ApiextensionsV1ValidationRule } from '../generated/types.ts'
import { type FieldError, forbiddenField, internalFieldError, invalid } from '../machinery/field-errors.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'
import type { RuleSite, StoredRules } from '../registry/expressions.ts'

/** What one expression may cost for all values that an object can have of it, and all of a schema's together. */
const MOST_FOR_ONE = 10_000_000
const MOST_FOR_ALL = 100_000_000
/** How many expressions are named when all together cost too much. */
const NAMED = 4

const NO_TYPE =
  'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations'

/**
 * What is wrong with a schema's `x-kubernetes-validations`: what doesn't compile, what costs too much, and what compares with an old
 * value where there can't be one.
 *
 * @see ExpressionChecks.schemaRules
 */
export function schemaRuleErrors(sites: readonly RuleSite[], path: string, stored: StoredRules): FieldError[] {
  const errors: FieldError[] = []
  const costs = new Costs(stored.unchanged)
  for (const site of sites) errors.push(...siteErrors(site, costs))
  return [...errors, ...costs.errors(path)]
}

function siteErrors(site: RuleSite, costs: Costs): FieldError[] {
  const { schema, parents } = site
  const json = schema as JsonObject
  const root = isResource(schema, parents.length)
  const type = schemaType(json, root)
  const field = `${site.path}.x-kubernetes-validations`
  if (!type || isBelowUnknown(parents)) return [internalFieldError(field, NO_TYPE)]
  const times = boundedTimes(parents) ?? Math.trunc(MAX_REQUEST / ((fewestBytes(json, root) ?? 0) + 1))
  const compiler = new RuleCompiler(type)
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) =>
    ruleErrors(rule, compiler.compile(rule), `${field}[${i}]`, { site, type, times, costs }),
  )
}

const isResource = (schema: Schema, depth: number): boolean => depth === 0 || schema['x-kubernetes-embedded-resource'] === true

/** Types come down from the outermost schema with rules: where one isn't known, nothing below it is. */
function isBelowUnknown(parents: readonly Schema[]): boolean {
  const outermost = parents.findIndex((parent) => parent['x-kubernetes-validations']?.length)
  return outermost >= 0 && parents.some((parent, i) => i >= outermost && !schemaType(parent as JsonObject, isResource(parent, i)))
}

interface Place {
  readonly site: RuleSite
  readonly type: Type
  /** How many values of the schema an object may have. */
  readonly times: number
  readonly costs: Costs
}

function ruleErrors(rule: ApiextensionsV1ValidationRule, compiled: CompiledRule, field: string, place: Place): FieldError[] {
  const errors: FieldError[] = []
  const { site, type, times, costs } = place
  const { uncorrelatable } = site
  const { program, error, messageError, message, usesOldSelf } = compiled
  errors.push(...costs.observe(`${field}.rule`, 'estimated rule cost', mostOf(program, type) * times))
  if (error !== undefined) errors.push(invalid(`${field}.rule`, shown(rule), error))
  if (messageError !== undefined) errors.push(invalid(`${field}.messageExpression`, shown(rule), messageError))
  else if (message) {
    errors.push(...costs.observe(`${field}.messageExpression`, 'estimated messageExpression cost', mostOf(message, type)))
  }
  if (usesOldSelf && uncorrelatable !== undefined) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`
    errors.push(invalid(`${field}.rule`, rule.rule ?? '', detail))
  } else if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    errors.push(invalid(`${field}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'))
  }
  return errors
}

const mostOf = (program: Program | undefined, type: Type): number => (program ? estimateCost(program, type).max : 0)

/** A rule as errors show it: by the names of the reference's internal type. */
const shown = ({ rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: ApiextensionsV1ValidationRule) => ({
  Rule: rule ?? '',
  Message: message ?? '',
  MessageExpression: messageExpression ?? '',
  Reason: reason ?? null,
  FieldPath: fieldPath ?? '',
  OptionalOldSelf: optionalOldSelf ?? null,
})

/** How often lists and maps around a schema may repeat it; undefined when one of them has no bound. */
function boundedTimes(parents: readonly Schema[]): number | undefined {
  let times = 1
  for (const { type, additionalProperties, maxItems, maxProperties } of parents) {
    const bound = type === 'array' ? maxItems : type === 'object' && additionalProperties !== undefined ? maxProperties : 1
    if (bound === undefined) return undefined
    times *= Math.max(bound, 0)
  }
  return times
}

/** What the expressions of one schema cost together. */
class Costs {
  readonly #tolerant: boolean
  #total = 0
  readonly #expensive: { field: string; cost: number }[] = []

  /** @param tolerant whether single expressions may cost what they do */
  constructor(tolerant: boolean) {
    this.#tolerant = tolerant
  }

  observe(field: string, name: string, cost: number): FieldError[] {
    this.#total += cost
    // What is less than a hundredth isn't worth a name.
    if (cost >= MOST_FOR_ALL / 100) this.#expensive.push({ field, cost })
    if (this.#tolerant || cost <= MOST_FOR_ONE) return []
    return [forbiddenField(field, tooMuch(name, cost / MOST_FOR_ONE))]
  }

  errors(path: string): FieldError[] {
    if (this.#total <= MOST_FOR_ALL) return []
    const name = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    const most = this.#expensive.toSorted((a, b) => b.cost - a.cost).slice(0, NAMED)
    const detail = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    return [
      ...most.map(({ field }) => forbiddenField(field, detail)),
      forbiddenField(path, tooMuch(name, this.#total / MOST_FOR_ALL)),
    ]
  }
}

function tooMuch(name: string, factor: number): string {
  const by = factor > 100 ? 'more than 100x' : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared'
  return `${name} exceeds budget by factor of ${by} (${advice})`
}

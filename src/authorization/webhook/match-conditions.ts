import { CompileError, CostError, EvaluationError } from '../../cel/errors.ts'
import { fromJson } from '../../cel/json-values.ts'
import { kubernetes } from '../../cel/kubernetes.ts'
import type { Program } from '../../cel/program.ts'
import { BOOL, listType, mapType, objectType, STRING, sameType, type Type } from '../../cel/types.ts'
import { isObject, type JsonObject } from '../../machinery/json.ts'
import type { UserInfo } from '../../machinery/user.ts'
import type { Attributes } from '../attributes.ts'
import { aggregate } from '../authorizer.ts'
import { reviewSpec } from './review.ts'

/** An expression over a SubjectAccessReview that says whether a webhook is asked at all. */
export interface MatchCondition {
  readonly program: Program
}

const texts = (...names: string[]): Record<string, Type> => Object.fromEntries(names.map((name) => [name, STRING]))

const REQUIREMENT = objectType('kubernetes.SelectorRequirement', { ...texts('key', 'operator'), values: listType(STRING) })
const selectorType = (name: string): Type =>
  objectType(`kubernetes.${name}`, { rawSelector: STRING, requirements: listType(REQUIREMENT) })

const RESOURCE = objectType('kubernetes.ResourceAttributes', {
  ...texts('namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'),
  fieldSelector: selectorType('FieldSelectorAttributes'),
  labelSelector: selectorType('LabelSelectorAttributes'),
})

const REQUEST = objectType('kubernetes.SubjectAccessReviewSpec', {
  resourceAttributes: RESOURCE,
  nonResourceAttributes: objectType('kubernetes.NonResourceAttributes', texts('path', 'verb')),
  ...texts('user', 'uid'),
  groups: listType(STRING),
  extra: mapType(STRING, listType(STRING)),
})

const environment = kubernetes.extend({ variables: { request: REQUEST } })

/** @returns what is wrong with the expression, in the reference's words, if anything is */
export function compileCondition(expression: string): MatchCondition | string {
  try {
    const program = environment.compile(expression)
    if (!sameType(program.type, BOOL)) return `must evaluate to bool but got ${program.type}`
    return { program }
  } catch (error) {
    if (error instanceof CompileError) return `compilation failed: ${error.message}`
    throw error
  }
}

/**
 * Whether all conditions hold. One that doesn't hold makes up for others that have no value.
 *
 * @throws Error that names the conditions without a value
 */
export function conditionsHold(conditions: readonly MatchCondition[], user: UserInfo, attributes: Attributes): boolean {
  const request = fromJson(requestOf(user, attributes), REQUEST)
  const failures: string[] = []
  for (const { program } of conditions) {
    try {
      if (program.evaluate({ request }).value === false) return false
    } catch (error) {
      if (!(error instanceof EvaluationError || error instanceof CostError)) throw error
      failures.push(`cel evaluation error: expression '${program.source}' resulted in error: ${error.message}`)
    }
  }
  if (failures.length) throw new Error(aggregate(failures))
  return true
}

const EMPTY_RESOURCE = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' }

/** The review's spec, with the empty texts that the review itself leaves out. */
function requestOf(user: UserInfo, attributes: Attributes): JsonObject {
  const spec = reviewSpec(user, attributes, 'v1')
  const { resourceAttributes, nonResourceAttributes } = spec
  return {
    user: user.name,
    groups: [...user.groups],
    uid: user.uid,
    extra: spec.extra ?? {},
    ...(isObject(resourceAttributes) ? { resourceAttributes: { ...EMPTY_RESOURCE, ...resourceAttributes } } : {}),
    ...(isObject(nonResourceAttributes) ? { nonResourceAttributes: { path: '', verb: '', ...nonResourceAttributes } } : {}),
  }
}

import type { BatchV1JobSpec, BatchV1PodFailurePolicyRule } from '../../generated/types.ts'
import {
  duplicate,
  type FieldError,
  invalid,
  notSupported,
  quote,
  required,
  tooLong,
  tooMany,
} from '../../machinery/field-errors.ts'
import { isQualifiedName } from '../../machinery/validation.ts'
import { NOT_NEGATIVE } from '../core/rules.ts'

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const OPERATORS = ['In', 'NotIn']
const CONDITION_STATUSES = ['False', 'True', 'Unknown']
const MAX_RULES = 20
const MAX_PATTERNS = 20
const MAX_EXIT_CODES = 255
const MAX_INDEXES_LENGTH = 64 * 1024

const choice = (field: string, value: string | undefined, values: readonly string[]): FieldError[] => {
  if (!value) return [required(field, `valid values: [${values.map((v) => quote(v)).join(' ')}]`)]
  return values.includes(value) ? [] : [notSupported(field, value, values)]
}

/** A rule without a value to print. */
const wrong = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${detail}`,
})

export function validatePodFailurePolicy(spec: BatchV1JobSpec, path: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? []
  const errors = rules.length > MAX_RULES ? [tooMany(`${path}.rules`, rules.length, MAX_RULES)] : []
  const { containers, initContainers } = spec.template?.spec ?? {}
  const names = new Set([...(containers ?? []), ...(initContainers ?? [])].map((container) => container.name))
  rules.forEach((rule, i) => {
    const at = `${path}.rules[${i}]`
    if (rule.action === 'FailIndex') {
      if (spec.backoffLimitPerIndex === undefined) {
        errors.push(invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'))
      }
    } else errors.push(...choice(`${at}.action`, rule.action, ACTIONS))
    errors.push(...validateExitCodes(rule, `${at}.onExitCodes`, names), ...validatePatterns(rule, `${at}.onPodConditions`))
    const hasPatterns = Boolean(rule.onPodConditions?.length)
    if (rule.onExitCodes && hasPatterns) {
      errors.push(wrong(at, 'specifying both OnExitCodes and OnPodConditions is not supported'))
    }
    if (!rule.onExitCodes && !hasPatterns) {
      errors.push(wrong(at, 'specifying one of OnExitCodes and OnPodConditions is required'))
    }
  })
  return errors
}

function validatePatterns({ onPodConditions = [] }: BatchV1PodFailurePolicyRule, path: string): FieldError[] {
  const { length } = onPodConditions
  const errors = length > MAX_PATTERNS ? [tooMany(path, length, MAX_PATTERNS)] : []
  onPodConditions.forEach(({ type = '', status }, i) => {
    const at = `${path}[${i}]`
    errors.push(...isQualifiedName(type).map((message) => invalid(`${at}.type`, type, message)))
    errors.push(...choice(`${at}.status`, status, CONDITION_STATUSES))
  })
  return errors
}

function validateExitCodes(
  { onExitCodes }: BatchV1PodFailurePolicyRule,
  path: string,
  containers: ReadonlySet<string | undefined>,
): FieldError[] {
  if (!onExitCodes) return []
  const { operator, containerName, values } = onExitCodes
  const errors = choice(`${path}.operator`, operator, OPERATORS)
  if (containerName !== undefined && !containers.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template'
    errors.push(invalid(`${path}.containerName`, containerName, detail))
  }
  const at = `${path}.values`
  if (!values?.length) return [...errors, invalid(at, values, 'at least one value is required')]
  if (values.length > MAX_EXIT_CODES) errors.push(tooMany(at, values.length, MAX_EXIT_CODES))
  values.forEach((value, i) => {
    if (operator === 'In' && value === 0) errors.push(invalid(`${at}[${i}]`, value, 'must not be 0 for the In operator'))
    if (values.indexOf(value) < i) errors.push(duplicate(`${at}[${i}]`, value))
  })
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) errors.push(invalid(at, values, 'must be ordered'))
  return errors
}

export function validateSuccessPolicy(spec: BatchV1JobSpec, path: string): FieldError[] {
  const rules = spec.successPolicy?.rules ?? []
  const completions = spec.completions ?? 0
  const errors: FieldError[] = []
  if (!rules.length) {
    errors.push(required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'))
  }
  if (rules.length > MAX_RULES) errors.push(tooMany(`${path}.rules`, rules.length, MAX_RULES))
  rules.forEach(({ succeededCount: count, succeededIndexes: indexes }, i) => {
    const at = `${path}.rules[${i}]`
    if (count === undefined && indexes === undefined) {
      errors.push(required(at, 'at least one of succeededCount or succeededIndexes must be specified'))
    }
    let total = 0
    if (indexes !== undefined) {
      const field = `${at}.succeededIndexes`
      if (indexes.length > MAX_INDEXES_LENGTH) errors.push(tooLong(field, MAX_INDEXES_LENGTH))
      const read = countIndexes(indexes, completions)
      if (typeof read === 'number') total = read
      else errors.push(invalid(field, indexes, `error parsing succeededIndexes: ${read.problem}`))
    }
    if (count === undefined) return
    const field = `${at}.succeededCount`
    if (count < 0) errors.push(invalid(field, count, NOT_NEGATIVE))
    if (count > completions) {
      const detail = `must be less than or equal to ${completions} (the number of specified completions)`
      errors.push(invalid(field, count, detail))
    }
    if (indexes !== undefined && count > total) {
      const detail = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`
      errors.push(invalid(field, count, detail))
    }
  })
  return errors
}

/** Reads indexes such as `1,3-5,7`. */
export function countIndexes(text: string, completions: number): number | { problem: string } {
  if (!text) return 0
  let total = 0
  let last = -1
  for (const interval of text.split(',')) {
    const limits = interval.split('-')
    if (limits.length > 2) {
      const rule = 'violates the requirement that an index interval can have at most two parts separated by'
      return { problem: `the fragment ${quote(interval)} ${rule} '-'` }
    }
    for (const limit of limits) {
      if (!/^[+-]?[0-9]+$/.test(limit)) return { problem: `cannot convert string to integer for index: ${quote(limit)}` }
      if (Number(limit) >= completions) return { problem: `too large index: ${quote(limit)}` }
    }
    const [first = 0, end = first] = limits.map(Number)
    if (limits.length > 1 && first >= end) return { problem: `non-increasing order, previous: ${first}, current: ${end}` }
    if (last >= first) return { problem: `non-increasing order, previous: ${last}, current: ${first}` }
    total += end - first + 1
    last = end
  }
  return total
}

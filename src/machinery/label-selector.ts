import { invalid, quote } from './field-errors.ts'
import { parseRequirements, SelectorError } from './label-selector-parser.ts'
import { isQualifiedName, isValidLabelValue } from './validation.ts'

/** Operators under the names by which the reference's messages list them. */
export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!'

export type Labels = Readonly<Record<string, string | undefined>>

/** One condition on one label. */
export class LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  /** Sorted, without duplicates when parsed from text. */
  readonly values: readonly string[]
  readonly #first: string
  readonly #bound: number | bigint

  /** @throws SelectorError that lists everything wrong with key, operator and values */
  constructor(key: string, operator: LabelOperator, values: readonly string[]) {
    const problems = problemsOf(key, operator, values)
    if (problems.length === 1) throw new SelectorError(problems[0]!)
    if (problems.length) throw new SelectorError(`[${[...new Set(problems)].join(', ')}]`)
    this.key = key
    this.operator = operator
    this.values = values
    this.#first = values[0] ?? ''
    this.#bound = operator === 'gt' || operator === 'lt' ? parseInt64(this.#first)! : 0
  }

  /** @param value of the label `key`; undefined when there is none */
  matchesValue(value: string | undefined): boolean {
    switch (this.operator) {
      case '=':
      case '==':
        return value === this.#first
      case '!=':
        return value !== this.#first
      case 'in':
        return value !== undefined && (value === this.#first || this.values.includes(value))
      case 'notin':
        return value === undefined || !this.values.includes(value)
      case 'exists':
        return value !== undefined
      case '!':
        return value === undefined
      case 'gt':
      case 'lt': {
        const number = value === undefined ? undefined : parseInt64(value)
        if (number === undefined) return false
        return this.operator === 'gt' ? number > this.#bound : number < this.#bound
      }
    }
  }

  toString(): string {
    const list = [...this.values].sort().join(',')
    switch (this.operator) {
      case 'exists':
        return this.key
      case '!':
        return `!${this.key}`
      case 'in':
      case 'notin':
        return `${this.key} ${this.operator} (${list})`
      case 'gt':
        return `${this.key}>${list}`
      case 'lt':
        return `${this.key}<${list}`
      default:
        return `${this.key}${this.operator}${list}`
    }
  }
}

/** All of some requirements, or nothing at all. */
export class LabelSelector {
  /** Sorted by key. */
  readonly requirements: readonly LabelRequirement[]
  /** Doesn't restrict anything. */
  readonly empty: boolean
  readonly #nothing: boolean

  /** @param requirements undefined for the selector that matches nothing */
  constructor(requirements: readonly LabelRequirement[] | undefined) {
    this.#nothing = requirements === undefined
    this.requirements = (requirements ?? []).toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    this.empty = !this.#nothing && this.requirements.length === 0
  }

  matches(labels: Labels | undefined | null): boolean {
    if (this.#nothing) return false
    for (let i = 0; i < this.requirements.length; i++) {
      const requirement = this.requirements[i]!
      const value = labels?.[requirement.key]
      // Not a string: a member that every object inherits, such as `constructor`, which is a good label key too.
      if (!requirement.matchesValue(typeof value === 'string' ? value : undefined)) return false
    }
    return true
  }

  /** The canonical text, which parses to the same selector. */
  toString(): string {
    return this.requirements.join(',')
  }
}

export const EVERYTHING: LabelSelector = new LabelSelector([])
export const NOTHING: LabelSelector = new LabelSelector(undefined)

/**
 * Parses the text of a `labelSelector` option.
 *
 * @throws SelectorError with the reference's message (an option's error is a 400 with just that message)
 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text === '') return EVERYTHING
  return new LabelSelector(parseRequirements(text, checkKey, (...args) => new LabelRequirement(...args)))
}

function checkKey(key: string): void {
  const errors = isQualifiedName(key)
  if (errors.length) throw new SelectorError(`<nil>: ${invalid('', key, errors.join('; ')).message}`)
}

/** The LabelSelector of an API object. */
export interface LabelSelectorObject {
  matchLabels?: Readonly<Record<string, string>> | null
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] | null }[] | null
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator | undefined>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
}

/**
 * The selector that an API object's LabelSelector stands for: none matches nothing, an empty one everything.
 *
 * @throws SelectorError for what validation would refuse
 */
export function labelSelectorFromObject(selector: LabelSelectorObject | undefined | null): LabelSelector {
  if (!selector) return NOTHING
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => new LabelRequirement(key, '=', [value]))
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(OBJECT_OPERATORS, operator) ? OBJECT_OPERATORS[operator] : undefined
    if (!known) throw new SelectorError(`${quote(operator)} is not a valid label selector operator`)
    requirements.push(new LabelRequirement(key, known, values ?? []))
  }
  return requirements.length ? new LabelSelector(requirements) : EVERYTHING
}

/** The selector of a plain map (`spec.selector` of Services and ReplicationControllers), which isn't validated. */
export function labelSelectorFromMap(map: Readonly<Record<string, string>> | undefined | null): {
  matches(labels: Labels | undefined): boolean
} {
  const entries = Object.entries(map ?? {})
  return { matches: (labels) => entries.every(([key, value]) => labels?.[key] === value) }
}

function problemsOf(key: string, operator: LabelOperator, values: readonly string[]): string[] {
  const problems: string[] = []
  const report = (field: string, value: unknown, detail: string): void => {
    problems.push(`${field}: ${invalid(field, value, detail).message}`)
  }
  const keyErrors = isQualifiedName(key)
  if (keyErrors.length) report('key', key, keyErrors.join('; '))
  switch (operator) {
    case 'in':
    case 'notin':
      if (!values.length) report('values', values, "for 'in', 'notin' operators, values set can't be empty")
      break
    case '=':
    case '==':
    case '!=':
      if (values.length !== 1) report('values', values, 'exact-match compatibility requires one single value')
      break
    case 'exists':
    case '!':
      if (values.length) report('values', values, 'values set must be empty for exists and does not exist')
      break
    case 'gt':
    case 'lt':
      if (values.length !== 1) report('values', values, "for 'Gt', 'Lt' operators, exactly one value is required")
      values.forEach((value, i) => {
        if (parseInt64(value) !== undefined) return
        report(`values[${i}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")
      })
  }
  values.forEach((value, i) => {
    const errors = isValidLabelValue(value)
    if (errors.length) report(`values[${i}][${key}]`, value, errors.join('; '))
  })
  return problems
}

/** A decimal integer of 64 bits; undefined when the text is anything else. */
function parseInt64(text: string): number | bigint | undefined {
  if (!/^[-+]?[0-9]+$/.test(text)) return undefined
  if (text.length <= 15) return Number(text)
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

import { BudgetError, Evaluation, type Result } from '../../cel/admission-programs.ts'
import { COST_BUDGET, COST_BUDGET_OF_CONDITIONS, COST_PER_EXPRESSION, type Variables } from '../../cel/program.ts'
import type { ValidatingPrograms, Validation } from './compile.ts'
import { evaluateConditions } from './conditions.ts'

/** Why a policy says no. */
export interface Denial {
  readonly message: string
  /** Empty for what could not be evaluated. */
  readonly reason: string
  /** Which of the validations it was. */
  readonly index: number
}

/** An audit annotation, under the key that the policy gives it. */
export interface Annotation {
  readonly key: string
  readonly value: string
}

export interface Verdict {
  /** Of the validations, in order; what becomes of them is the binding's to say. */
  readonly denials: readonly Denial[]
  /** Audit annotations without a value, which refuse the request whatever the binding says. */
  readonly annotationErrors: readonly Denial[]
  readonly annotations: readonly Annotation[]
}

export interface Inputs {
  /** What all expressions can use. */
  readonly plain: Variables
  /** The same with `authorizer`. */
  readonly asking: Variables
  /** The variable `namespaceObject`, which match conditions don't get. */
  readonly namespaceObject: Variables[string]
}

const ADMITTED: Verdict = { denials: [], annotationErrors: [], annotations: [] }
const MAX_MESSAGE_BYTES = 5 * 1024

/**
 * What a policy says of a request with one set of parameters.
 *
 * @param ignoreErrors its failure policy: what can't be evaluated counts as if it held
 */
export function evaluateValidating(programs: ValidatingPrograms, inputs: Inputs, ignoreErrors: boolean): Verdict {
  const failure = (message: string): Verdict =>
    ignoreErrors ? ADMITTED : { ...ADMITTED, denials: [{ message, reason: '', index: 0 }] }
  const { conditions, variables, annotations } = programs
  if (conditions.length) {
    const fits = evaluateConditions(conditions, new Evaluation(variables, inputs.asking, COST_BUDGET_OF_CONDITIONS))
    if (fits === false) return ADMITTED
    if (fits !== true) return failure(fits.error)
  }
  const { namespaceObject } = inputs
  const plain = { ...inputs.plain, namespaceObject }
  try {
    const denials = denialsOf(programs, { ...inputs, plain, asking: { ...inputs.asking, namespaceObject } }, ignoreErrors)
    if (!annotations.length) return denials.length ? { ...ADMITTED, denials } : ADMITTED
    return { denials, ...annotate(programs, plain, ignoreErrors) }
  } catch (error) {
    if (error instanceof BudgetError) return failure(error.message)
    throw error
  }
}

/** @throws BudgetError */
function denialsOf(programs: ValidatingPrograms, { asking, plain }: Inputs, ignoreErrors: boolean): Denial[] {
  const { validations, variables } = programs
  const evaluation = new Evaluation(variables, asking, COST_BUDGET)
  const results = validations.map(({ expression }) => evaluation.evaluate(expression))
  const { remaining } = evaluation
  const mayOverspend = remaining < (validations.length + variables.size) * COST_PER_EXPRESSION
  if (!mayOverspend && results.every((result) => 'value' in result && result.value === true)) return []
  const messages = messagesOf(programs, plain, remaining)
  return results.flatMap((result, i): Denial[] => {
    if ('error' in result) return ignoreErrors ? [] : [{ message: result.error, reason: '', index: i }]
    if (messages instanceof BudgetError) {
      return ignoreErrors ? [] : [{ message: `failed messageExpression: ${messages.message}`, reason: '', index: i }]
    }
    if (result.value === true) return []
    const validation = validations[i] as Validation
    return [{ message: messageOf(validation, messages[i]), reason: validation.reason, index: i }]
  })
}

function messagesOf(
  { validations, variables }: ValidatingPrograms,
  plain: Variables,
  budget: number,
): (Result | undefined)[] | BudgetError {
  const evaluation = new Evaluation(variables, plain, budget)
  try {
    return validations.map(({ messageExpression }) => messageExpression && evaluation.evaluate(messageExpression))
  } catch (error) {
    if (error instanceof BudgetError) return error
    throw error
  }
}

/** The message that was computed, if it is good for one; else the one that was written down; else the expression. */
function messageOf({ expression, message }: Validation, computed: Result | undefined): string {
  if (computed && 'value' in computed && typeof computed.value === 'string') {
    const text = computed.value.trim()
    if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) return text
  }
  return message.trim() || `failed expression: ${expression.text.trim()}`
}

/** @throws BudgetError */
function annotate(
  { annotations, variables }: ValidatingPrograms,
  plain: Variables,
  ignoreErrors: boolean,
): Pick<Verdict, 'annotationErrors' | 'annotations'> {
  const evaluation = new Evaluation(variables, plain, COST_BUDGET)
  const errors: Denial[] = []
  const found: Annotation[] = []
  annotations.forEach(({ key, expression }, index) => {
    const result = evaluation.evaluate(expression)
    if ('error' in result) {
      if (!ignoreErrors) errors.push({ message: result.error, reason: '', index })
      return
    }
    // Null says that there is to be none this time.
    const value = typeof result.value === 'string' ? result.value.trim() : ''
    if (value !== '') found.push({ key, value })
  })
  return { annotationErrors: errors, annotations: found }
}

import { BudgetError, type Evaluation, type Expression } from '../../cel/admission-programs.ts'

/** Whether all match conditions hold; an error is only one where no condition is false. */
export type ConditionsResult = boolean | { readonly error: string }

/** Asks the match conditions of a policy or webhook in order: the first that is false settles it. */
export function evaluateConditions(conditions: readonly Expression[], evaluation: Evaluation): ConditionsResult {
  const errors: string[] = []
  try {
    for (const condition of conditions) {
      const result = evaluation.evaluate(condition)
      if ('error' in result) errors.push(result.error)
      else if (result.value === false) return false
    }
  } catch (error) {
    if (error instanceof BudgetError) return { error: error.message }
    throw error
  }
  if (errors.length === 0) return true
  const distinct = [...new Set(errors)]
  return { error: distinct.length === 1 ? (distinct[0] as string) : `[${distinct.join(', ')}]` }
}

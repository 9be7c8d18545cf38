import type { FieldError } from '../../machinery/field-errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { ExpressionScope } from '../../registry/expressions.ts'

/** What the expressions of one object may use. */
export interface Expressions {
  readonly context: WriteContext
  readonly params: boolean
  readonly variables?: ExpressionScope['variables']
  /** Every text in the stored object. */
  readonly stored: ReadonlySet<string>
}

/** Whether an expression compiles to what is wanted. */
export function expressionErrors(
  field: string,
  text: string,
  returns: ExpressionScope['returns'],
  { context, params, variables, stored }: Expressions,
): FieldError[] {
  const scope: ExpressionScope = {
    returns,
    params,
    // A message can't depend on what somebody may do.
    authorizer: returns !== 'string',
    ...(variables ? { variables } : {}),
    stored: stored.has(text),
  }
  return context.env.expressions?.expression(text, field, scope) ?? []
}

/** Every string in an object, which is more than its expressions, but all that matters is that these are among them. */
export function textsOf(value: unknown, into: Set<string> = new Set()): Set<string> {
  if (typeof value === 'string') into.add(value)
  else if (typeof value === 'object' && value !== null) for (const below of Object.values(value)) textsOf(below, into)
  return into
}

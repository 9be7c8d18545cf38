import { admissionEnvironment } from '../cel/admission.ts'
import { CompileError } from '../cel/errors.ts'
import { JSON_PATCH } from '../cel/library/json-patches.ts'
import type { Program } from '../cel/program.ts'
import { BOOL, DYN, listType, NULL, openType, STRING, sameType, type Type } from '../cel/types.ts'
import { invalid } from '../machinery/field-errors.ts'
import type { ExpressionChecks, ExpressionScope } from '../registry/expressions.ts'

/** What an expression must come to; anything where nothing is said. */
const WANTED: Readonly<Record<ExpressionScope['returns'], readonly Type[]>> = {
  bool: [BOOL],
  string: [STRING],
  nullableString: [STRING, NULL],
  any: [],
  applyConfiguration: [openType('Object')],
  jsonPatch: [listType(JSON_PATCH)],
}

/** Compiles the expressions of webhooks and policies, for the kinds that hold them. */
export const expressionChecks: ExpressionChecks = {
  expression(text, field, scope) {
    try {
      const { type } = compile(text, scope, typesOf(scope))
      const wanted = WANTED[scope.returns]
      if (wanted.length === 0 || wanted.some((one) => sameType(one, type))) return []
      const names = wanted.length === 1 ? `${wanted[0]}` : `one of [${wanted.join(' ')}]`
      return [invalid(field, text, `must evaluate to ${names} but got ${type}`)]
    } catch (error) {
      if (error instanceof CompileError) return [invalid(field, text, `compilation failed: ${error.message}`)]
      throw error
    }
  },
}

function compile(text: string, scope: ExpressionScope, variables: Record<string, Type> | undefined): Program {
  const { params, authorizer, returns } = scope
  const mutating = returns === 'applyConfiguration' || returns === 'jsonPatch'
  return admissionEnvironment({ params, authorizer, mutating, ...(variables ? { variables } : {}) }).compile(text)
}

/** The types of the variables; nothing is known of those that don't compile. */
function typesOf(scope: ExpressionScope): Record<string, Type> | undefined {
  if (!scope.variables) return undefined
  const types: Record<string, Type> = {}
  for (const { name, expression } of scope.variables) {
    try {
      types[name] = compile(expression, { ...scope, authorizer: true, returns: 'any' }, types).type
    } catch (error) {
      if (!(error instanceof CompileError)) throw error
      types[name] = DYN
    }
  }
  return types
}

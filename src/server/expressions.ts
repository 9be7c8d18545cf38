import { admissionEnvironment } from '../cel/admission.ts'
import { compileVariables } from '../cel/admission-programs.ts'
import { compileDeviceSelector, DEVICE_SELECTOR_COST } from '../cel/devices.ts'
import { CompileError } from '../cel/errors.ts'
import { JSON_PATCH } from '../cel/library/json-patches.ts'
import type { Program } from '../cel/program.ts'
import { BOOL, listType, NULL, openType, runtimeName, STRING, sameType, type Type } from '../cel/types.ts'
import { forbiddenField, invalid } from '../machinery/field-errors.ts'
import type { ExpressionChecks, ExpressionScope } from '../registry/expressions.ts'
import { schemaRuleErrors } from './schema-rule-checks.ts'

/** What an expression must come to; anything where nothing is said. */
const WANTED: Readonly<Record<ExpressionScope['returns'], readonly Type[]>> = {
  bool: [BOOL],
  string: [STRING],
  nullableString: [STRING, NULL],
  any: [],
  applyConfiguration: [openType('Object')],
  jsonPatch: [listType(JSON_PATCH)],
}

/** Compiles the expressions of schemas, devices, webhooks and policies, for the kinds that hold them. */
export const expressionChecks: ExpressionChecks = {
  schemaRules: schemaRuleErrors,
  deviceSelector(text, field) {
    const selector = compileDeviceSelector(text)
    if (typeof selector === 'string') return [invalid(field, text, selector)]
    return selector.maxCost > DEVICE_SELECTOR_COST ? [forbiddenField(field, 'too complex, exceeds cost limit')] : []
  },
  expression(text, field, scope) {
    try {
      const variables = scope.variables && compileVariables(scope.variables, scope).types
      const { type } = compile(text, scope, variables)
      const wanted = WANTED[scope.returns]
      if (wanted.length === 0 || wanted.some((one) => sameType(one, type))) return []
      const names = wanted.length === 1 ? `${wanted[0]}` : `one of [${wanted.map(runtimeName).join(' ')}]`
      return [invalid(field, text, `must evaluate to ${names} but got ${type}`)]
    } catch (error) {
      if (error instanceof CompileError) return [invalid(field, text, `compilation failed: ${error.message}`)]
      throw error
    }
  },
}

function compile(text: string, scope: ExpressionScope, variables: Readonly<Record<string, Type>> | undefined): Program {
  const { params, authorizer, returns } = scope
  const mutating = returns === 'applyConfiguration' || returns === 'jsonPatch'
  return admissionEnvironment({ params, authorizer, mutating, ...(variables ? { variables } : {}) }).compile(text)
}

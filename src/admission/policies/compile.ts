import { type AdmissionScope, admissionEnvironment } from '../../cel/admission.ts'
import { compileVariables, type Expression, type PolicyVariable } from '../../cel/admission-programs.ts'
import type { Environment } from '../../cel/environment.ts'
import { CompileError } from '../../cel/errors.ts'
import type { Program } from '../../cel/program.ts'
import type {
  AdmissionregistrationV1MatchCondition,
  AdmissionregistrationV1ValidatingAdmissionPolicySpec,
} from '../../generated/types.ts'

type Spec = AdmissionregistrationV1ValidatingAdmissionPolicySpec
type Reason = 'Forbidden' | 'Invalid' | 'RequestEntityTooLarge'

export interface Validation {
  readonly expression: Expression
  readonly message: string
  readonly messageExpression: Expression | undefined
  readonly reason: Reason
}

/** The expressions of a validating policy, ready to run. */
export interface ValidatingPrograms {
  readonly variables: ReadonlyMap<string, Program>
  readonly conditions: readonly Expression[]
  readonly validations: readonly Validation[]
  /** The values of audit annotations. */
  readonly annotations: readonly Expression[]
}

export function compileValidating(spec: Spec): ValidatingPrograms {
  const params = spec.paramKind !== undefined
  const variables = compileVariables((spec.variables ?? []) as PolicyVariable[], { params })
  const scope: AdmissionScope = { params, variables: variables.types }
  const asking = admissionEnvironment({ ...scope, authorizer: true })
  const plain = admissionEnvironment(scope)
  return {
    variables: variables.programs,
    conditions: compileConditions(spec.matchConditions, asking),
    validations: (spec.validations ?? []).map(({ expression = '', message = '', messageExpression, reason }) => ({
      expression: compiled(expression, asking),
      message,
      messageExpression: messageExpression ? compiled(messageExpression, plain) : undefined,
      reason: (reason ?? 'Invalid') as Reason,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ valueExpression = '' }) => compiled(valueExpression, plain)),
  }
}

function compileConditions(
  conditions: readonly AdmissionregistrationV1MatchCondition[] | undefined,
  environment: Environment,
): Expression[] {
  return (conditions ?? []).map(({ expression = '' }) => compiled(expression, environment))
}

function compiled(text: string, environment: Environment): Expression {
  try {
    return { text, program: environment.compile(text) }
  } catch (error) {
    if (error instanceof CompileError) return { text, program: error }
    throw error
  }
}

import { type AdmissionScope, admissionEnvironment } from '../../cel/admission.ts'
import { compileVariables, type Expression, type PolicyVariable } from '../../cel/admission-programs.ts'
import type { Environment } from '../../cel/environment.ts'
import { CompileError } from '../../cel/errors.ts'
import type { Program } from '../../cel/program.ts'
import type {
  AdmissionregistrationV1MatchCondition,
  AdmissionregistrationV1MutatingAdmissionPolicySpec,
  AdmissionregistrationV1ValidatingAdmissionPolicySpec,
} from '../../generated/types.ts'

export type ValidatingSpec = AdmissionregistrationV1ValidatingAdmissionPolicySpec
export type MutatingSpec = AdmissionregistrationV1MutatingAdmissionPolicySpec
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
  /** Audit annotations: the part of the key that is the policy's, and what makes the value. */
  readonly annotations: readonly { readonly key: string; readonly expression: Expression }[]
}

export function compileValidating(spec: ValidatingSpec): ValidatingPrograms {
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
    annotations: (spec.auditAnnotations ?? []).map(({ key = '', valueExpression = '' }) => ({
      key,
      expression: compiled(valueExpression, plain),
    })),
  }
}

export interface Mutation {
  readonly patchType: 'ApplyConfiguration' | 'JSONPatch'
  readonly expression: Expression
}

/** The expressions of a mutating policy, ready to run. */
export interface MutatingPrograms {
  readonly variables: ReadonlyMap<string, Program>
  readonly conditions: readonly Expression[]
  readonly mutations: readonly Mutation[]
}

export function compileMutating(spec: MutatingSpec): MutatingPrograms {
  const params = spec.paramKind !== undefined
  const variables = compileVariables((spec.variables ?? []) as PolicyVariable[], { params })
  const scope: AdmissionScope = { params, variables: variables.types, authorizer: true }
  const mutating = admissionEnvironment({ ...scope, mutating: true })
  return {
    variables: variables.programs,
    conditions: compileConditions(spec.matchConditions, admissionEnvironment(scope)),
    mutations: (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch }) =>
      patchType === 'JSONPatch'
        ? { patchType, expression: compiled(jsonPatch?.expression ?? '', mutating) }
        : { patchType: 'ApplyConfiguration', expression: compiled(applyConfiguration?.expression ?? '', mutating) },
    ),
  }
}

/** The conditions of a webhook. */
export function compileWebhookConditions(conditions: readonly AdmissionregistrationV1MatchCondition[]): Expression[] {
  return compileConditions(conditions, admissionEnvironment({ authorizer: true }))
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

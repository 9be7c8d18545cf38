import type {
  AdmissionregistrationV1AuditAnnotation,
  AdmissionregistrationV1MutatingAdmissionPolicy,
  AdmissionregistrationV1MutatingAdmissionPolicySpec,
  AdmissionregistrationV1Mutation,
  AdmissionregistrationV1ParamKind,
  AdmissionregistrationV1ValidatingAdmissionPolicy,
  AdmissionregistrationV1ValidatingAdmissionPolicySpec,
  AdmissionregistrationV1Validation,
  AdmissionregistrationV1Variable,
} from '../../generated/types.ts'
import { validateConditions } from '../../machinery/condition-validation.ts'
import { duplicate, type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { byteLength, isDns1035Label, isDns1123Subdomain, isQualifiedName } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { type Expressions, expressionErrors, textsOf } from './expression-rules.ts'
import { FAILURE_POLICIES, matchConditionErrors, matchResourceErrors, oneOf } from './match-rules.ts'

type ValidatingPolicy = AdmissionregistrationV1ValidatingAdmissionPolicy
type MutatingPolicy = AdmissionregistrationV1MutatingAdmissionPolicy
type Spec = AdmissionregistrationV1ValidatingAdmissionPolicySpec | AdmissionregistrationV1MutatingAdmissionPolicySpec

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const REINVOCATION_POLICIES = ['IfNeeded', 'Never']
const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch']
const MAX_ANNOTATIONS = 20
const MAX_VALUE_EXPRESSION_BYTES = 5 * 1024

/** The names that CEL keeps for itself. */
const RESERVED = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
)

export const isCelIdentifier = (name: string): boolean => /^[_A-Za-z][_A-Za-z0-9]*$/.test(name) && !RESERVED.has(name)

export function validateValidatingPolicy(policy: ValidatingPolicy, context: WriteContext, old?: ValidatingPolicy): FieldError[] {
  const spec = policy.spec ?? {}
  const expressions = expressionsOf(spec, context, old?.spec)
  const errors = commonErrors(spec, expressions, old?.spec, false)
  const { validations = [], auditAnnotations = [], variables = [] } = spec
  const all = withVariables(expressions, variables)
  if (!validations.length && !auditAnnotations.length) {
    const detail = 'validations or auditAnnotations must contain at least one item'
    return [...errors, required('spec.validations', detail), required('spec.auditAnnotations', detail)]
  }
  validations.forEach((validation, i) => {
    errors.push(...validationErrors(`spec.validations[${i}]`, validation, all))
  })
  if (auditAnnotations.length > MAX_ANNOTATIONS) {
    const detail = `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`
    const printed = auditAnnotations.map(({ key = '', valueExpression = '' }) => ({ Key: key, ValueExpression: valueExpression }))
    errors.push(invalid('spec.auditAnnotations', printed, detail))
  }
  auditAnnotations.forEach((annotation, i) => {
    const path = `spec.auditAnnotations[${i}]`
    const { key = '' } = annotation
    errors.push(...annotationErrors(path, annotation, policy.metadata?.name ?? '', all))
    if (auditAnnotations.findIndex((other) => (other.key ?? '') === key) < i) errors.push(duplicate(`${path}.key`, key))
  })
  return errors
}

/** What a controller found out about a policy. */
export function validatePolicyStatus({ status }: ValidatingPolicy): FieldError[] {
  const warnings = status?.typeChecking?.expressionWarnings ?? []
  return [
    ...warnings.flatMap(({ warning, fieldRef }, i) => {
      const path = `status.typeChecking.expressionWarnings[${i}]`
      return [...(warning ? [] : [required(`${path}.warning`)]), ...(fieldRef?.trim() ? [] : [required(`${path}.fieldRef`)])]
    }),
    ...validateConditions(status?.conditions, 'status.conditions'),
  ]
}

export function validateMutatingPolicy(policy: MutatingPolicy, context: WriteContext, old?: MutatingPolicy): FieldError[] {
  const spec = policy.spec ?? {}
  const expressions = expressionsOf(spec, context, old?.spec)
  const { mutations = [], reinvocationPolicy, variables = [] } = spec
  // Mutations know `variables` even where there are none.
  const all = { variables: [], ...withVariables(expressions, variables) }
  return [
    ...commonErrors(spec, expressions, old?.spec, true),
    ...(mutations.length ? [] : [required('spec.mutations', 'mutations must contain at least one item')]),
    ...mutations.flatMap((mutation, i) => mutationErrors(`spec.mutations[${i}]`, mutation, all)),
    ...(reinvocationPolicy
      ? oneOf('spec.reinvocationPolicy', reinvocationPolicy, REINVOCATION_POLICIES)
      : [required('spec.reinvocationPolicy')]),
  ]
}

function expressionsOf(spec: Spec, context: WriteContext, old: Spec | undefined): Expressions {
  return { context, params: spec.paramKind !== undefined, stored: textsOf(old) }
}

/** What both kinds of policies have, up to their variables. */
function commonErrors(spec: Spec, expressions: Expressions, old: Spec | undefined, mutating: boolean): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables = [] } = spec
  const field = 'spec.matchConstraints'
  const sameConditions = old && equal(old.paramKind, paramKind) && equal(old.matchConditions, matchConditions)
  return [
    ...(failurePolicy === undefined
      ? [required('spec.failurePolicy')]
      : oneOf('spec.failurePolicy', failurePolicy, FAILURE_POLICIES)),
    ...(paramKind ? paramKindErrors('spec.paramKind', paramKind) : []),
    ...(matchConstraints ? matchResourceErrors(field, matchConstraints, mutating) : [required(field)]),
    ...(matchConstraints && !matchConstraints.resourceRules?.length ? [required(`${field}.resourceRules`)] : []),
    ...(sameConditions ? [] : matchConditionErrors('spec.matchConditions', matchConditions, expressions)),
    ...variables.flatMap((variable, i) =>
      variableErrors(`spec.variables[${i}]`, variable, withVariables(expressions, variables, i)),
    ),
  ]
}

/**
 * Variables are known to what comes after them, by the names that they could have.
 * @param count how many of them
 */
function withVariables(
  expressions: Expressions,
  variables: readonly AdmissionregistrationV1Variable[],
  count = variables.length,
): Expressions {
  if (variables.length === 0) return expressions
  const known = variables
    .slice(0, count)
    .flatMap(({ name = '', expression = '' }) => (isCelIdentifier(name) && expression.trim() ? [{ name, expression }] : []))
  return { ...expressions, variables: known }
}

function paramKindErrors(path: string, { apiVersion = '', kind = '' }: AdmissionregistrationV1ParamKind): FieldError[] {
  const errors = apiVersionErrors(`${path}.apiVersion`, apiVersion)
  if (kind === '') return [...errors, required(`${path}.kind`)]
  const faults = isDns1035Label(kind.toLowerCase())
  if (!faults.length) return errors
  return [...errors, invalid(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${faults.join(',')}`)]
}

function apiVersionErrors(field: string, apiVersion: string): FieldError[] {
  if (apiVersion === '') return [required(field)]
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/')
  if (parts.length > 2) return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)]
  const version = parts.at(-1) ?? ''
  const group = parts.length > 1 ? (parts[0] as string) : ''
  const errors: FieldError[] = []
  const groupFaults = group ? isDns1123Subdomain(group) : []
  if (groupFaults.length) errors.push(invalid(field, group, groupFaults.join(',')))
  const versionFaults = version ? isDns1035Label(version) : []
  if (version === '') errors.push(invalid(field, apiVersion, 'version must be specified'))
  else if (versionFaults.length) errors.push(invalid(field, version, versionFaults.join(',')))
  return errors
}

function variableErrors(path: string, variable: AdmissionregistrationV1Variable, expressions: Expressions): FieldError[] {
  const { name = '', expression = '' } = variable
  const errors: FieldError[] = []
  if (name.trim() === '') errors.push(required(`${path}.name`, 'name is not specified'))
  else if (!isCelIdentifier(name)) errors.push(invalid(`${path}.name`, name, 'must be a valid CEL identifier'))
  return [...errors, ...requiredExpression(`${path}.expression`, expression, 'expression is not specified', 'any', expressions)]
}

function requiredExpression(
  field: string,
  expression: string,
  missing: string,
  returns: Parameters<typeof expressionErrors>[2],
  expressions: Expressions,
): FieldError[] {
  if (expression.trim() === '') return [required(field, missing)]
  return expressionErrors(field, expression.trim(), returns, expressions)
}

function validationErrors(path: string, validation: AdmissionregistrationV1Validation, expressions: Expressions): FieldError[] {
  const { expression = '', messageExpression = '', message = '', reason } = validation
  const text = message.trim()
  const errors = requiredExpression(`${path}.expression`, expression, 'expression is not specified', 'bool', expressions)
  if (messageExpression && messageExpression.trim() === '') {
    errors.push(invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  } else if (messageExpression) {
    errors.push(...expressionErrors(`${path}.messageExpression`, messageExpression, 'string', expressions))
  }
  if (message && !text) errors.push(invalid(`${path}.message`, message, 'must be non-empty if specified'))
  else if (/[\n\r]/.test(text)) errors.push(invalid(`${path}.message`, message, 'must not contain line breaks'))
  return [...errors, ...oneOf(`${path}.reason`, reason, REASONS)]
}

function annotationErrors(
  path: string,
  { key = '', valueExpression = '' }: AdmissionregistrationV1AuditAnnotation,
  policy: string,
  expressions: Expressions,
): FieldError[] {
  const full = `${policy}/${key}`
  const errors = policy
    ? isQualifiedName(full).map((message) => invalid(`${path}.key`, full, message))
    : [invalid(`${path}.key`, key, 'requires metadata.name be non-empty')]
  const field = `${path}.valueExpression`
  if (byteLength(valueExpression.trim()) > MAX_VALUE_EXPRESSION_BYTES) {
    return [...errors, required(field, `must not exceed ${MAX_VALUE_EXPRESSION_BYTES} bytes in length`)]
  }
  const missing = 'valueExpression is not specified'
  return [...errors, ...requiredExpression(field, valueExpression, missing, 'nullableString', expressions)]
}

function mutationErrors(path: string, mutation: AdmissionregistrationV1Mutation, expressions: Expressions): FieldError[] {
  const { patchType = '', applyConfiguration, jsonPatch } = mutation
  if (patchType === '') return [required(`${path}.patchType`)]
  if (!PATCH_TYPES.includes(patchType)) return [notSupported(`${path}.patchType`, patchType, PATCH_TYPES)]
  const isApply = patchType === 'ApplyConfiguration'
  const [wanted, name] = isApply ? [applyConfiguration, 'applyConfiguration'] : [jsonPatch, 'jsonPatch']
  const [other, otherName] = isApply ? [jsonPatch, 'jsonPatch'] : [applyConfiguration, 'applyConfiguration']
  const returns = isApply ? 'applyConfiguration' : 'jsonPatch'
  const errors = wanted
    ? requiredExpression(`${path}.${name}.expression`, wanted.expression ?? '', '', returns, expressions)
    : [required(`${path}.${name}`, `must be specified when patchType is ${patchType}`)]
  if (!other) return errors
  return [...errors, invalid(`${path}.${otherName}`, `{${otherName}}`, `must not be specified when patchType is ${patchType}`)]
}

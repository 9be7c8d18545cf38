import type {
  AdmissionregistrationV1MutatingAdmissionPolicyBinding,
  AdmissionregistrationV1ParamRef,
  AdmissionregistrationV1ValidatingAdmissionPolicyBinding,
} from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { isDns1123Subdomain, isPathSegmentName } from '../../machinery/validation.ts'
import { matchResourceErrors, oneOf } from './match-rules.ts'

type ValidatingBinding = AdmissionregistrationV1ValidatingAdmissionPolicyBinding
type Binding = ValidatingBinding | AdmissionregistrationV1MutatingAdmissionPolicyBinding

const NOT_FOUND_ACTIONS = ['Deny', 'Allow']
const VALIDATION_ACTIONS = ['Audit', 'Deny', 'Warn']

export function validateValidatingBinding(binding: ValidatingBinding): FieldError[] {
  return [...bindingErrors(binding, false), ...actionErrors(binding.spec?.validationActions ?? [])]
}

export function validateMutatingBinding(binding: AdmissionregistrationV1MutatingAdmissionPolicyBinding): FieldError[] {
  return bindingErrors(binding, true)
}

function bindingErrors({ spec = {} }: Binding, mutating: boolean): FieldError[] {
  const { policyName = '', paramRef, matchResources } = spec
  return [
    ...(policyName === ''
      ? [required('spec.policyName')]
      : isDns1123Subdomain(policyName).map((message) => invalid('spec.policyName', policyName, message))),
    ...(paramRef ? paramRefErrors('spec.paramRef', paramRef) : []),
    ...matchResourceErrors('spec.matchResources', matchResources, mutating),
  ]
}

function paramRefErrors(path: string, ref: AdmissionregistrationV1ParamRef): FieldError[] {
  const { name = '', selector, parameterNotFoundAction: action } = ref
  const exclusive = 'name and selector are mutually exclusive'
  return [
    ...(name ? isPathSegmentName(name).map((message) => invalid(`${path}.name`, name, message)) : []),
    ...(name && selector ? [forbiddenField(`${path}.name`, exclusive)] : []),
    ...validateLabelSelector(selector as never, `${path}.selector`),
    ...(name && selector ? [forbiddenField(`${path}.selector`, exclusive)] : []),
    ...(name || selector ? [] : [required(path, 'one of name or selector must be specified')]),
    ...(action
      ? oneOf(`${path}.parameterNotFoundAction`, action, NOT_FOUND_ACTIONS)
      : [required(`${path}.parameterNotFoundAction`)]),
  ]
}

function actionErrors(actions: readonly string[]): FieldError[] {
  const field = 'spec.validationActions'
  const errors = actions.flatMap((action, i) => [
    ...oneOf(`${field}[${i}]`, action, VALIDATION_ACTIONS),
    ...(actions.indexOf(action) < i ? [duplicate(`${field}[${i}]`, action)] : []),
  ])
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'
    errors.push(invalid(field, actions, detail))
  }
  return actions.length ? errors : [...errors, required(field, 'at least one validation action is required')]
}

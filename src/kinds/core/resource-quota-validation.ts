import type {
  CoreV1ResourceQuota,
  CoreV1ResourceQuotaSpec,
  CoreV1ScopedResourceSelectorRequirement,
} from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { checked } from './pod-field-rules.ts'
import { isQuotaResource, isQuotaResourceName, resourceAmountErrors } from './resource-names.ts'

const EXISTS_ONLY = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']
const SCOPES = [...EXISTS_ONLY, 'PriorityClass', 'VolumeAttributesClass']
const CONFLICTING = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

const POD_COUNT = ['pods']
const POD_RESOURCES = [...POD_COUNT, 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const CLAIM_RESOURCES = ['persistentvolumeclaims', 'requests.storage']

const UNSUPPORTED_FOR_RESOURCE = 'unsupported scope applied to resource'

export function validateResourceQuota(quota: CoreV1ResourceQuota): FieldError[] {
  const { spec = {}, status } = quota
  return [
    ...amountErrors('spec.hard', spec.hard),
    ...scopeErrors(spec),
    ...selectorErrors(spec),
    ...amountErrors('status.hard', status?.hard),
    ...amountErrors('status.used', status?.used),
  ]
}

/** What a quota counts never changes, only how much of it there may be. */
export function validateResourceQuotaUpdate(quota: CoreV1ResourceQuota, old: CoreV1ResourceQuota): FieldError[] {
  const { spec = {} } = quota
  const errors = [...amountErrors('spec.hard', spec.hard), ...scopeErrors(spec), ...selectorErrors(spec)]
  const [now, before] = [new Set(spec.scopes), new Set(old.spec?.scopes)]
  const same = now.size === before.size && [...now].every((scope) => before.has(scope))
  return same ? errors : [...errors, invalid('spec.scopes', spec.scopes ?? null, 'field is immutable')]
}

export function validateResourceQuotaStatus(quota: CoreV1ResourceQuota): FieldError[] {
  return [...amountErrors('status.hard', quota.status?.hard), ...amountErrors('status.used', quota.status?.used)]
}

function amountErrors(path: string, amounts: Readonly<Record<string, string>> | undefined): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, text]) => {
    const field = `${path}[${name}]`
    return [...checked(field, name, isQuotaResourceName), ...resourceAmountErrors(field, name, text)]
  })
}

/** Whether a scope can narrow the counting of a resource. */
function applies(scope: string, resource: string): boolean {
  if (!isQuotaResource(resource)) return true
  if (scope === 'BestEffort') return POD_COUNT.includes(resource)
  if (scope === 'VolumeAttributesClass') return CLAIM_RESOURCES.includes(resource)
  return !SCOPES.includes(scope) || POD_RESOURCES.includes(resource)
}

function scopeErrors({ scopes = [], hard = {} }: CoreV1ResourceQuotaSpec): FieldError[] {
  const field = 'spec.scopes'
  const errors = scopes.flatMap((scope) => [
    ...(SCOPES.includes(scope) ? [] : [invalid(field, scopes, 'unsupported scope')]),
    ...Object.keys(hard)
      .filter((name) => !applies(scope, name))
      .map(() => invalid(field, scopes, UNSUPPORTED_FOR_RESOURCE)),
  ])
  return [...errors, ...conflicts(field, scopes, scopes)]
}

function conflicts(field: string, scopes: readonly string[], shown: readonly string[] | undefined): FieldError[] {
  return CONFLICTING.filter(([a, b]) => scopes.includes(a) && scopes.includes(b)).map(() =>
    invalid(field, shown, 'conflicting scopes'),
  )
}

function selectorErrors({ scopeSelector, scopes, hard = {} }: CoreV1ResourceQuotaSpec): FieldError[] {
  if (!scopeSelector) return []
  const field = 'spec.scopeSelector.matchExpressions'
  const requirements = scopeSelector.matchExpressions ?? []
  const errors = requirements.flatMap((requirement) => {
    const { scopeName = '' } = requirement
    return [
      ...(SCOPES.includes(scopeName) ? [] : [invalid(`${field}.scopeName`, scopeName, 'unsupported scope')]),
      ...Object.keys(hard)
        .filter((name) => !applies(scopeName, name))
        .map(() => invalid(field, goSelector(requirements), UNSUPPORTED_FOR_RESOURCE)),
      ...requirementErrors(field, requirement),
    ]
  })
  const names = requirements.map(({ scopeName = '' }) => scopeName)
  return [...errors, ...conflicts(field, names, scopes)]
}

function requirementErrors(
  field: string,
  { scopeName = '', operator = '', values = [] }: CoreV1ScopedResourceSelectorRequirement,
) {
  const errors: FieldError[] = []
  if (EXISTS_ONLY.includes(scopeName) && operator !== 'Exists') {
    const detail =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
    errors.push(invalid(`${field}.operator`, operator, detail))
  }
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
    if (!values.length) errors.push(required(`${field}.values`, detail))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
    if (values.length) errors.push(invalid(`${field}.values`, values, detail))
  } else errors.push(invalid(`${field}.operator`, operator, 'not a valid selector operator'))
  return errors
}

/** The selector as messages print it. */
const goSelector = (requirements: readonly CoreV1ScopedResourceSelectorRequirement[]): object => ({
  MatchExpressions: requirements.map(({ scopeName = '', operator = '', values = null }) => ({
    ScopeName: scopeName,
    Operator: operator,
    Values: values,
  })),
})

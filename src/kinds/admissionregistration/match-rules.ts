import type {
  AdmissionregistrationV1MatchCondition,
  AdmissionregistrationV1MatchResources,
  AdmissionregistrationV1NamedRuleWithOperations,
  AdmissionregistrationV1RuleWithOperations,
} from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, notSupported, required, tooMany } from '../../machinery/field-errors.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { isPathSegmentName, isQualifiedName } from '../../machinery/validation.ts'
import { type Expressions, expressionErrors } from './expression-rules.ts'

export const FAILURE_POLICIES: readonly string[] = ['Fail', 'Ignore']
export const MATCH_POLICIES: readonly string[] = ['Equivalent', 'Exact']
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
/** There is nothing to change in what is deleted. */
const MUTABLE_OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE']
const SCOPES = ['*', 'Cluster', 'Namespaced']
const MAX_CONDITIONS = 64

/** A field that holds one of a few values, if it is set at all. */
export function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)]
}

/** A list in which `*` stands for all, so that it stands alone. */
function wildcardErrors(field: string, values: readonly string[], what: string): FieldError[] {
  const crowded = values.length > 1 && values.includes('*')
  return crowded ? [invalid(field, values, `if '*' is present, must not specify other ${what}`)] : []
}

/** Which requests a webhook or policy is for. */
export function ruleErrors(path: string, rule: AdmissionregistrationV1RuleWithOperations): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule
  const list = (name: string, values: readonly string[], what: string): FieldError[] =>
    values.length ? wildcardErrors(`${path}.${name}`, values, what) : [required(`${path}.${name}`)]
  return [
    ...list('operations', operations, 'operations'),
    ...operations.flatMap((operation, i) => oneOf(`${path}.operations[${i}]`, operation, OPERATIONS)),
    ...list('apiGroups', apiGroups, 'API groups'),
    ...list('apiVersions', apiVersions, 'API versions'),
    ...apiVersions.flatMap((version, i) => (version === '' ? [required(`${path}.apiVersions[${i}]`)] : [])),
    ...resourceErrors(`${path}.resources`, resources),
    ...oneOf(`${path}.scope`, scope, SCOPES),
  ]
}

/** Resources, subresources (`pods/log`) and wildcards for both. */
function resourceErrors(field: string, resources: readonly string[]): FieldError[] {
  const errors: FieldError[] = resources.length ? [] : [required(field)]
  const allSubresourcesOf = new Set<string>()
  const subresourceOfAll = new Set<string>()
  let plain = false
  for (const [i, text] of resources.entries()) {
    const slash = text.indexOf('/')
    if (text === '') errors.push(required(`${field}[${i}]`))
    else if (slash < 0) plain = text !== '*'
    if (slash < 0) continue
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)]
    const covered = (by: string): FieldError => invalid(`${field}[${i}]`, text, `if '${by}' is present, must not specify ${text}`)
    if (allSubresourcesOf.has(resource)) errors.push(covered(`${resource}/*`))
    if (subresourceOfAll.has(subresource)) errors.push(covered(`*/${subresource}`))
    if (subresource === '*') allSubresourcesOf.add(resource)
    if (resource === '*') subresourceOfAll.add(subresource)
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"))
  }
  if (plain && resources.includes('*')) {
    errors.push(invalid(field, resources, "if '*' is present, must not specify other resources without subresources"))
  }
  return errors
}

/** @param mutating for a policy that changes objects */
export function matchResourceErrors(
  path: string,
  match: AdmissionregistrationV1MatchResources | undefined,
  mutating: boolean,
): FieldError[] {
  if (!match) return []
  const rules = (name: 'resourceRules' | 'excludeResourceRules'): FieldError[] =>
    (match[name] ?? []).flatMap((rule, i) => namedRuleErrors(`${path}.${name}[${i}]`, rule))
  const selector = (name: 'namespaceSelector' | 'objectSelector'): FieldError[] =>
    match[name] ? validateLabelSelector(match[name] as never, `${path}.${name}`) : [required(`${path}.${name}`)]
  const operations = (match.resourceRules ?? []).flatMap((rule) => rule.operations ?? [])
  return [
    ...oneOf(`${path}.matchPolicy`, match.matchPolicy, MATCH_POLICIES),
    ...selector('namespaceSelector'),
    ...selector('objectSelector'),
    ...rules('resourceRules'),
    ...rules('excludeResourceRules'),
    ...(mutating
      ? operations.flatMap((operation) => oneOf(`${path}.resourceRules.operations`, operation, MUTABLE_OPERATIONS))
      : []),
  ]
}

function namedRuleErrors(path: string, rule: AdmissionregistrationV1NamedRuleWithOperations): FieldError[] {
  const names = rule.resourceNames ?? []
  const nameErrors = names.flatMap((name, i) => {
    const field = `${path}.resourceNames[${i}]`
    const errors = isPathSegmentName(name).map((message) => invalid(field, name, message))
    return names.indexOf(name) < i ? [...errors, duplicate(field, name)] : errors
  })
  return [...nameErrors, ...ruleErrors(path, rule)]
}

/** Expressions that all must be true of a request. */
export function matchConditionErrors(
  path: string,
  conditions: readonly AdmissionregistrationV1MatchCondition[] | undefined,
  expressions: Expressions,
): FieldError[] {
  if (!conditions?.length) return []
  const errors = conditions.length > MAX_CONDITIONS ? [tooMany(path, conditions.length, MAX_CONDITIONS)] : []
  const names = new Set<string>()
  conditions.forEach(({ name = '', expression = '' }, i) => {
    const field = `${path}[${i}]`
    const text = expression.trim()
    if (text === '') errors.push(required(`${field}.expression`))
    else errors.push(...expressionErrors(`${field}.expression`, text, 'bool', expressions))
    if (name === '') errors.push(required(`${field}.name`))
    else errors.push(...isQualifiedName(name).map((message) => invalid(`${field}.name`, name, message)))
    if (name && names.has(name)) errors.push(duplicate(`${field}.name`, name))
    names.add(name)
  })
  return errors
}

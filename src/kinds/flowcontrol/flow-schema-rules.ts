import type {
  FlowcontrolV1FlowSchema,
  FlowcontrolV1NonResourcePolicyRule,
  FlowcontrolV1PolicyRulesWithSubjects,
  FlowcontrolV1ResourcePolicyRule,
  FlowcontrolV1Subject,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { isDns1123Label, isDns1123Subdomain, type Messages } from '../../machinery/validation.ts'
import { flowSchemaSpec, MANDATORY } from '../../registry/bootstrap/default-flow-control.ts'
import type { WriteContext } from '../../registry/context.ts'
import { printed } from '../core/rules.ts'
import { conditionErrors } from './condition-rules.ts'

const MAX_PRECEDENCE = 10_000
const DISTINGUISHERS = ['ByNamespace', 'ByUser']
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']
const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User']
const SPEC = 'io.k8s.api.flowcontrol.v1.FlowSchemaSpec'

export function validateFlowSchema(schema: FlowcontrolV1FlowSchema, context: WriteContext): FieldError[] {
  const { metadata: { name = '' } = {}, spec = {} } = schema
  const { distinguisherMethod: method, priorityLevelConfiguration: { name: level = '' } = {} } = spec
  const errors = precedenceErrors(spec.matchingPrecedence ?? 0, name)
  if (method && !DISTINGUISHERS.includes(method.type ?? '')) {
    errors.push(notSupported('spec.distinguisherMethod.type', { Type: method.type ?? '' }, DISTINGUISHERS))
  }
  const levelField = 'spec.priorityLevelConfiguration.name'
  if (level === '') errors.push(required(levelField, 'must reference a priority level'))
  else errors.push(...wrong(levelField, level, isDns1123Subdomain(level)))
  spec.rules?.forEach((rule, i) => {
    errors.push(...ruleErrors(`spec.rules[${i}]`, rule))
  })
  if (MANDATORY.has(name) && !equal(spec, flowSchemaSpec(name))) {
    errors.push(invalid('spec', printed(spec, SPEC, context), `spec of '${name}' must equal the fixed value`))
  }
  return [...errors, ...conditionErrors(schema.status?.conditions)]
}

const wrong = (field: string, value: string, messages: Messages, intro = ''): FieldError[] =>
  messages.map((message) => invalid(field, value, intro + message))

function precedenceErrors(precedence: number, name: string): FieldError[] {
  const field = 'spec.matchingPrecedence'
  const errors: FieldError[] = []
  if (precedence <= 0) errors.push(invalid(field, precedence, 'must be a positive value'))
  if (precedence > MAX_PRECEDENCE) errors.push(invalid(field, precedence, `must not be greater than ${MAX_PRECEDENCE}`))
  if (precedence === 1 && name !== 'exempt') {
    errors.push(invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
  }
  return errors
}

function ruleErrors(path: string, rule: FlowcontrolV1PolicyRulesWithSubjects): FieldError[] {
  const { resourceRules = [], nonResourceRules = [] } = rule
  // Lists that are always written may be null.
  const subjects = rule.subjects ?? []
  const empty = resourceRules.length === 0 && nonResourceRules.length === 0
  return [
    ...(subjects.length ? [] : [required(`${path}.subjects`, 'subjects must contain at least one value')]),
    ...subjects.flatMap((subject, i) => subjectErrors(`${path}.subjects[${i}]`, subject)),
    ...(empty ? [required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty')] : []),
    ...resourceRules.flatMap((one, i) => resourceRuleErrors(`${path}.resourceRules[${i}]`, one)),
    ...nonResourceRules.flatMap((one, i) => nonResourceRuleErrors(`${path}.nonResourceRules[${i}]`, one)),
  ]
}

/** The field that a subject of a kind has; none of the others may be there. */
const SUBJECT_FIELDS = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

function subjectErrors(path: string, subject: FlowcontrolV1Subject): FieldError[] {
  const { kind = '' } = subject
  if (!SUBJECT_KINDS.includes(kind)) return [notSupported(`${path}.kind`, kind, SUBJECT_KINDS)]
  const wanted = SUBJECT_FIELDS[kind as keyof typeof SUBJECT_FIELDS]
  const field = `${path}.${wanted}`
  const value = subject[wanted]
  const errors: FieldError[] = []
  if (!value) errors.push(required(field, `${wanted} is required when subject kind is '${kind}'`))
  else if (!value.name) errors.push(required(`${field}.name`))
  const account = kind === 'ServiceAccount' ? subject.serviceAccount : undefined
  if (account) errors.push(...accountErrors(field, account))
  for (const [other, name] of Object.entries(SUBJECT_FIELDS)) {
    if (name === wanted || !subject[name]) continue
    errors.push(forbiddenField(`${path}.${name}`, `${name} is forbidden when subject kind is not '${other}'`))
  }
  return errors
}

function accountErrors(path: string, { name = '', namespace = '' }: { name?: string; namespace?: string }): FieldError[] {
  return [
    ...(name === '' || name === '*' ? [] : wrong(`${path}.name`, name, isDns1123Subdomain(name))),
    ...(namespace
      ? wrong(`${path}.namespace`, namespace, isDns1123Label(namespace))
      : [required(`${path}.namespace`, 'must specify namespace for service account')]),
  ]
}

/** A list in which `*` stands for all, so that it stands alone. Returns undefined when it may have other values. */
function wildcardErrors(field: string, values: readonly string[], what: string): FieldError[] | undefined {
  if (!values.includes('*')) return undefined
  return values.length > 1 ? [invalid(field, values, `if '*' is present, must not specify other ${what}`)] : []
}

function verbErrors(path: string, verbs: readonly string[]): FieldError[] {
  const field = `${path}.verbs`
  if (!verbs.length) return [required(field, 'verbs must contain at least one value')]
  const all = wildcardErrors(field, verbs, 'verbs')
  if (all) return all
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [notSupported(field, verbs, VERBS)]
}

function resourceRuleErrors(path: string, rule: FlowcontrolV1ResourcePolicyRule): FieldError[] {
  const { verbs, apiGroups, resources, namespaces = [], clusterScope } = rule
  const list = (name: string, values: readonly string[], one: string, others: string): FieldError[] =>
    values.length
      ? (wildcardErrors(`${path}.${name}`, values, others) ?? [])
      : [required(`${path}.${name}`, `resource rules must supply at least one ${one}`)]
  return [
    ...verbErrors(path, verbs ?? []),
    ...list('apiGroups', apiGroups ?? [], 'api group', 'api groups'),
    ...list('resources', resources ?? [], 'resource', 'resources'),
    ...namespaceErrors(`${path}.namespaces`, namespaces, clusterScope ?? false),
  ]
}

function namespaceErrors(field: string, namespaces: readonly string[], clusterScope: boolean): FieldError[] {
  if (!namespaces.length && !clusterScope) {
    return [required(field, 'resource rules that are not cluster scoped must supply at least one namespace')]
  }
  const intro = "each member of this list must be '*' or a DNS-1123 label; "
  return (
    wildcardErrors(field, namespaces, 'namespaces') ??
    namespaces.flatMap((namespace, i) => wrong(`${field}[${i}]`, namespace, isDns1123Label(namespace), intro))
  )
}

function nonResourceRuleErrors(path: string, rule: FlowcontrolV1NonResourcePolicyRule): FieldError[] {
  const urls = rule.nonResourceURLs ?? []
  const field = `${path}.nonResourceURLs`
  const missing = 'nonResourceURLs must contain at least one value'
  return [
    ...verbErrors(path, rule.verbs ?? []),
    ...(urls.length
      ? (wildcardErrors(field, urls, 'non-resource URLs') ?? urls.flatMap((url, i) => urlErrors(`${field}[${i}]`, url)))
      : [required(field, missing)]),
  ]
}

function urlErrors(field: string, url: string): FieldError[] {
  const detail = urlFault(url)
  return detail ? [invalid(field, url, detail)] : []
}

function urlFault(url: string): string | undefined {
  if (url === '') return 'must not be empty'
  if (!url.startsWith('/')) return 'must start with slash'
  if (url.includes(' ')) return 'must not contain white-space'
  if (url.includes('//')) return 'must not contain double slash'
  const star = url.indexOf('*')
  return star < 0 || (star === url.length - 1 && url.endsWith('/*')) ? undefined : 'wildcard can only do suffix matching'
}

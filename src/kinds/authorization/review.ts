import type {
  AuthorizationV1ResourceAttributes,
  AuthorizationV1SubjectAccessReviewSpec,
  AuthorizationV1SubjectAccessReviewStatus,
} from '../../generated/types.ts'
import { type FieldSelector, parseFieldSelector } from '../../machinery/field-selector.ts'
import { labelSelectorFromObject, parseLabelSelector } from '../../machinery/label-selector.ts'
import type { UserInfo } from '../../machinery/user.ts'
import type { SelectorRequirement } from '../../registry/access.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { ReviewedAttributes } from './review-validation.ts'

/** Asks the authorizers and fills in the answer. */
export async function judge(
  spec: ReviewedAttributes,
  user: UserInfo,
  context: WriteContext,
): Promise<AuthorizationV1SubjectAccessReviewStatus> {
  const errors: string[] = []
  const decision = await context.env.access.authorize({ user, ...attributesOf(spec, errors) })
  if (decision.error) errors.unshift(decision.error)
  const evaluationError = errors.length > 1 ? `[${errors.join(', ')}]` : errors[0]
  return {
    allowed: decision.allowed,
    ...(decision.denied ? { denied: true } : {}),
    ...(decision.reason ? { reason: decision.reason } : {}),
    ...(evaluationError ? { evaluationError } : {}),
  }
}

/** The user that a review describes. */
export function subjectOf(spec: AuthorizationV1SubjectAccessReviewSpec): UserInfo {
  return { name: spec.user ?? '', uid: spec.uid ?? '', groups: spec.groups ?? [], extra: spec.extra ?? {} }
}

function attributesOf(spec: ReviewedAttributes, errors: string[]) {
  const { resourceAttributes: r, nonResourceAttributes: path } = spec
  if (!r) {
    const none = { group: '', version: '', resource: '', subresource: '', name: '', namespace: '' }
    return { verb: path?.verb ?? '', path: path?.path ?? '', ...none }
  }
  const fieldSelector = fieldRequirements(r, errors)
  const labelSelector = labelRequirements(r, errors)
  return {
    verb: r.verb ?? '',
    group: r.group ?? '',
    version: r.version || '*',
    resource: r.resource ?? '',
    subresource: r.subresource ?? '',
    name: r.name ?? '',
    namespace: r.namespace ?? '',
    ...(fieldSelector ? { fieldSelector } : {}),
    ...(labelSelector ? { labelSelector } : {}),
  }
}

/** What can't be understood is left out, which only widens what is asked for, and is told in the answer. */
function note(errors: string[], field: string, understood: number): void {
  errors.push(`spec.resourceAttributes.${field} ${understood ? 'partially ignored' : 'ignored'} due to parse error`)
}

function fieldRequirements(attributes: AuthorizationV1ResourceAttributes, errors: string[]): SelectorRequirement[] | undefined {
  const selector = attributes.fieldSelector
  if (!selector) return undefined
  if (selector.rawSelector) {
    try {
      return fromFieldSelector(parseFieldSelector(selector.rawSelector))
    } catch {
      note(errors, 'fieldSelector', 0)
      return undefined
    }
  }
  const given = selector.requirements ?? []
  // Fields know only equality with one value.
  const understood = given.filter((r) => (r.operator === 'In' || r.operator === 'NotIn') && r.values?.length === 1)
  if (understood.length < given.length) note(errors, 'fieldSelector', understood.length)
  return understood.map(toRequirement)
}

function fromFieldSelector(selector: FieldSelector): SelectorRequirement[] {
  return selector.requirements.map(({ field, operator, value }) => ({
    key: field,
    operator: operator === '!=' ? 'NotIn' : 'In',
    values: [value],
  }))
}

function labelRequirements(attributes: AuthorizationV1ResourceAttributes, errors: string[]): SelectorRequirement[] | undefined {
  const selector = attributes.labelSelector
  if (!selector) return undefined
  if (selector.rawSelector) {
    try {
      const { requirements } = parseLabelSelector(selector.rawSelector)
      return requirements?.map(({ key, operator, values }) => ({ key, operator: LABEL_OPERATORS[operator] ?? operator, values }))
    } catch {
      note(errors, 'labelSelector', 0)
      return undefined
    }
  }
  const given = selector.requirements ?? []
  const understood = given.filter((requirement) => {
    try {
      labelSelectorFromObject({ matchExpressions: [toRequirement(requirement)] })
      return true
    } catch {
      return false
    }
  })
  if (understood.length < given.length) note(errors, 'labelSelector', understood.length)
  return understood.map(toRequirement)
}

const LABEL_OPERATORS: Readonly<Record<string, string>> = {
  in: 'In',
  '=': 'In',
  '==': 'In',
  notin: 'NotIn',
  '!=': 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
}

const toRequirement = (r: { key?: string; operator?: string; values?: string[] }) => ({
  key: r.key ?? '',
  operator: r.operator ?? '',
  values: r.values ?? [],
})

import { isObject, type JsonObject } from '../../machinery/json.ts'
import type { UserInfo } from '../../machinery/user.ts'
import type { Attributes, SelectorRequirement } from '../attributes.ts'
import { type Decision, noOpinion } from '../authorizer.ts'

export type ReviewVersion = 'v1' | 'v1beta1'

/** The body of a SubjectAccessReview, but for what is the same in each. */
export function reviewSpec(user: UserInfo, attributes: Attributes, version: ReviewVersion): JsonObject {
  const { name, uid, groups, extra } = user
  return {
    ...(attributes.isResource
      ? { resourceAttributes: resourceAttributes(attributes) }
      : { nonResourceAttributes: given({ path: attributes.path, verb: attributes.verb }) }),
    ...given({ user: name }),
    // The older version calls the groups `group`.
    ...(groups.length ? { [version === 'v1' ? 'groups' : 'group']: [...groups] } : {}),
    ...(Object.keys(extra).length
      ? { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }
      : {}),
    ...given({ uid }),
  }
}

export function review(spec: JsonObject, version: ReviewVersion): JsonObject {
  const apiVersion = `authorization.k8s.io/${version}`
  return { kind: 'SubjectAccessReview', apiVersion, metadata: {}, spec, status: { allowed: false } }
}

function resourceAttributes(attributes: Attributes): JsonObject {
  const { namespace, verb, apiGroup, apiVersion, resource, subresource, name, fieldSelector, labelSelector } = attributes
  return {
    ...given({ namespace, verb, group: apiGroup, version: apiVersion, resource, subresource, name }),
    ...selector('fieldSelector', fieldSelector),
    ...selector('labelSelector', labelSelector),
  }
}

function selector(field: string, value: string | readonly SelectorRequirement[] | undefined): JsonObject {
  if (!value?.length) return {}
  if (typeof value === 'string') return { [field]: { rawSelector: value } }
  return { [field]: { requirements: value.map(({ key, operator, values }) => ({ key, operator, values: [...values] })) } }
}

const given = (fields: Record<string, string>): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))

/** @throws Error when the answer is none */
export function decisionOf(answer: unknown): Decision {
  const status = isObject(answer) && isObject(answer.status) ? answer.status : undefined
  if (!status) throw new Error('the webhook answered with something else than a SubjectAccessReview')
  const reason = typeof status.reason === 'string' ? status.reason : ''
  const error = typeof status.evaluationError === 'string' && status.evaluationError ? { error: status.evaluationError } : {}
  if (status.denied === true && status.allowed === true) {
    throw new Error('webhook subject access review returned both allow and deny response')
  }
  if (status.denied === true) return { verdict: 'deny', reason, ...error }
  if (status.allowed === true) return { verdict: 'allow', reason, ...error }
  return { ...noOpinion(reason), ...error }
}

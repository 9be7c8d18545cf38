import { goQuote } from '../machinery/go-text.ts'
import { forbidden, StatusError } from '../machinery/status.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { Attributes } from './attributes.ts'

/** The 403 that a user gets who may not do something, in the reference's words. */
export function refusal(user: UserInfo, attributes: Attributes, reason: string): StatusError {
  const { verb, path, apiGroup, resource, subresource, namespace, name } = attributes
  const who = `User ${goQuote(user.name)} cannot ${verb}`
  const why = reason ? `: ${reason}` : ''
  if (!attributes.isResource) return new StatusError(403, 'Forbidden', `forbidden: ${who} path ${goQuote(path)}${why}`, {})
  const what = goQuote(subresource ? `${resource}/${subresource}` : resource)
  const where = namespace ? `in the namespace ${goQuote(namespace)}` : 'at the cluster scope'
  const text = `${who} resource ${what} in API group ${goQuote(apiGroup)} ${where}${why}`
  return forbidden({ group: apiGroup, resource }, name, text)
}

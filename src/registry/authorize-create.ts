import { resourceAttributes } from '../authorization/attributes.ts'
import { refusal } from '../authorization/refusal.ts'
import { internalError } from '../machinery/status.ts'
import type { KindDefinition } from './kind.ts'
import type { RequestContext } from './request-context.ts'

/**
 * A PUT or an apply that creates what it names needs the right to create, too: the request itself was only judged as what it is.
 * @throws StatusError 403, or 500 when an authorizer failed
 */
export async function authorizeCreate(
  kind: KindDefinition,
  { user, name, namespace, apiVersion, env }: RequestContext,
): Promise<void> {
  const slash = apiVersion.indexOf('/')
  const group = apiVersion ? apiVersion.slice(0, Math.max(slash, 0)) : kind.group
  const version = apiVersion ? apiVersion.slice(slash + 1) : kind.version
  // A namespace lies in itself.
  const within = kind.kind === 'Namespace' && !kind.group ? name : namespace
  const asked = { verb: 'create', resource: kind.resource, subresource: '', name, namespace: within }
  const { allowed, reason, error } = await env.access.authorize({ ...asked, user, group, version })
  if (allowed) return
  if (error) throw internalError(error)
  throw refusal(user, resourceAttributes({ ...asked, apiGroup: group, apiVersion: version }), reason)
}

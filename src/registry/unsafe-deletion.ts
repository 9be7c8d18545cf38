import { invalid, invalidObject } from '../machinery/field-errors.ts'
import { forbidden } from '../machinery/status.ts'
import type { RequestContext } from './request-context.ts'
import type { Resource } from './resource.ts'

/** The gate of deleting what can't be read (KEP-3926). */
export const UNSAFE_DELETION = 'AllowUnsafeMalformedObjectDeletion'

const VERB = 'unsafe-delete-ignore-read-errors'

/**
 * DELETE with `ignoreStoreReadErrorWithClusterBreakingPotential`: removes an object that can't be decrypted or decoded. Preconditions,
 * finalizers and admission, which would have to look at it, don't apply; instead it takes a right of its own.
 *
 * @throws StatusError 403, 404, or 422 when the object can be read
 */
export async function deleteUnreadable(
  { kind, store }: Resource,
  { user, namespace, name, env, dryRun }: RequestContext,
): Promise<void> {
  const { group, version, resource } = kind
  const { allowed, reason, error } = await env.access.authorize({
    ...{ verb: VERB, group, version, resource, subresource: '', namespace, name },
    user,
  })
  if (!allowed) throw forbidden(kind, name, `not permitted to do "${VERB}", reason: ${error || reason}`)
  if (dryRun) return
  if (await store.removeUnreadable(namespace, name)) return
  throw invalidObject({ group, kind: resource }, name, [
    invalid(
      'ignoreStoreReadErrorWithClusterBreakingPotential',
      true,
      'is exclusively used to delete corrupt object(s), try again by removing this option',
    ),
  ])
}

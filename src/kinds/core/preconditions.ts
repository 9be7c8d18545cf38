import { conflict, type GroupResource, type StatusError } from '../../machinery/status.ts'

/**
 * The 409 for a uid or version that the stored object doesn't have, where the reference leaves the check to its storage.
 * @param key the object's key below the storage's root, such as `pods/default/a`
 * @param what the field's name: `UID` or `ResourceVersion`
 */
export function storageConflict(
  resource: GroupResource,
  name: string,
  key: string,
  what: 'UID' | 'ResourceVersion',
  wanted: string,
  is: string | undefined,
): StatusError {
  const cause = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${is ?? ''}`
  return conflict(
    resource,
    name,
    `StorageError: invalid object, Code: 4, Key: /registry/${key}, ResourceVersion: 0, AdditionalErrorMsg: ${cause}`,
  )
}

import type { MetaV1ManagedFieldsEntry } from '../generated/types.ts'
import { equal, type JsonObject } from '../machinery/json.ts'
import { readEntries } from '../machinery/managed-fields/entries.ts'
import { validateManagedFields } from '../machinery/metadata-validation.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import { dropRepeatedOwnersOf } from '../machinery/owner-references.ts'
import { badRequest } from '../machinery/status.ts'
import { aggregatedMessage } from './aggregated-message.ts'
import type { AdmissionAttributes } from './plugin.ts'

/** What of an object isn't for policies and webhooks to change. */
export interface Original {
  readonly namespace: string | undefined
  readonly managedFields: readonly MetaV1ManagedFieldsEntry[] | undefined
}

export function originalOf(object: KubeObject | undefined): Original {
  const { namespace, managedFields } = object?.metadata ?? {}
  return { namespace, managedFields }
}

/**
 * Puts right what policies and webhooks of clients may have got wrong in an object, with warnings.
 * @throws StatusError 400 for an object that is in another namespace now
 */
export function checkMutated(attributes: AdmissionAttributes, { namespace, managedFields }: Original): void {
  const { object } = attributes
  if (!object) return
  const meta = metaOf(object)
  if (namespace !== undefined && meta.namespace !== namespace) {
    if (meta.namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    meta.namespace = namespace
  }
  if (!equal(meta.managedFields, managedFields)) {
    const problem = problemOf(meta.managedFields ?? [])
    if (problem !== undefined) {
      if (managedFields) meta.managedFields = [...managedFields]
      else delete meta.managedFields
      attributes.warn(
        `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`,
      )
    }
  }
  const repeated = dropRepeatedOwnersOf(object)
  if (repeated) {
    attributes.warn(
      `.metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(', ')}`,
    )
  }
}

function problemOf(entries: readonly MetaV1ManagedFieldsEntry[]): string | undefined {
  const errors = validateManagedFields(entries as readonly JsonObject[], 'metadata.managedFields')
  if (errors.length) return aggregatedMessage(errors.map(({ field, message }) => `${field}: ${message}`))
  try {
    readEntries(entries)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

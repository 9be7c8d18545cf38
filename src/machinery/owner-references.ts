import { equal } from './json.ts'
import { type KubeObject, metaOf } from './object.ts'

/**
 * Leaves out owners that are named before in the same words.
 * @returns the uids of those that were named more than once; undefined when nothing had to change
 */
export function dropRepeatedOwnersOf(object: KubeObject): string[] | undefined {
  const owners = object.metadata?.ownerReferences
  if (!owners || owners.length < 2) return undefined
  const kept = owners.filter((owner, i) => owners.findIndex((other) => equal(other, owner)) === i)
  if (kept.length === owners.length) return undefined
  const repeated = [...new Set(owners.filter((owner) => !kept.includes(owner)).map((owner) => owner.uid ?? ''))]
  metaOf(object).ownerReferences = kept
  return repeated
}

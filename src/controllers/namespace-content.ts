import type { CoreV1Pod } from '../generated/types.ts'
import { isReason } from '../registry/bootstrap/ensure.ts'
import { afterPrefix, type Resource } from '../registry/resource.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { Snapshot } from '../storage/watch-cache.ts'
import { metadataOf } from './entry-metadata.ts'
import { Breather, inParallel } from './in-parallel.ts'
import type { Remaining } from './namespace-conditions.ts'

/** What is left of one resource. */
export interface Leftover {
  readonly resource: Resource
  readonly snapshot: Snapshot
}

export interface Emptied extends Remaining {
  /** Where something is left. */
  readonly leftovers: readonly Leftover[]
}

const AT_ONCE = 16

/**
 * Deletes what a namespace holds: pods first, and while any of them is left nothing else, since they may need it to end in order.
 * @param resources all that may be in a namespace
 * @param begun when the namespace was deleted, in ms since the epoch
 */
export async function emptyNamespace(
  resources: readonly Resource[],
  namespace: string,
  begun: number,
  clock: () => number,
): Promise<Emptied> {
  const found = { resources: new Map<string, number>(), finalizers: new Map<string, number>(), failures: [] as string[] }
  const leftovers: Leftover[] = []
  const breather = new Breather()
  const emptied = async (resource: Resource): Promise<void> => {
    const before = await listed(resource, namespace)
    if (before.size === 0) return
    const allowed = isPods(resource) ? await longestGrace(before.entries, breather) : 0
    try {
      await deleteEntries(resource, namespace, before.entries)
    } catch (error) {
      found.failures.push((error as Error).message)
    }
    const left = await listed(resource, namespace)
    if (left.size === 0) return
    leftovers.push({ resource, snapshot: left.snapshot })
    const { group, version, resource: name } = resource.kind
    found.resources.set(`${name}.${group}`, left.size)
    let held = false
    for (const entry of left.entries) {
      for (const finalizer of metadataOf(entry.body).finalizers ?? []) {
        held = true
        found.finalizers.set(finalizer, (found.finalizers.get(finalizer) ?? 0) + 1)
      }
      await breather.pause()
    }
    const waits = clock() - begun < allowed * 1000
    if (!held && !waits)
      found.failures.push(
        `unexpected items still remain in namespace: ${namespace} for gvr: ${group}/${version}, Resource=${name}`,
      )
  }
  const empty = (resource: Resource): Promise<void> =>
    emptied(resource).catch((error: unknown) => void found.failures.push((error as Error).message))
  const pods = resources.filter(isPods)
  for (const resource of pods) await empty(resource)
  if (leftovers.length === 0) for (const resource of resources) if (!pods.includes(resource)) await empty(resource)
  return { ...found, leftovers }
}

const isPods = ({ kind }: Resource): boolean => kind.group === '' && kind.resource === 'pods'

interface Listed {
  readonly snapshot: Snapshot
  /** The objects that can be read. */
  readonly entries: readonly CacheEntry[]
  /** How many there are; those that can't be read can't be deleted either. */
  readonly size: number
}

async function listed({ store }: Resource, namespace: string): Promise<Listed> {
  await store.cache.ready()
  const snapshot = await store.cache.consistentSnapshot()
  const entries: CacheEntry[] = []
  const prefix = store.prefix(namespace)
  snapshot.tree.forEach(prefix, afterPrefix(prefix), (entry) => {
    entries.push(entry)
    return true
  })
  let size = entries.length
  for (const key of snapshot.unreadable.keys()) if (key.startsWith(prefix)) size++
  return { snapshot, entries, size }
}

/** Deletes everything of one resource in a namespace, without waiting for what goes later. */
export async function deleteAll(resource: Resource, namespace: string): Promise<void> {
  await deleteEntries(resource, namespace, (await listed(resource, namespace)).entries)
}

async function deleteEntries(resource: Resource, namespace: string, entries: readonly CacheEntry[]): Promise<void> {
  const skip = resource.store.prefix(namespace).length
  // Dependents go with the rest anyway: nothing is to wait for them, or to be kept.
  const options = { deleteOptions: { propagationPolicy: 'Background' } }
  await inParallel(entries, AT_ONCE, async ({ key }) => {
    try {
      await resource.delete(namespace, key.slice(skip), options)
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  })
}

/** The longest time that a pod which still runs may take for its end, in seconds. */
async function longestGrace(pods: readonly CacheEntry[], breather: Breather): Promise<number> {
  let longest = 0
  for (const entry of pods) {
    const { spec, status } = entry.object<CoreV1Pod>()
    await breather.pause()
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue
    longest = Math.max(longest, spec?.terminationGracePeriodSeconds ?? 0)
  }
  return longest
}

import type { MetaV1ObjectMeta, MetaV1OwnerReference } from '../generated/types.ts'
import { metaOf } from '../machinery/object.ts'
import { isReason } from '../registry/bootstrap/ensure.ts'
import { FOREGROUND, ORPHAN } from '../registry/deletion.ts'
import type { Resource } from '../registry/resource.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import { mayHaveOwnersOrEnd, metadataOf } from './entry-metadata.ts'
import { FIELD_MANAGER } from './identity.ts'
import { inParallel } from './in-parallel.ts'
import { blocks, type GraphNode, OwnerGraph } from './owner-graph.ts'
import { WorkQueue } from './work-queue.ts'

export interface GarbageCollectorDeps {
  /** What an owner reference names; undefined when no such kind is served. */
  resourceOf(apiVersion: string, kind: string): Resource | undefined
  /** Called with what work in the background failed with; it is tried again. */
  onError(error: unknown, key: string): void
}

const WORKERS = 16
const ORPHANED_AT_ONCE = 16

/** An object's owners by what they mean for it. */
interface Owners {
  /** They exist and stay. */
  readonly solid: MetaV1OwnerReference[]
  /** They don't exist. */
  readonly absent: MetaV1OwnerReference[]
  /** They are deleted, and go when their dependents are gone. */
  readonly waiting: MetaV1OwnerReference[]
}

/**
 * Deletes what has no owner any more, and lets go what was deleted in the foreground or with its dependents orphaned. Tell it of every
 * object and each change; it acts once started, which is to be when it was told of all that is stored.
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export class GarbageCollector {
  readonly #deps: GarbageCollectorDeps
  readonly #graph = new OwnerGraph()
  readonly #queue: WorkQueue

  constructor(deps: GarbageCollectorDeps) {
    this.#deps = deps
    this.#queue = new WorkQueue({
      work: (key) => this.#work(key),
      // A kind may yet be served: there is no news in that it still isn't.
      onError: (error, key, failures) => {
        if (!(error instanceof UnknownOwnerError) || failures === 1) deps.onError(error, key)
      },
      workers: WORKERS,
      paused: true,
    })
  }

  /** Told of an object as it is now. */
  put(resource: Resource, entry: CacheEntry): void {
    const before = this.#graph.get(entry.key)
    const now = nodeOf(resource, entry)
    if (before && now && before.uid !== now.uid) this.#wakeDependents(before.uid)
    if (now) this.#graph.put(now)
    else if (before) this.#graph.remove(before.key)
    else return
    if (before) this.#wakeOwners(before, now)
    if (!now) return
    if (!before || before.uid !== now.uid || differs(before, now)) this.#queue.add(now.key)
    if (now.foreground && !before?.foreground) this.#wakeDependents(now.uid)
  }

  /**
   * Told that an object is gone.
   * @param last its last state, if that is known; otherwise `lookAgain` is to follow
   */
  remove(key: string, last: CacheEntry | undefined): void {
    const node = this.#graph.get(key)
    if (node) {
      this.#graph.remove(key)
      this.#wakeOwners(node, undefined)
    }
    if (!this.#graph.hasDependents) return
    const uid = node?.uid ?? (last && metadataOf(last.body).uid)
    if (uid) this.#wakeDependents(uid)
  }

  /** Looks at everything again: for when changes may have been missed. */
  lookAgain(): void {
    for (const { key } of [...this.#graph.nodes()]) this.#queue.add(key)
  }

  start(): void {
    this.#queue.start()
  }

  /** Resolves once there is nothing left to do. */
  settled(): Promise<void> {
    return this.#queue.settled()
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  #wakeDependents(uid: string): void {
    for (const { key } of [...this.#graph.dependents(uid)]) this.#queue.add(key)
  }

  /** Owners that wait for this one may have waited for the last time. */
  #wakeOwners(before: GraphNode, now: GraphNode | undefined): void {
    for (const { uid = '' } of before.owners) {
      const owner = this.#graph.byUid(uid)
      if (owner?.foreground && blocks(before, uid) && !(now && blocks(now, uid))) this.#queue.add(owner.key)
    }
  }

  async #work(key: string): Promise<void> {
    const node = this.#graph.get(key)
    if (!node) return
    if (node.orphan) await this.#orphan(node)
    else if (node.foreground) await this.#finish(node)
    else if (!node.deleting) await this.#judge(node)
  }

  /** Decides whether an object stays, by its newest state and that of its owners. */
  async #judge(node: GraphNode): Promise<void> {
    const entry = await node.resource.store.get(node.namespace, node.name)
    if (!entry) return
    const meta = metadataOf(entry.body)
    // It will be told of what else is there now.
    if (meta.uid !== node.uid || meta.deletionTimestamp || !meta.ownerReferences?.length) return
    const owners = await this.#sort(node, meta.ownerReferences)
    if (!owners) return
    const { solid, absent, waiting } = owners
    if (solid.length > 0) {
      if (absent.length + waiting.length > 0) await this.#disown(node, new Set([...absent, ...waiting].map(({ uid }) => uid)))
      return
    }
    if (waiting.length > 0 && this.#graph.isOwner(node.uid)) {
      const dependents = [...this.#graph.dependents(node.uid)]
      // Two that each wait for the other would wait for ever.
      if (dependents.some(({ foreground }) => foreground)) await this.#unblock(node)
      await this.#delete(node, entry.revision, 'Foreground')
      return
    }
    await this.#delete(node, entry.revision, policyOf(meta))
  }

  /** @returns undefined when the object names an owner that it can't have */
  async #sort(node: GraphNode, references: readonly MetaV1OwnerReference[]): Promise<Owners | undefined> {
    const owners: Owners = { solid: [], absent: [], waiting: [] }
    for (const reference of references) {
      const { apiVersion = '', kind = '', name = '', uid } = reference
      const resource = this.#deps.resourceOf(apiVersion, kind)
      if (!resource) throw new UnknownOwnerError(`no kind ${kind} of ${apiVersion} is served, which owns ${node.key}`)
      const namespaced = resource.kind.scope === 'Namespaced'
      if (namespaced && !node.namespace) return undefined
      // An owner in another namespace is none.
      const owner = await resource.store.get(namespaced ? node.namespace : '', name)
      const meta = owner && metadataOf(owner.body)
      if (meta?.uid !== uid) owners.absent.push(reference)
      else if (meta?.deletionTimestamp && meta.finalizers?.includes(FOREGROUND)) owners.waiting.push(reference)
      else owners.solid.push(reference)
    }
    return owners
  }

  async #delete(node: GraphNode, revision: number, propagationPolicy: string): Promise<void> {
    const { resource, namespace, name, uid } = node
    const preconditions = { uid, resourceVersion: String(revision) }
    try {
      await resource.delete(namespace, name, { deleteOptions: { propagationPolicy, preconditions } })
    } catch (error) {
      if (isReason(error, 'NotFound')) return
      if (!isReason(error, 'Conflict')) throw error
      // It was changed, perhaps by ourselves, or is another one: its owners may be others now.
      this.#queue.add(node.key)
    }
  }

  /** An owner that waits for its dependents: it may go, or they are to. */
  async #finish(node: GraphNode): Promise<void> {
    const blocking = [...this.#graph.dependents(node.uid)].filter((dependent) => blocks(dependent, node.uid))
    if (blocking.length === 0) {
      await this.#removeFinalizer(node, FOREGROUND)
      return
    }
    for (const { key, foreground } of blocking) if (!foreground) this.#queue.add(key)
  }

  async #orphan(node: GraphNode): Promise<void> {
    const gone = new Set([node.uid])
    const done = new Set<string>()
    // Some may come while others are seen to.
    for (;;) {
      const left = [...this.#graph.dependents(node.uid)].filter(({ key }) => !done.has(key))
      if (left.length === 0) break
      await inParallel(left, ORPHANED_AT_ONCE, (dependent) => this.#disown(dependent, gone))
      for (const { key } of left) done.add(key)
    }
    await this.#removeFinalizer(node, ORPHAN)
  }

  /** Takes owners away from an object. */
  async #disown(node: GraphNode, gone: ReadonlySet<string | undefined>): Promise<void> {
    await this.#change(node, (meta) => {
      const owners = meta.ownerReferences ?? []
      const kept = owners.filter(({ uid }) => !gone.has(uid))
      if (kept.length === owners.length) return false
      meta.ownerReferences = kept
      return true
    })
  }

  /** Nobody waits for this object any more. */
  async #unblock(node: GraphNode): Promise<void> {
    await this.#change(node, (meta) => {
      const owners = meta.ownerReferences ?? []
      if (!owners.some(({ blockOwnerDeletion }) => blockOwnerDeletion)) return false
      meta.ownerReferences = owners.map((owner) => ({ ...owner, blockOwnerDeletion: false }))
      return true
    })
  }

  async #removeFinalizer(node: GraphNode, finalizer: string): Promise<void> {
    await this.#change(node, (meta) => {
      const finalizers = meta.finalizers ?? []
      if (!finalizers.includes(finalizer)) return false
      meta.finalizers = finalizers.filter((other) => other !== finalizer)
      return true
    })
  }

  /** Changes an object's metadata unless it is gone or another one. @param change returns whether there is something to write */
  async #change({ resource, namespace, name, uid }: GraphNode, change: (meta: MetaV1ObjectMeta) => boolean): Promise<void> {
    try {
      await resource.update(
        namespace,
        name,
        (object) => (object.metadata?.uid === uid && change(metaOf(object)) ? object : undefined),
        { fieldManager: FIELD_MANAGER },
      )
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }
}

/** The kind of an owner isn't known, so that nothing can be said of the owner. */
class UnknownOwnerError extends Error {
  override name = 'UnknownOwnerError'
}

function nodeOf(resource: Resource, entry: CacheEntry): GraphNode | undefined {
  if (!mayHaveOwnersOrEnd(entry.body)) return undefined
  const { name = '', namespace = '', uid = '', ...meta } = metadataOf(entry.body)
  const owners = meta.ownerReferences ?? []
  const deleting = meta.deletionTimestamp !== undefined
  const foreground = deleting && Boolean(meta.finalizers?.includes(FOREGROUND))
  const orphan = deleting && Boolean(meta.finalizers?.includes(ORPHAN))
  if (owners.length === 0 && !foreground && !orphan) return undefined
  return { resource, key: entry.key, namespace, name, uid, owners, deleting, foreground, orphan }
}

/** Whether there is something to decide anew. */
function differs(before: GraphNode, now: GraphNode): boolean {
  if (before.foreground !== now.foreground || before.orphan !== now.orphan) return true
  if (before.owners.length !== now.owners.length) return true
  return now.owners.some((owner, i) => {
    const { uid, name, kind, apiVersion } = before.owners[i] as MetaV1OwnerReference
    return owner.uid !== uid || owner.name !== name || owner.kind !== kind || owner.apiVersion !== apiVersion
  })
}

/** What becomes of the object's own dependents is as its finalizers say. */
function policyOf({ finalizers = [] }: MetaV1ObjectMeta): string {
  if (finalizers.includes(ORPHAN)) return 'Orphan'
  return finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background'
}

import type { CoreV1Namespace } from '../generated/types.ts'
import { isReason } from '../registry/bootstrap/ensure.ts'
import type { ObjectAccess } from '../registry/context.ts'
import { afterPrefix, type Resource } from '../registry/resource.ts'
import type { CacheWatcher } from '../storage/cache-watch.ts'
import { FIELD_MANAGER } from './identity.ts'
import { conditionsAfter, type Remaining } from './namespace-conditions.ts'
import { deleteAll, emptyNamespace, type Leftover } from './namespace-content.ts'
import { WorkQueue } from './work-queue.ts'

export interface NamespaceDeletionDeps {
  /** Asked for when there is something to write. */
  namespaces(): ObjectAccess
  /** All resources that may be in a namespace. */
  resources(): readonly Resource[]
  /** ms since the epoch. */
  clock(): number
  /** Called with what work in the background failed with; it is tried again. */
  onError(error: unknown, namespace: string): void
}

const FINALIZER = 'kubernetes'
const WORKERS = 4
/** How often what is left in a namespace is looked at again, if nothing happens to it before. */
const LOOK_EVERY_MS = 5_000
/** How long after the end of a namespace something may still be stored that was admitted before. */
const SWEEP_AFTER_MS = 10_000

/**
 * Empties namespaces that are deleted and lets them go. Tell it of every namespace and each change.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
 */
export class NamespaceDeletion {
  readonly #deps: NamespaceDeletionDeps
  readonly #queue: WorkQueue
  readonly #sweeps: WorkQueue
  /** What is left in namespaces that wait for it. */
  readonly #watchers = new Map<string, CacheWatcher[]>()

  constructor(deps: NamespaceDeletionDeps) {
    this.#deps = deps
    const { onError } = deps
    this.#queue = new WorkQueue({ work: (name) => this.#work(name), onError, workers: WORKERS })
    this.#sweeps = new WorkQueue({ work: (name) => this.#sweep(name), onError, workers: 1 })
  }

  /** A namespace as it is now. */
  put({ metadata, spec }: CoreV1Namespace): void {
    if (metadata?.deletionTimestamp && spec?.finalizers?.length) this.#queue.add(metadata.name ?? '')
  }

  /** Told that a namespace is gone. */
  remove(name: string): void {
    this.#stopWatching(name)
    this.#sweeps.addAfter(name, SWEEP_AFTER_MS)
  }

  /** Resolves once there is nothing to do but wait for what is left in namespaces. */
  settled(): Promise<void> {
    return this.#queue.settled()
  }

  async close(): Promise<void> {
    await Promise.all([this.#queue.close(), this.#sweeps.close()])
    for (const name of [...this.#watchers.keys()]) this.#stopWatching(name)
  }

  async #work(name: string): Promise<void> {
    this.#stopWatching(name)
    const { clock } = this.#deps
    const stored = (await this.#deps.namespaces().get('', name)) as CoreV1Namespace | undefined
    const { uid, deletionTimestamp } = stored?.metadata ?? {}
    if (!uid || !deletionTimestamp || !stored?.spec?.finalizers?.length) return
    const found = await emptyNamespace(this.#deps.resources(), name, Date.parse(deletionTimestamp), clock)
    await this.#report(name, uid, found)
    if (found.leftovers.length > 0) this.#wait(name, found.leftovers)
    if (found.failures.length > 0) throw new Error(found.failures.join(', '))
    if (found.leftovers.length === 0) await this.#finalize(name, uid)
  }

  /** Goes on when there is nothing left of a resource. */
  #wait(name: string, leftovers: readonly Leftover[]): void {
    const again = (): void => this.#queue.add(name)
    this.#queue.addAfter(name, LOOK_EVERY_MS)
    const watchers = leftovers.map(({ resource: { store }, snapshot }) => {
      const prefix = store.prefix(name)
      let left = count(snapshot, prefix)
      return store.cache.watchFrom(snapshot, {
        prefix,
        exact: false,
        onEvent: (type) => {
          if (type === 'ADDED') left++
          else if (type === 'DELETED' && --left === 0) again()
        },
        onFail: again,
      })
    })
    this.#watchers.set(name, watchers)
  }

  #stopWatching(name: string): void {
    for (const watcher of this.#watchers.get(name) ?? []) watcher.close()
    this.#watchers.delete(name)
  }

  async #report(name: string, uid: string, remaining: Remaining): Promise<void> {
    await this.#change(
      name,
      uid,
      (namespace) => {
        const conditions = conditionsAfter(namespace.status?.conditions ?? [], remaining, this.#deps.clock())
        if (!conditions && namespace.status?.phase === 'Terminating') return false
        namespace.status = { ...namespace.status, phase: 'Terminating', ...(conditions ? { conditions } : {}) }
        return true
      },
      'status',
    )
  }

  async #finalize(name: string, uid: string): Promise<void> {
    await this.#change(
      name,
      uid,
      (namespace) => {
        const finalizers = namespace.spec?.finalizers ?? []
        if (!finalizers.includes(FINALIZER)) return false
        namespace.spec = { ...namespace.spec, finalizers: finalizers.filter((finalizer) => finalizer !== FINALIZER) }
        return true
      },
      'finalize',
    )
  }

  /** @param change returns whether there is something to write */
  async #change(name: string, uid: string, change: (namespace: CoreV1Namespace) => boolean, subresource: string): Promise<void> {
    try {
      await this.#deps
        .namespaces()
        .update(
          '',
          name,
          (namespace) => (namespace.metadata?.uid === uid && change(namespace as CoreV1Namespace) ? namespace : undefined),
          { subresource, fieldManager: FIELD_MANAGER },
        )
    } catch (error) {
      // Somebody else was faster.
      if (!isReason(error, 'NotFound')) throw error
    }
  }

  /** Removes what came into a namespace in its last moments, unless there is another one of that name. */
  async #sweep(name: string): Promise<void> {
    for (const resource of this.#deps.resources()) {
      await resource.store.cache.ready()
      if (count(resource.store.cache.snapshot(), resource.store.prefix(name)) === 0) continue
      if (await this.#deps.namespaces().get('', name)) return
      await deleteAll(resource, name)
    }
  }
}

function count({ tree }: { tree: Leftover['snapshot']['tree'] }, prefix: string): number {
  return tree.count(prefix, afterPrefix(prefix))
}

import { asEstablished, withAcceptedNames } from '../apiextensions/names.ts'
import { withApproval, withStructure } from '../apiextensions/policies.ts'
import { type Condition, type Definition, isTrue, withCondition } from '../kinds/apiextensions/conditions.ts'
import { CLEANUP_FINALIZER } from '../kinds/apiextensions/custom-resource-definition.ts'
import { isReason } from '../registry/bootstrap/ensure.ts'
import type { ObjectAccess } from '../registry/context.ts'
import { timestamp } from '../registry/write-rules.ts'
import { WorkQueue } from './work-queue.ts'

export interface DefinitionLifecycleDeps {
  definitions: ObjectAccess
  /** The objects of a custom resource; undefined when it isn't known here (yet). */
  instances(group: string, resource: string): ObjectAccess | undefined
  /** ms since the epoch. */
  clock(): number
  onError(error: unknown, name: string): void
}

const WORKERS = 4
/** How often it is looked whether what a deleted definition waits for is gone, in ms. */
const CLEANUP_EVERY_MS = 1_000

type Change = (definition: Definition) => Definition

/**
 * Keeps the status of definitions: which names they may have, whether they are served, what is wrong with them. And empties those that are
 * deleted before it lets them go. Any number of servers may do so at a time.
 */
export class DefinitionLifecycle {
  readonly #deps: DefinitionLifecycleDeps
  readonly #known = new Map<string, Definition>()
  readonly #queue: WorkQueue

  constructor(deps: DefinitionLifecycleDeps) {
    this.#deps = deps
    this.#queue = new WorkQueue({
      workers: WORKERS,
      paused: true,
      work: (name) => this.#work(name),
      onError: (error, name) => deps.onError(error, name),
    })
  }

  /** Begins, once all that is stored was told of. */
  start(): void {
    this.#queue.start()
  }

  put(definition: Definition): void {
    const name = definition.metadata?.name ?? ''
    const before = this.#known.get(name)
    this.#known.set(name, definition)
    this.#queue.add(name)
    // Names that it doesn't have any more are free for others.
    if (before && before.status?.acceptedNames !== definition.status?.acceptedNames) this.#addGroup(definition)
  }

  remove(name: string): void {
    const before = this.#known.get(name)
    this.#known.delete(name)
    if (before) this.#addGroup(before)
  }

  #addGroup({ spec }: Definition): void {
    for (const [name, other] of this.#known)
      if (other.spec?.group === spec?.group && !isTrue(other, 'NamesAccepted')) this.#queue.add(name)
  }

  async #work(name: string): Promise<void> {
    const definition = this.#known.get(name)
    if (!definition) return
    try {
      await this.#update(name, (current) => this.#described(current))
      if (definition.metadata?.deletionTimestamp) await this.#cleanUp(name)
    } catch (error) {
      // Whoever changed it meanwhile makes this run again.
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error
    }
  }

  /** All that is told of a definition, by what others there are. */
  #described(current: Definition): Definition {
    const now = timestamp(this.#deps.clock())
    const others = [...this.#known.values()].filter(
      ({ metadata, spec }) => spec?.group === current.spec?.group && metadata?.name !== current.metadata?.name,
    )
    const named = asEstablished(withAcceptedNames(current, others, now), now)
    return withApproval(withStructure(named, now), now)
  }

  async #update(name: string, change: Change): Promise<Definition> {
    return await this.#deps.definitions.update(
      '',
      name,
      (current) => {
        const next = change(current)
        return next === current ? undefined : next
      },
      { subresource: 'status' },
    )
  }

  async #cleanUp(name: string): Promise<void> {
    const begun = await this.#update(name, (current) =>
      awaitsCleanup(current) ? this.#terminating(current, IN_PROGRESS) : current,
    )
    if (!awaitsCleanup(begun)) return
    const established = isTrue(begun, 'Established')
    if (established && (await this.#empty(begun)) > 0) {
      this.#queue.addAfter(name, CLEANUP_EVERY_MS)
      return
    }
    await this.#update(name, (current) => {
      if (current.metadata?.uid !== begun.metadata?.uid || !awaitsCleanup(current)) return current
      const finalizers = current.metadata?.finalizers?.filter((finalizer) => finalizer !== CLEANUP_FINALIZER)
      const done = this.#terminating(current, established ? COMPLETED : NEVER_ESTABLISHED)
      return { ...done, metadata: { ...current.metadata, finalizers } }
    })
  }

  #terminating(definition: Definition, condition: Condition): Definition {
    return withCondition(definition, condition, timestamp(this.#deps.clock()))
  }

  /** Deletes what there is. @returns how much is left, for finalizers or because it came just now */
  async #empty({ spec }: Definition): Promise<number> {
    const instances = this.#deps.instances(spec?.group ?? '', spec?.names?.plural ?? '')
    // Without knowing what is stored, nothing can be let go.
    if (!instances) return 1
    for (const { metadata = {} } of await instances.list('')) {
      if (metadata.deletionTimestamp) continue
      try {
        await instances.delete(metadata.namespace ?? '', metadata.name ?? '')
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
      }
    }
    return (await instances.list('')).length
  }

  /** Resolves once there is nothing left to do that needn't wait. */
  settled(): Promise<void> {
    return this.#queue.settled()
  }

  close(): Promise<void> {
    return this.#queue.close()
  }
}

const awaitsCleanup = ({ metadata }: Definition): boolean =>
  metadata?.deletionTimestamp !== undefined && (metadata.finalizers?.includes(CLEANUP_FINALIZER) ?? false)

const terminating = (status: string, reason: string, message: string): Condition => ({
  type: 'Terminating',
  status,
  reason,
  message,
})

const IN_PROGRESS = terminating('True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress')
const COMPLETED = terminating('False', 'InstanceDeletionCompleted', 'removed all instances')
const NEVER_ESTABLISHED = terminating('False', 'NeverEstablished', 'resource was never established')

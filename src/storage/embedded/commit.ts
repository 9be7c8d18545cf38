import { setTimeout as sleep } from 'node:timers/promises'
import { StorageError, StorageUnavailableError } from '../storage.ts'
import { Batch, type Change, type HistoryLimits, type Write } from './batch.ts'
import { commitError } from './errors.ts'
import { readState, type State, type Tables } from './tables.ts'

export interface GroupCommitDeps {
  readonly tables: Tables
  readonly path: string
  readonly state: State
  readonly limits: HistoryLimits
  /** Called with each batch once it is on disk, before its writes resolve. Must not throw. */
  readonly committed: (changes: readonly Change[], state: State) => void
  readonly log: (message: string, fields?: object) => void
}

/** Bounds of one transaction. */
const maxBatchBytes = 16 << 20
const maxBatchWrites = 1000
/** Bound of what waits; beyond it writes are refused. */
const maxQueuedBytes = 256 << 20
/** Changes swept beyond two for each write, and at once when there is nothing else to do. */
const sweepStep = 16
const idleSweepStep = 200
/** Milliseconds without an answer from the disk after which the store counts as unavailable. */
const stuckAfter = 20_000

/**
 * Takes writes in order and makes them durable in batches: all that arrive while one transaction is being synced go into
 * the next one. A write's promise settles only when its transaction is on disk, and after its event was delivered.
 */
export class GroupCommit {
  readonly #deps: GroupCommitDeps
  #state: State
  #queue: Write[] = []
  #queuedBytes = 0
  #compactions: { revision: number; resolve: () => void; reject: (error: Error) => void }[] = []
  #scheduled = false
  #running: Promise<void> | undefined
  #runningSince = 0
  #sweepTimer: NodeJS.Timeout | undefined
  #closing = false
  /** Why nothing can be written any more. */
  #ended: Error | undefined

  constructor(deps: GroupCommitDeps) {
    this.#deps = deps
    this.#state = deps.state
    this.#sweepWhenIdle()
  }

  /** The counters of what is acknowledged. */
  get state(): State {
    return this.#state
  }

  /** Queues a write; its `resolve` or `reject` is called once. */
  submit(write: Write): void {
    const bytes = write.value?.length ?? 0
    const tooMany = this.#queuedBytes + bytes > maxQueuedBytes
    const refusal = this.#ended ?? (tooMany && new StorageUnavailableError('too many writes are waiting for the disk'))
    if (refusal) {
      write.reject(refusal)
      return
    }
    this.#queue.push(write)
    this.#queuedBytes += bytes
    this.#schedule()
  }

  /** As `Storage.compact`. */
  compact(revision: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      this.#compactions.push({ revision, resolve, reject })
      this.#schedule()
    })
  }

  /** @throws StorageUnavailableError when nothing can be written or the disk doesn't answer */
  check(): void {
    if (this.#ended) throw this.#ended
    if (this.#running && performance.now() - this.#runningSince > stuckAfter) {
      throw new StorageUnavailableError(`the disk of the store has not answered for ${stuckAfter / 1000} s`)
    }
  }

  /**
   * Finishes what is queued and refuses what comes after.
   *
   * @throws StorageUnavailableError when the disk doesn't answer
   */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#sweepTimer)
    while (this.#running || this.#scheduled) {
      // The long wait must not keep the process once the flush is done.
      const soon = sleep(this.#running ? 1000 : 1, undefined, { ref: !this.#running })
      await (this.#running ? Promise.race([this.#running, soon]) : soon)
      this.check()
    }
    this.#ended ??= new StorageUnavailableError('the store is closed')
  }

  #schedule(): void {
    if (this.#scheduled || this.#running) return
    this.#scheduled = true
    // Not at once, so that all writes of this turn of the event loop go together.
    setImmediate(() => {
      this.#scheduled = false
      this.#runningSince = performance.now()
      this.#running = this.#flush().finally(() => {
        this.#running = undefined
        if (this.#queue.length > 0 || this.#compactions.length > 0) this.#schedule()
        else this.#sweepWhenIdle()
      })
    })
  }

  async #flush(): Promise<void> {
    const batch = new Batch(this.#deps.tables, this.#state)
    const compactions = this.#compactions
    this.#compactions = []
    try {
      this.#fill(batch)
      for (const { revision } of compactions) batch.compact(revision)
      batch.sweep(batch.changes.length === 0 ? idleSweepStep : 2 * batch.changes.length + sweepStep, this.#deps.limits)
      if (!batch.empty) {
        await this.#deps.tables.transact(() => batch.write())
      }
    } catch (error) {
      await this.#failed(batch, compactions, error)
      return
    }
    if (!batch.empty) {
      this.#state = batch.state
      this.#deps.committed(batch.changes, batch.state)
    }
    for (const { write, revision } of batch.changes) write.resolve(revision)
    for (const { write, error } of batch.refused) write.reject(error)
    for (const { resolve } of compactions) resolve()
  }

  /** Moves writes from the queue into the batch, up to its bounds. */
  #fill(batch: Batch): void {
    const queue = this.#queue
    let taken = 0
    let bytes = 0
    while (taken < queue.length && taken < maxBatchWrites && bytes < maxBatchBytes) {
      const write = queue[taken++]!
      bytes += write.value?.length ?? 0
      try {
        batch.add(write)
      } catch (error) {
        write.reject(new StorageError(`can't check the write of ${write.key}`, { cause: error }))
      }
    }
    this.#queue = taken === queue.length ? [] : queue.slice(taken)
    this.#queuedBytes -= bytes
  }

  /** LMDB has rolled the transaction back: its writes fail, and the store goes on from where it was. */
  async #failed(batch: Batch, compactions: readonly { reject: (error: Error) => void }[], cause: unknown): Promise<void> {
    const bytes = batch.changes.reduce((sum, { write }) => sum + (write.value?.length ?? 0), 0)
    const error = await commitError(cause, this.#deps.path, bytes)
    this.#deps.log('a write to the store failed', { error: error.message, writes: batch.changes.length })
    if (this.#storedRevision() !== this.#state.revision) {
      // Whether the batch will be there after a restart can't be told, so nothing more may be built on it.
      this.#ended = new StorageUnavailableError('the store is in doubt after a failed write', { cause: error })
    }
    for (const { write } of batch.changes) write.reject(error)
    for (const { write } of batch.refused) write.reject(error)
    for (const { reject } of compactions) reject(error)
  }

  #storedRevision(): number | undefined {
    try {
      return readState(this.#deps.tables)?.revision
    } catch {
      return undefined
    }
  }

  /** Takes history away in small steps while nobody writes. */
  #sweepWhenIdle(): void {
    clearTimeout(this.#sweepTimer)
    const { compacted, swept, revision, historyBytes } = this.#state
    const { revisions, bytes } = this.#deps.limits
    if (this.#ended || this.#closing || (swept >= compacted && revision - swept <= revisions && historyBytes <= bytes)) return
    this.#sweepTimer = setTimeout(() => this.#schedule(), 20).unref()
  }
}

import { KeyExistsError, type KeyValue, RevisionConflictError } from '../storage.ts'
import {
  decodeChange,
  decodeKeyRecord,
  encodeChange,
  encodeKeyRecord,
  encodeState,
  type KeyRecord,
  type State,
  type Tables,
} from './tables.ts'
import { append, ignore } from './values.ts'

/** A write as the group commit queues it. */
export interface Write {
  /** `expire` is a deletion that nobody waits for and that is dropped when the key has changed since. */
  readonly kind: 'create' | 'update' | 'delete' | 'expire'
  readonly key: string
  /** Set for create and update. */
  readonly value: Buffer | undefined
  /** 0 for create. */
  readonly expectedRevision: number
  /** Milliseconds since the epoch; 0 for never. */
  readonly expiresAt: number
  readonly resolve: (revision: number) => void
  readonly reject: (error: Error) => void
}

/** A write that passed its checks. */
export interface Change {
  readonly write: Write
  readonly revision: number
  readonly createRevision: number
  readonly record: KeyRecord
  /** The key's last revision before, a deletion's too. */
  readonly replaced: KeyRecord | undefined
  /** The replaced value where it is in this same batch and so not to be read from the store yet. */
  readonly replacedValue: Buffer | undefined
}

/** How much history a store keeps at most. */
export interface HistoryLimits {
  readonly revisions: number
  readonly bytes: number
}

/** What a change record and its places in the tables take, roughly. */
const changeOverhead = 160

/**
 * One transaction in the making: checks writes in order against the store and the writes before them in the batch, then
 * puts all that passed. Only one batch is under way at a time, so that a check never rests on a write that may yet fail,
 * other than one of the same batch, whose fate it then shares.
 */
export class Batch {
  readonly changes: Change[] = []
  /** Writes that fail because of another one in this batch: certain only when the batch is on disk. */
  readonly refused: { readonly write: Write; readonly error: Error }[] = []
  readonly #tables: Tables
  readonly #before: State
  readonly #touched = new Map<string, Change>()
  readonly #sweeps: (() => void)[] = []
  #state: State

  constructor(tables: Tables, state: State) {
    this.#tables = tables
    this.#before = state
    this.#state = state
  }

  /** The counters once this batch is committed. */
  get state(): State {
    return this.#state
  }

  get empty(): boolean {
    return this.#state === this.#before
  }

  /** Checks one write and adds it, or rejects it. */
  add(write: Write): void {
    const touched = this.#touched.get(write.key)
    const stored = touched ? undefined : this.#tables.keys.get(write.key)
    const current = touched?.record ?? (stored && decodeKeyRecord(stored))
    const live = current && !current.deleted ? current : undefined
    if (write.kind === 'create' ? live : live?.revision !== write.expectedRevision) {
      const error = write.kind === 'create' ? new KeyExistsError(write.key) : this.#conflict(write.key, live, touched)
      if (touched) this.refused.push({ write, error })
      else write.reject(error)
      return
    }
    const revision = this.#state.revision + 1
    const deleted = write.value === undefined
    const record = {
      revision,
      createRevision: live ? live.createRevision : revision,
      expiresAt: write.expiresAt,
      size: write.value?.length ?? 0,
      deleted,
    }
    const change = {
      write,
      revision,
      createRevision: record.createRevision,
      record,
      replaced: current,
      replacedValue: live ? touched?.write.value : undefined,
    }
    this.changes.push(change)
    this.#touched.set(write.key, change)
    this.#state = {
      ...this.#state,
      revision,
      historyBytes: this.#state.historyBytes + changeOverhead + (live?.size ?? 0),
    }
  }

  /** Makes history up to `revision` unreadable; sweeping it away follows in steps. */
  compact(revision: number): void {
    if (revision > this.#state.compacted) this.#state = { ...this.#state, compacted: revision }
  }

  /**
   * Removes up to `budget` of the oldest changes that are compacted or beyond the limits, and what they replaced. Each
   * batch sweeps a little more than it adds, so that history stays within its bounds without ever needing a long pass.
   */
  sweep(budget: number, limits: HistoryLimits): void {
    let { compacted, swept, historyBytes } = this.#state
    for (; budget > 0 && swept < this.#before.revision; budget--) {
      const excess = this.#state.revision - swept > limits.revisions || historyBytes > limits.bytes
      if (swept >= compacted && !excess) break
      swept++
      const change = this.#tables.changes.get(swept)
      if (change) historyBytes -= this.#forget(swept, change)
      if (compacted < swept) compacted = swept
    }
    if (swept === this.#state.swept) return
    this.#state = { ...this.#state, compacted, swept, historyBytes: Math.max(0, historyBytes) }
  }

  /** Issues the puts and removes, in `Tables.transact`. */
  write(): void {
    const { keys, changes, values, expiry, meta } = this.#tables
    for (const { write, revision, record, replaced } of this.changes) {
      const { key, value } = write
      void keys.put(key, encodeKeyRecord(record))
      const change = {
        deleted: record.deleted,
        key,
        createRevision: record.createRevision,
        previousRevision: replaced?.revision ?? 0,
        previousSize: replaced?.size ?? 0,
      }
      changes.put(revision, encodeChange(change), append).catch(ignore)
      if (value) values.put(revision, value)
      if (replaced && replaced.expiresAt !== 0 && !replaced.deleted) void expiry.remove(replaced)
      if (record.expiresAt !== 0) void expiry.put(record, Buffer.from(key))
    }
    for (const sweep of this.#sweeps) sweep()
    void meta.put('state', encodeState(this.#state))
  }

  #conflict(key: string, live: KeyRecord | undefined, touched: Change | undefined): RevisionConflictError {
    const value = live && (touched ? touched.write.value : this.#tables.values.get(live.revision))
    const current: KeyValue | undefined =
      live && value ? { key, value, revision: live.revision, createRevision: live.createRevision } : undefined
    return new RevisionConflictError(key, current)
  }

  /** Plans to remove what only reads before `revision` could see; returns the bytes that frees. */
  #forget(revision: number, record: Buffer): number {
    const { keys, changes, values } = this.#tables
    const { key, deleted, createRevision, previousRevision, previousSize } = decodeChange(record)
    if (createRevision !== revision && previousRevision !== 0) {
      this.#sweeps.push(() => {
        void changes.remove(previousRevision)
        values.remove(previousRevision, previousSize)
      })
    }
    if (deleted) {
      const stored = keys.get(key)
      const newest = !this.#touched.has(key) && stored !== undefined && decodeKeyRecord(stored).revision === revision
      this.#sweeps.push(() => {
        void changes.remove(revision)
        if (newest) void keys.remove(key)
      })
    }
    return changeOverhead + previousSize
  }
}

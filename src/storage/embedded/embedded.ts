import { chmodSync, mkdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  FutureRevisionError,
  type KeyValue,
  type ListOptions,
  type ListResult,
  RevisionConflictError,
  type Storage,
  StorageError,
  StorageUnavailableError,
  type Subscription,
  type WatchHandler,
  type WriteOptions,
} from '../storage.ts'
import type { Change, Write } from './batch.ts'
import { checkFile } from './check-file.ts'
import { GroupCommit } from './commit.ts'
import { Expiry } from './expiry.ts'
import { lockStore } from './lock.ts'
import { countKeys, keyFits, readKey, readList } from './reader.ts'
import { encodeState, maxKeyBytes, openTables, readState, type State, type Tables } from './tables.ts'
import { WatchHub } from './watch-hub.ts'

export interface EmbeddedDeps {
  /** The store's folder; created if missing. */
  readonly path: string
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  readonly logger?: (message: string, fields?: object) => void
  /** How many revisions of history to keep at most. */
  readonly historyRevisions?: number
  /** How many bytes of replaced values to keep at most, about. */
  readonly historyBytes?: number
  /** Bytes of address space to reserve. The store may outgrow it at a small cost. */
  readonly mapSize?: number
}

/** As in etcd, where the empty store is at revision 1, so that 0 can mean "unset". */
const emptyState: State = { revision: 1, compacted: 0, swept: 1, historyBytes: 0 }

/**
 * Opens the embedded store, creating it where there is none.
 *
 * @throws StorageUnavailableError when another server holds it, or it can't be opened
 */
export async function openEmbedded(deps: EmbeddedDeps): Promise<Storage> {
  const { path } = deps
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new StorageUnavailableError(`can't create the store ${path}: ${(error as Error).message}`, { cause: error })
  }
  const unlock = lockStore(path)
  let tables: Tables | undefined
  try {
    checkFile(path)
    tables = openTables(path, deps.mapSize ?? 2 ** 34)
    // LMDB creates it readable by all, and it holds secrets.
    chmodSync(join(path, 'data.mdb'), 0o600)
    const state = readState(tables) ?? (await writeEmptyState(tables))
    for (const { key: newest } of tables.changes.getRange({ start: Number.MAX_SAFE_INTEGER, reverse: true, limit: 1 })) {
      if (newest > state.revision) throw new Error(`it holds revision ${newest}, beyond its counter ${state.revision}`)
    }
    return new EmbeddedStorage(deps, tables, state, unlock)
  } catch (error) {
    await tables?.close()
    unlock()
    throw new StorageUnavailableError(`can't open the store ${path}: ${(error as Error).message}`, { cause: error })
  }
}

async function writeEmptyState({ transact, meta }: Tables): Promise<State> {
  await transact(() => void meta.put('state', encodeState(emptyState)))
  return emptyState
}

class EmbeddedStorage implements Storage {
  readonly eager = true
  readonly #tables: Tables
  readonly #path: string
  readonly #commit: GroupCommit
  readonly #hub: WatchHub
  readonly #expiry: Expiry
  readonly #clock: () => number
  readonly #unlock: () => void
  #closing: Promise<void> | undefined

  constructor(deps: EmbeddedDeps, tables: Tables, state: State, unlock: () => void) {
    const log = deps.logger ?? (() => {})
    this.#tables = tables
    this.#path = deps.path
    this.#unlock = unlock
    this.#clock = deps.clock ?? Date.now
    this.#hub = new WatchHub({ tables, revision: state.revision, log })
    this.#commit = new GroupCommit({
      tables,
      state,
      path: deps.path,
      limits: { revisions: deps.historyRevisions ?? 100_000, bytes: deps.historyBytes ?? 32 << 20 },
      committed: (changes, newState) => this.#committed(changes, newState),
      log,
    })
    this.#expiry = new Expiry({ tables, clock: this.#clock, submit: (write) => this.#commit.submit(write), log })
  }

  async currentRevision(): Promise<number> {
    this.#assertOpen()
    return this.#commit.state.revision
  }

  async get(key: string, revision = 0): Promise<KeyValue | undefined> {
    this.#assertOpen()
    return readKey(this.#tables, key, revision)
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen()
    return readList(this.#tables, prefix, options)
  }

  async count(prefix: string): Promise<number> {
    this.#assertOpen()
    return countKeys(this.#tables, prefix)
  }

  async size(): Promise<number> {
    this.#assertOpen()
    return (await stat(join(this.#path, 'data.mdb'))).size
  }

  create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    if (key === '' || !keyFits(key)) {
      return Promise.reject(new StorageError(`a key must have 1 to ${maxKeyBytes} bytes, not ${Buffer.byteLength(key)}`))
    }
    return this.#write('create', key, value, 0, options)
  }

  update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    return this.#write('update', key, value, expectedRevision, options)
  }

  delete(key: string, expectedRevision: number): Promise<number> {
    return this.#write('delete', key, undefined, expectedRevision)
  }

  async watch(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription> {
    this.#assertOpen()
    return this.#hub.add(prefix, afterRevision, handler)
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen()
    const { revision: current, compacted } = this.#commit.state
    if (revision > current) throw new FutureRevisionError(revision, current)
    if (revision > compacted) await this.#commit.compact(revision)
  }

  async compactedRevision(): Promise<number> {
    this.#assertOpen()
    return this.#commit.state.compacted
  }

  async ping(): Promise<void> {
    this.#assertOpen()
    this.#commit.check()
    readState(this.#tables)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #write(kind: Write['kind'], key: string, value: Buffer | undefined, expectedRevision: number, options?: WriteOptions) {
    return new Promise<number>((resolve, reject) => {
      if (this.#closing) return reject(new StorageUnavailableError('the store is closed'))
      if (!keyFits(key)) return reject(new RevisionConflictError(key, undefined))
      const expiresAt = options?.ttlSeconds ? Math.ceil(this.#clock() + options.ttlSeconds * 1000) : 0
      this.#commit.submit({ kind, key, value, expectedRevision, expiresAt, resolve, reject })
    })
  }

  #committed(changes: readonly Change[], state: State): void {
    this.#hub.publish(changes, state)
    for (const { record } of changes) if (record.expiresAt !== 0) this.#expiry.note(record.expiresAt)
  }

  async #close(): Promise<void> {
    this.#expiry.close()
    try {
      await this.#commit.close()
    } finally {
      this.#hub.close(new StorageUnavailableError('the store is closed'))
    }
    await this.#tables.close()
    // Only now: where the disk doesn't answer, the lock stays until the process ends.
    this.#unlock()
  }

  #assertOpen(): void {
    if (this.#closing) throw new StorageUnavailableError('the store is closed')
  }
}

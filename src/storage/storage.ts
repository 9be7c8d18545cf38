/**
 * The one contract between the API server and whatever keeps its objects.
 *
 * Revisions are one counter per store: every successful write (create, update, delete) takes the next number, and an
 * object's `revision` is the number of its last write. Keys are strings in the reference's etcd layout, values are the
 * encoded object without its resource version. Ordering is by the key's bytes.
 */
export interface Storage extends AsyncDisposable {
  /**
   * Whether a change reaches this process's watches before its write resolves, and before any `currentRevision` that is new enough to hold
   * it. If not, a reader who needs the newest must wait until its watch has come to `currentRevision`.
   */
  readonly eager: boolean

  /** The revision of the newest acknowledged write. */
  currentRevision(): Promise<number>

  /**
   * @param revision read as of this revision; unset or 0 means now
   * @throws CompactedError, FutureRevisionError
   */
  get(key: string, revision?: number): Promise<KeyValue | undefined>

  /**
   * All keys that start with `prefix` (which ends in `/`), in key order, as of one revision.
   * @throws CompactedError, FutureRevisionError
   */
  list(prefix: string, options?: ListOptions): Promise<ListResult>

  /** The number of keys under `prefix` now. */
  count(prefix: string): Promise<number>

  /** The bytes that the whole database takes on its disk, of this store and of whatever else is in it. */
  size(): Promise<number>

  /**
   * Stores a new key. Resolves with its revision once the write is durable (synced to disk or a quorum).
   * @throws KeyExistsError
   */
  create(key: string, value: Buffer, options?: WriteOptions): Promise<number>

  /**
   * Replaces the value of a key whose current revision is `expectedRevision`. Durable on return, as `create`.
   * @throws RevisionConflictError when the key is at another revision or gone
   */
  update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number>

  /**
   * Removes a key whose current revision is `expectedRevision`; resolves with the revision of the deletion.
   * @throws RevisionConflictError when the key is at another revision or gone
   */
  delete(key: string, expectedRevision: number): Promise<number>

  /**
   * Every change under `prefix` (ends in `/`) with a revision greater than `afterRevision`, in order, exactly once, then live. History is
   * replayed first, perhaps before this resolves. Changes of one revision (keys that expired together) come in one call.
   * @throws CompactedError when changes after `afterRevision` were compacted away; FutureRevisionError
   */
  watch(prefix: string, afterRevision: number, handler: WatchHandler): Promise<Subscription>

  /** Forgets history up to and including `revision`: older exact reads and watches get a CompactedError. Current values stay. */
  compact(revision: number): Promise<void>

  /** The oldest revision that reads and watches can still start from. */
  compactedRevision(): Promise<number>

  /** Rejects when the store can't serve. */
  ping(): Promise<void>

  close(): Promise<void>
}

export interface KeyValue {
  readonly key: string
  readonly value: Buffer
  /** Why `value` is only what is stored: it can't be turned into what was written. An `UnreadableError`. */
  readonly unreadable?: Error | undefined
  /** Revision of the last write of this key. */
  readonly revision: number
  /** Revision of the write that created it. */
  readonly createRevision: number
}

export interface ListOptions {
  /** Read as of this revision; unset or 0 means now. */
  revision?: number
  /** Return keys at or after this full key only. */
  start?: string
  /** At most this many. */
  limit?: number
}

export interface ListResult {
  /** The revision that the answer is as of. */
  revision: number
  items: KeyValue[]
  /** Whether keys were left out by `limit`. */
  more: boolean
}

export interface WriteOptions {
  /** The key disappears by itself (as a delete with a revision of its own) this many seconds after the write. */
  ttlSeconds?: number
}

export interface StorageEvent {
  readonly type: 'put' | 'delete'
  readonly key: string
  /** The new value; for a delete the last one. The very Buffer that the writer passed, where writer and watch share a process, if it can be. */
  readonly value: Buffer
  /** As of a `KeyValue`. */
  readonly unreadable?: Error | undefined
  /** The revision of this change. */
  readonly revision: number
  readonly createRevision: number
  /** What was there before; unset for a creation. */
  readonly previous?: { readonly value: Buffer; readonly unreadable?: Error | undefined; readonly revision: number } | undefined
}

export interface WatchHandler {
  /** One or more changes, in revision order. Must not throw. */
  onEvents(events: readonly StorageEvent[]): void
  /** Nothing under the prefix changed up to and including this revision beyond what was delivered. */
  onProgress?(revision: number): void
  /** The watch ended for good (compacted under it, store gone). Not called after `close()`. */
  onError(error: Error): void
}

export interface Subscription {
  close(): void
  /**
   * Asks for `onProgress` as soon as a revision is reached: watches that get no events are told only a few times a second else. Engines
   * that are `eager` need not be asked.
   */
  hurry?(revision: number): void
}

export class StorageError extends Error {
  override name = 'StorageError'
}

export class KeyExistsError extends StorageError {
  override name = 'KeyExistsError'
  readonly key: string
  /** What the key holds, where the engine tells. */
  readonly current: KeyValue | undefined
  constructor(key: string, current?: KeyValue) {
    super(`key ${key} exists`)
    this.key = key
    this.current = current
  }
}

export class RevisionConflictError extends StorageError {
  override name = 'RevisionConflictError'
  readonly key: string
  /** What the key holds now; unset when it doesn't exist. */
  readonly current: KeyValue | undefined
  constructor(key: string, current: KeyValue | undefined) {
    super(`key ${key} is ${current ? `at revision ${current.revision}` : 'gone'}`)
    this.key = key
    this.current = current
  }
}

export class CompactedError extends StorageError {
  override name = 'CompactedError'
  readonly requested: number
  readonly compacted: number
  constructor(requested: number, compacted: number) {
    super(`revision ${requested} has been compacted (oldest is ${compacted})`)
    this.requested = requested
    this.compacted = compacted
  }
}

export class FutureRevisionError extends StorageError {
  override name = 'FutureRevisionError'
  readonly requested: number
  readonly current: number
  constructor(requested: number, current: number) {
    super(`revision ${requested} is in the future (current is ${current})`)
    this.requested = requested
    this.current = current
  }
}

/** The disk, map or quota is full: nothing was written. */
export class StorageFullError extends StorageError {
  override name = 'StorageFullError'
}

/** The store can't be reached or opened now. */
export class StorageUnavailableError extends StorageError {
  override name = 'StorageUnavailableError'
}

import { open, type Transaction } from 'lmdb'
import { type PartKey, Values } from './values.ts'

/**
 * How the store lies on disk: one LMDB environment with six tables.
 *
 *     keys     key → its newest revision (live, or deleted and not yet swept), in key order
 *     changes  revision → what that write did: kind, key, and the revision it replaced
 *     values   revision → the value as it was passed, or its first part
 *     parts    revision and number → the further parts of a value longer than a page
 *     expiry   time and revision → the key to delete then
 *     meta     'state' → the counters, written with every transaction
 *
 * A value is written once, under its revision; the replaced ones stay until they are swept, so history costs no second
 * write, and a chain of `previousRevision` leads from a key back through its past.
 */
export interface Tables {
  readonly keys: Table<string>
  readonly changes: Table<number>
  readonly values: Values
  readonly expiry: Table<ExpiryKey>
  readonly meta: Table<string>
  /** Runs `write`'s puts and removes as one transaction off the main thread; resolves once it is synced to disk. */
  transact(write: () => void): Promise<unknown>
  /** A snapshot to read from over several turns of the event loop; the caller must call `done`. */
  snapshot(): Snapshot
  close(): Promise<void>
}

export interface Table<K> {
  get(key: K, options?: ReadOptions): Buffer | undefined
  /**
   * Only within `transact`.
   *
   * @param options `append`: the key is the greatest of the table. The library makes a promise of its own for such a
   *   put, which must be caught.
   */
  put(key: K, value: Buffer, options?: { append: boolean }): Promise<boolean>
  /** Only within `transact`. A key that isn't there is no error. */
  remove(key: K): Promise<boolean>
  getRange(options: RangeOptions<K>): Iterable<{ key: K; value: Buffer }>
}

export type Snapshot = Transaction

export interface ReadOptions {
  transaction?: Snapshot
}

export interface RangeOptions<K> extends ReadOptions {
  start: K
  /** Exclusive. */
  end?: K
  limit?: number
  /** From `start` down. */
  reverse?: boolean
}

export interface ExpiryKey {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly revision: number
}

/** The store's counters. */
export interface State {
  /** The newest revision. */
  readonly revision: number
  /** Reads and watches can start from here on. */
  readonly compacted: number
  /** History is physically gone up to here (never beyond `compacted`). */
  readonly swept: number
  /** About how many bytes the replaced values take that are still kept. */
  readonly historyBytes: number
}

/** What the store knows of a key's newest revision. */
export interface KeyRecord {
  readonly revision: number
  readonly createRevision: number
  /** Milliseconds since the epoch; 0 for never. */
  readonly expiresAt: number
  /** Bytes of the value. */
  readonly size: number
  readonly deleted: boolean
}

export interface ChangeRecord {
  readonly deleted: boolean
  readonly key: string
  readonly createRevision: number
  /** The revision that this key had before, also a deletion's; 0 for none that is known. */
  readonly previousRevision: number
  /** Bytes of the value that was replaced or deleted. */
  readonly previousSize: number
}

/** LMDB's limit for pages of 4 kB, which stores of format 1 have. */
export const maxKeyBytes = 1978

/** Bytes of a new store's pages. */
const pageSize = 8192

/** Format 1 had no parts. */
const formatVersion = 2

/** Revisions and times sort as numbers: eight bytes, big-endian. */
function writeNumber(value: number, target: Buffer, position: number): number {
  target.writeUInt32BE(Math.floor(value / 0x1_0000_0000), position)
  return target.writeUInt32BE(value >>> 0, position + 4)
}

function readNumber(source: Buffer, position: number): number {
  return source.readUInt32BE(position) * 0x1_0000_0000 + source.readUInt32BE(position + 4)
}

const stringKeys = {
  writeKey: (key: string, target: Buffer, position: number) => position + target.write(key, position, 'utf8'),
  readKey: (source: Buffer, start: number, end: number) => source.toString('utf8', start, end),
}
const revisionKeys = { writeKey: writeNumber, readKey: readNumber }
const partKeys = {
  writeKey: ({ revision, part }: PartKey, target: Buffer, position: number) =>
    target.writeUInt32BE(part, writeNumber(revision, target, position)),
  readKey: (source: Buffer, start: number) => ({
    revision: readNumber(source, start),
    part: source.readUInt32BE(start + 8),
  }),
}
const expiryKeys = {
  writeKey: (key: ExpiryKey, target: Buffer, position: number) =>
    writeNumber(key.revision, target, writeNumber(key.expiresAt, target, position)),
  readKey: (source: Buffer, start: number) => ({
    expiresAt: readNumber(source, start),
    revision: readNumber(source, start + 8),
  }),
}

/**
 * Opens or creates the environment.
 *
 * @param mapSize bytes of address space to reserve; LMDB maps anew beyond it, and keeps the old maps, which count as
 *   resident memory a second time: hence a generous one
 */
export function openTables(path: string, mapSize: number): Tables {
  const root = open({
    path,
    noSubdir: false,
    maxDbs: 8,
    mapSize,
    pageSize,
    // With overlapping sync a transaction can be read before it is on disk. Without, LMDB writes the pages, syncs them,
    // then writes the meta page through an O_DSYNC descriptor, and only then shows the transaction and resolves it.
    overlappingSync: false,
    // Batches are made by the group commit. The library's own would add promises that nobody holds, and thus unhandled
    // rejections when a transaction fails.
    eventTurnBatching: false,
  })
  function table<K>(name: string, keyEncoder: object): Table<K> {
    return root.openDB({ name, encoding: 'binary', keyEncoder } as { name: string }) as unknown as Table<K>
  }
  return {
    keys: table('keys', stringKeys),
    changes: table('changes', revisionKeys),
    values: new Values(table('values', revisionKeys), table('parts', partKeys)),
    expiry: table('expiry', expiryKeys),
    meta: table('meta', stringKeys),
    transact: (write) => root.batch(write),
    snapshot: () => root.useReadTransaction(),
    close: () => root.close(),
  }
}

/** @returns undefined in a new store */
export function readState(tables: Tables, options?: ReadOptions): State | undefined {
  const record = tables.meta.get('state', options)
  if (!record) return undefined
  const { format, ...state } = JSON.parse(record.toString('latin1')) as State & { format: number }
  if (format > formatVersion) throw new Error(`the store has format ${format}, this server knows ${formatVersion}`)
  return state
}

export function encodeState(state: State): Buffer {
  return Buffer.from(JSON.stringify({ format: formatVersion, ...state }), 'latin1')
}

export function encodeKeyRecord(record: KeyRecord): Buffer {
  const buffer = Buffer.allocUnsafe(32)
  buffer.writeDoubleLE(record.revision, 0)
  buffer.writeDoubleLE(record.createRevision, 8)
  buffer.writeDoubleLE(record.expiresAt, 16)
  buffer.writeUInt32LE(record.size, 24)
  buffer.writeUInt32LE(record.deleted ? 1 : 0, 28)
  return buffer
}

export function decodeKeyRecord(buffer: Buffer): KeyRecord {
  return {
    revision: buffer.readDoubleLE(0),
    createRevision: buffer.readDoubleLE(8),
    expiresAt: buffer.readDoubleLE(16),
    size: buffer.readUInt32LE(24),
    deleted: buffer.readUInt32LE(28) === 1,
  }
}

export function encodeChange(change: ChangeRecord): Buffer {
  const buffer = Buffer.allocUnsafe(24 + Buffer.byteLength(change.key))
  buffer.writeDoubleLE(change.createRevision, 0)
  buffer.writeDoubleLE(change.previousRevision, 8)
  buffer.writeUInt32LE(change.previousSize, 16)
  buffer.writeUInt32LE(change.deleted ? 1 : 0, 20)
  buffer.write(change.key, 24, 'utf8')
  return buffer
}

export function decodeChange(buffer: Buffer): ChangeRecord {
  return {
    createRevision: buffer.readDoubleLE(0),
    previousRevision: buffer.readDoubleLE(8),
    previousSize: buffer.readUInt32LE(16),
    deleted: buffer.readUInt32LE(20) === 1,
    key: buffer.toString('utf8', 24),
  }
}

/** The first key after all that start with `prefix`, which ends in `/`. */
export function prefixEnd(prefix: string): string {
  return `${prefix.slice(0, -1)}0`
}

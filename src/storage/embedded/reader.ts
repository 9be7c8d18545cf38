import { setImmediate } from 'node:timers/promises'
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type ListOptions,
  type ListResult,
  StorageError,
} from '../storage.ts'
import {
  decodeChange,
  decodeKeyRecord,
  type KeyRecord,
  maxKeyBytes,
  prefixEnd,
  type ReadOptions,
  readState,
  type Snapshot,
  type State,
  type Tables,
} from './tables.ts'

/** How long a scan may keep the event loop, in milliseconds. */
const slice = 4

/**
 * Reads a key as of a revision.
 *
 * @param revision 0 for now
 * @throws CompactedError, FutureRevisionError
 */
export function readKey(tables: Tables, key: string, revision: number): KeyValue | undefined {
  if (!keyFits(key)) return undefined
  if (revision !== 0) checkRevision(readState(tables)!, revision)
  const record = tables.keys.get(key)
  return record && versionAt(tables, key, decodeKeyRecord(record), revision || Number.POSITIVE_INFINITY)
}

/** All keys under a prefix as of one revision, without blocking the event loop for long. As `Storage.list`. */
export async function readList(tables: Tables, prefix: string, options: ListOptions): Promise<ListResult> {
  const limit = options.limit || Number.POSITIVE_INFINITY
  return withSnapshot(tables, async (snapshot) => {
    const read = { transaction: snapshot }
    const state = readState(tables, read)!
    const revision = options.revision || state.revision
    checkRevision(state, revision)
    const items: KeyValue[] = []
    let more = false
    await scan(tables, snapshot, prefix, options.start, (key, record) => {
      const item = versionAt(tables, key, record, revision, read)
      if (!item) return true
      if (items.length >= limit) {
        more = true
        return false
      }
      items.push(item)
      return true
    })
    return { revision, items, more }
  })
}

/** As `Storage.count`. */
export async function countKeys(tables: Tables, prefix: string): Promise<number> {
  return withSnapshot(tables, async (snapshot) => {
    let count = 0
    await scan(tables, snapshot, prefix, undefined, (_, record) => {
      if (!record.deleted) count++
      return true
    })
    return count
  })
}

/** @throws CompactedError, FutureRevisionError */
export function checkRevision(state: State, revision: number): void {
  if (revision < state.compacted) throw new CompactedError(revision, state.compacted)
  if (revision > state.revision) throw new FutureRevisionError(revision, state.revision)
}

/** Whether LMDB can hold the key. */
export function keyFits(key: string): boolean {
  // A UTF-16 unit takes three bytes at most, so that nearly every key needs no counting.
  return key.length * 3 <= maxKeyBytes || Buffer.byteLength(key) <= maxKeyBytes
}

/** Walks back from a key's newest revision to the one that was there at `revision` (at or after the compacted one). */
function versionAt(tables: Tables, key: string, newest: KeyRecord, revision: number, read?: ReadOptions): KeyValue | undefined {
  let { revision: found, createRevision, deleted } = newest
  while (found > revision) {
    const change = tables.changes.get(found, read)
    if (!change) throw new StorageError(`the store lacks revision ${found} of ${key}`)
    found = decodeChange(change).previousRevision
    const previous = found === 0 ? undefined : tables.changes.get(found, read)
    // Nothing before, or a deletion that was swept: at or before the compacted revision, so in force at `revision`.
    if (!previous) return undefined
    ;({ createRevision, deleted } = decodeChange(previous))
  }
  if (deleted) return undefined
  const value = tables.values.get(found, read)
  if (!value) throw new StorageError(`the store lacks the value of ${key} at revision ${found}`)
  return { key, value, revision: found, createRevision }
}

async function withSnapshot<T>(tables: Tables, read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const snapshot = tables.snapshot()
  try {
    return await read(snapshot)
  } finally {
    snapshot.done()
  }
}

/** Visits keys in order until `visit` says false. */
async function scan(
  tables: Tables,
  transaction: Snapshot,
  prefix: string,
  start: string | undefined,
  visit: (key: string, record: KeyRecord) => boolean,
): Promise<void> {
  const end = prefixEnd(prefix)
  let from: string | undefined =
    start === undefined || Buffer.compare(Buffer.from(start), Buffer.from(prefix)) < 0 ? prefix : start
  while (from !== undefined) {
    if (!keyFits(from)) throw new StorageError(`a key can't be longer than ${maxKeyBytes} bytes`)
    const deadline = performance.now() + slice
    const begin: string = from
    from = undefined
    let rows = 0
    for (const { key, value } of tables.keys.getRange({ start: begin, end, transaction })) {
      // Looking at the clock only now and then; the row itself is visited by the next slice.
      if ((++rows & 63) === 0 && performance.now() > deadline) {
        from = key
        break
      }
      if (!visit(key, decodeKeyRecord(value))) return
    }
    if (from !== undefined) await setImmediate()
  }
}

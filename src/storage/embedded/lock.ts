import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StorageUnavailableError } from '../storage.ts'

/**
 * Makes this the only opener of a store. Node has no `flock`, but its SQLite takes POSIX record locks, which the kernel
 * drops when the process dies however it dies, and it refuses a second opener in the same process as well (which a bare
 * record lock would not).
 *
 * @param folder the store's folder, which exists
 * @returns gives the lock back
 * @throws StorageUnavailableError when the store is held, or the folder can't be written
 */
export function lockStore(folder: string): () => void {
  const path = join(folder, 'store.lock')
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(path, { timeout: 0 })
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    const busy = (error as { errcode?: number }).errcode === 5 // SQLITE_BUSY
    throw new StorageUnavailableError(
      busy ? `the store ${folder} is in use by another server` : `can't lock the store ${folder}: ${(error as Error).message}`,
      { cause: error },
    )
  }
  const held = lock
  return () => held.close()
}

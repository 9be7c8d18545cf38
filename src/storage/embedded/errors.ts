import { statfs } from 'node:fs/promises'
import { type StorageError, StorageFullError, StorageUnavailableError } from '../storage.ts'

/** ENOSPC, EDQUOT, EFBIG and MDB_MAP_FULL. */
const fullCodes = new Set<unknown>([28, 122, 27, -30792])
const inputOutputError = 5

/**
 * What a failed transaction means.
 *
 * @param bytes the size of the values that were to be written
 */
export async function commitError(error: unknown, path: string, bytes: number): Promise<StorageError> {
  // The library rejects each write with a general error and tells the cause by another promise.
  const promise = (error as { commitError?: Promise<never> }).commitError
  const cause = promise
    ? await promise.then(
        () => error,
        (reason) => reason,
      )
    : error
  const { code, message } = cause as { code?: unknown; message: string }
  if (fullCodes.has(code) || (code === inputOutputError && (await isFull(path, bytes)))) {
    return new StorageFullError(`no space left for the store ${path}`, { cause })
  }
  return new StorageUnavailableError(`can't write to the store ${path}: ${message}`, { cause })
}

/** LMDB calls a write that fits only in part an I/O error. */
async function isFull(path: string, bytes: number): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(path)
    // Pages of the trees and rounding come on top of the values.
    return bavail * bsize < 2 * bytes + (1 << 20)
  } catch {
    return false
  }
}

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** LMDB's first two pages each hold a page header of 24 bytes and then what describes one of the last two transactions. */
const magicAt = 24
const pageSizeAt = 48
const lastPageAt = 144
const transactionAt = 152
const metaBytes = 160
const magic = 0xbeefc0de
/** LMDB may count pages at the end that it took and gave back unwritten, so the file may be a little shorter. */
const slackBytes = 1 << 20

/**
 * Looks at the store's file before LMDB maps it, since mapping a foreign or cut off file ends the process with a signal.
 *
 * @throws Error that says what is wrong; a file that isn't there or empty is right
 */
export function checkFile(folder: string): void {
  let file: number
  try {
    file = openSync(join(folder, 'data.mdb'), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const { size } = fstatSync(file)
    if (size === 0) return
    const first = readMeta(file, 0)
    const pageSize = first.readUInt32LE(pageSizeAt)
    const second = readMeta(file, pageSize)
    const newest = first.readBigUInt64LE(transactionAt) > second.readBigUInt64LE(transactionAt) ? first : second
    const expected = (Number(newest.readBigUInt64LE(lastPageAt)) + 1) * pageSize
    if (size + slackBytes < expected) throw new Error(`data.mdb is cut off: it has ${size} bytes of ${expected}`)
  } finally {
    closeSync(file)
  }
}

function readMeta(file: number, position: number): Buffer {
  const meta = Buffer.alloc(metaBytes)
  if (readSync(file, meta, 0, metaBytes, position) < metaBytes || meta.readUInt32LE(magicAt) !== magic) {
    throw new Error('data.mdb is not a store or is damaged')
  }
  return meta
}

import { randomBytes } from 'node:crypto'
import { link, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Puts a file in place whole, replacing any that is there: a reader sees the old content or the new, also after a crash.
 *
 * @param mode the permission bits, such as 0o600
 */
export async function replaceFile(path: string, content: string | Buffer, mode: number): Promise<void> {
  await withTemporary(path, content, mode, (temporary) => rename(temporary, path))
}

/**
 * Puts a file in place whole unless one is there. Of several processes that try at once, exactly one wins.
 *
 * @param mode the permission bits, such as 0o600
 * @returns whether this call created the file
 */
export async function createFile(path: string, content: string | Buffer, mode: number): Promise<boolean> {
  try {
    // A hard link, unlike a rename, fails when the name is taken.
    await withTemporary(path, content, mode, (temporary) => link(temporary, path))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function withTemporary(
  path: string,
  content: string | Buffer,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeFile(temporary, content, { mode, flag: 'wx', flush: true })
    await place(temporary)
  } finally {
    await rm(temporary, { force: true })
  }
}

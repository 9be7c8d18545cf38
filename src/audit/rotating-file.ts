import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { LineSink } from './log-backend.ts'

export interface RotatingFileOptions {
  file: string
  /** Bytes past which the file is put aside; 0 for never. */
  maxBytes: number
  /** Files that were put aside and are kept; 0 for all. */
  maxBackups: number
  /** ms after which they are removed; 0 for never. */
  maxAge: number
  /** Whether they are compressed. */
  compress: boolean
  /** ms since the epoch. */
  clock: () => number
  /** Told of files that could not be compressed or removed. */
  onError: (error: unknown) => void
}

const DAY_STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/

interface Backup {
  file: string
  /** ms since the epoch. */
  at: number
  compressed: boolean
}

/**
 * A log that is put aside when it is large: `audit.log` becomes `audit-2026-11-24T14-30-00.000.log`. Lines are written at once, by whoever
 * has them: a write to a file goes to memory and takes some microseconds, and a disk that can't follow holds up who writes.
 */
export class RotatingFile implements LineSink {
  readonly #options: RotatingFileOptions
  #descriptor: number | undefined
  #size = 0
  #tidying: Promise<void> | undefined
  #again = false

  /** @throws Error when the file can't be written */
  constructor(options: RotatingFileOptions) {
    this.#options = options
    this.#open()
    this.#tidy()
  }

  write(lines: string): void {
    const bytes = Buffer.from(lines)
    const { maxBytes } = this.#options
    if (maxBytes > 0 && this.#size > 0 && this.#size + bytes.length > maxBytes) this.#rotate()
    // A rotation that failed half-way left no file.
    const descriptor = this.#descriptor ?? this.#open()
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
    this.#size += bytes.length
  }

  async close(): Promise<void> {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
    await this.#tidying
  }

  #open(): number {
    const { file } = this.#options
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 })
    const descriptor = openSync(file, 'a', 0o600)
    this.#size = fstatSync(descriptor).size
    this.#descriptor = descriptor
    return descriptor
  }

  #rotate(): void {
    const { file, clock } = this.#options
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
    let at = clock()
    while (existsSync(this.#backupName(at)) || existsSync(`${this.#backupName(at)}.gz`)) at++
    renameSync(file, this.#backupName(at))
    this.#open()
    this.#tidy()
  }

  #backupName(at: number): string {
    const { dir, name, ext } = path.parse(this.#options.file)
    const stamp = new Date(at).toISOString().slice(0, -1).replaceAll(':', '-')
    return path.join(dir, `${name}-${stamp}${ext}`)
  }

  /** Compresses and removes, one run after the other. */
  #tidy(): void {
    this.#again = true
    this.#tidying ??= this.#tidyAll().finally(() => {
      this.#tidying = undefined
    })
  }

  async #tidyAll(): Promise<void> {
    const { compress, maxBackups, maxAge, clock, onError } = this.#options
    while (this.#again) {
      this.#again = false
      try {
        const backups = await this.#backups()
        const removed = backups.filter(
          ({ at }, i) => (maxBackups > 0 && i >= maxBackups) || (maxAge > 0 && at < clock() - maxAge),
        )
        for (const { file } of removed) await rm(file, { force: true })
        if (!compress) continue
        for (const backup of backups) if (!backup.compressed && !removed.includes(backup)) await compressFile(backup.file)
      } catch (error) {
        onError(error)
      }
    }
  }

  /** The newest first. */
  async #backups(): Promise<Backup[]> {
    const { dir, name, ext } = path.parse(this.#options.file)
    const found: Backup[] = []
    for (const entry of await readdir(dir || '.')) {
      const compressed = entry.endsWith('.gz')
      const plain = compressed ? entry.slice(0, -3) : entry
      if (!plain.startsWith(`${name}-`) || !plain.endsWith(ext)) continue
      const stamp = plain.slice(name.length + 1, plain.length - ext.length)
      if (!DAY_STAMP.test(stamp)) continue
      const at = Date.parse(`${stamp.slice(0, 11)}${stamp.slice(11).replaceAll('-', ':')}Z`)
      if (!Number.isNaN(at)) found.push({ file: path.join(dir, entry), at, compressed })
    }
    return found.sort((a, b) => b.at - a.at)
  }
}

async function compressFile(file: string): Promise<void> {
  const target = `${file}.gz`
  try {
    await pipeline(createReadStream(file), createGzip(), createWriteStream(target, { mode: 0o600 }))
  } catch (error) {
    await rm(target, { force: true })
    throw error
  }
  await rm(file, { force: true })
}

import { GoJsonError } from '../machinery/go-json.ts'
import { StorageError } from './storage.ts'

/** A stored value that can't be read, or a value that can't be turned into what would be stored. */
export class UnreadableError extends StorageError {
  override name = 'UnreadableError'
  readonly key: string
  /** `transform`: it can't be decrypted or encrypted; `decode`: it is no object. */
  readonly step: 'transform' | 'decode'

  constructor(key: string, message: string, step: 'transform' | 'decode', cause?: unknown) {
    super(message, { cause })
    this.key = key
    this.step = step
  }
}

/** What stands for an object whose stored value can't be read. */
export interface Unreadable<Entry> {
  readonly error: UnreadableError
  /** Of the stored value. */
  readonly revision: number
  /** The object when it could last be read: what watchers have seen. */
  readonly last: Entry | undefined
}

/** Unreadable objects by key. Never changed once made. */
export type Unreadables<Entry> = ReadonlyMap<string, Unreadable<Entry>>

/** The first of them in a range of keys, if any. */
export function firstUnreadable<Entry>(
  unreadables: Unreadables<Entry>,
  start: string,
  end: string,
): Unreadable<Entry> | undefined {
  let found: Unreadable<Entry> | undefined
  if (unreadables.size === 0) return undefined
  for (const [key, unreadable] of unreadables) {
    if (key >= start && key < end && (!found || key < found.error.key)) found = unreadable
  }
  return found
}

/** The error for a value that is no object. */
export function undecodable(key: string, value: Buffer, cause: unknown): UnreadableError {
  // As of a resource for which no encryption is configured.
  if (value.subarray(0, 8).toString('latin1') === 'k8s:enc:')
    return new UnreadableError(key, 'identity transformer tried to read encrypted data', 'transform')
  const { message } = cause as Error
  const why = cause instanceof GoJsonError ? `couldn't get version/kind; json parse error: ${message}` : message
  return new UnreadableError(key, why, 'decode', cause)
}

/** All but one of them. */
export function without<Entry>(unreadables: Unreadables<Entry>, key: string): Unreadables<Entry> {
  const rest = new Map(unreadables)
  rest.delete(key)
  return rest
}

import { goQuote } from '../machinery/go-text.ts'
import { badRequest, expired, internalError, StatusError } from '../machinery/status.ts'
import { CompactedError, FutureRevisionError } from '../storage/storage.ts'
import type { UnreadableError } from '../storage/unreadable.ts'

/**
 * A resource version of a query; 0 when unset.
 * @param wrap how the verb words an invalid one: lists answer 400, single reads and watches 500
 */
export function parseVersion(text: string, wrap: 'list' | 'other'): number {
  if (text === '') return 0
  const plain = /^\d+$/.test(text)
  if (plain && (text.length < 20 || BigInt(text) < 1n << 64n)) return Number(text)
  const quoted = JSON.stringify(text)
  const message = `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${plain ? 'value out of range' : 'invalid syntax'}`
  if (wrap === 'list') throw badRequest(`invalid resource version: ${message}`)
  throw new StatusError(500, '', message)
}

/** The 504 for a version that the store hasn't reached. */
export function tooLarge(requested: number, current: number): StatusError {
  return new StatusError(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${requested}, current: ${current}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    { 'retry-after': '1' },
  )
}

/** Storage errors of reads as answers; other errors as they are. */
export function readError(error: unknown): unknown {
  if (error instanceof FutureRevisionError) return tooLarge(error.requested, error.current)
  if (error instanceof CompactedError) {
    return expired(`The resourceVersion for the provided list is too old.`)
  }
  return error
}

/** The 500 for a list of which one object can't be read. */
export function unreadableInList({ key, step, message }: UnreadableError): StatusError {
  if (step === 'transform') return internalError(`unable to transform key ${goQuote(key)}: ${message}`)
  return new StatusError(500, '', message)
}

export interface ContinueToken {
  /** The version that the first page was read at; -1 to go on with the newest. */
  version: number
  /** The first key of the next page, below the list's prefix. */
  start: string
}

export function encodeContinue(token: ContinueToken): string {
  const json = JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.version, start: token.start })
  return Buffer.from(json).toString('base64url')
}

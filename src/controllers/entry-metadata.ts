import type { MetaV1ObjectMeta } from '../generated/types.ts'

const METADATA = Buffer.from('"metadata":{')
const MANAGED_FIELDS = Buffer.from(',"managedFields":[')
const OWNERS = Buffer.from('"ownerReferences":[')
const DELETION = Buffer.from('"deletionTimestamp":"')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

/**
 * The metadata of a stored object, but for its managed fields, which are most of it and come last: without decoding the rest.
 *
 * @param body as watch caches hold it: kind, apiVersion and metadata come first
 */
export function metadataOf(body: Buffer): MetaV1ObjectMeta {
  const start = body.indexOf(METADATA) + METADATA.length - 1
  const managed = body.indexOf(MANAGED_FIELDS, start)
  const end = endOf(body, start, managed < 0 ? body.length : managed)
  return JSON.parse(`${body.toString('utf8', start, end)}}`) as MetaV1ObjectMeta
}

/**
 * Whether an object may have owners or be on its way out; if not, its metadata says neither. Quotes within strings are escaped, so that
 * these bytes can only be keys, of whichever part of the object.
 */
export function mayHaveOwnersOrEnd(body: Buffer): boolean {
  const managed = body.indexOf(MANAGED_FIELDS)
  const head = managed < 0 ? body : body.subarray(0, managed)
  return head.includes(OWNERS) || head.includes(DELETION)
}

/** Where the closing brace of the object that starts at `start` is, or `limit` when that comes first. */
function endOf(body: Buffer, start: number, limit: number): number {
  let depth = 0
  for (let i = start; i < limit; i++) {
    const byte = body[i]
    if (byte === QUOTE) {
      for (i++; body[i] !== QUOTE; i++) if (body[i] === BACKSLASH) i++
    } else if (byte === OPEN) depth++
    else if (byte === CLOSE && --depth === 0) return i
  }
  return limit
}

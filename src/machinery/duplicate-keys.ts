import type { Json } from './json.ts'

/**
 * Whether an object in JSON text names a member twice. The native parser keeps the last of them and tells nobody; but then the text has
 * more colons outside strings than the parsed value has members. Counting both costs far less than parsing by hand.
 *
 * @param bytes good JSON @param value what the native parser made of it
 */
export function hasDuplicateKeys(bytes: Buffer, value: Json): boolean {
  return countColons(bytes) !== countMembers(value)
}

function countColons(bytes: Buffer): number {
  let count = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === 0x3a) count++
    else if (byte === 0x22) {
      for (at++; at < bytes.length && bytes[at] !== 0x22; at++) if (bytes[at] === 0x5c) at++
    }
  }
  return count
}

function countMembers(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countMembers(item)
    return count
  }
  for (const key in value) {
    count++
    const member = value[key]
    if (typeof member === 'object' && member !== null) count += countMembers(member)
  }
  return count
}

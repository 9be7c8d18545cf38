import type { Json } from './json.ts'

/** A value that doesn't fit its type, in the words of Go's JSON decoder. */
export class DecodeError extends Error {
  override name = 'DecodeError'
  /** The JSON type that was there and the Go type that was wanted; empty for errors of another kind. */
  readonly given: string
  readonly goType: string

  constructor(message: string, given = '', goType = '') {
    super(message)
    this.given = given
    this.goType = goType
  }
}

/** The JSON type's name in Go's messages. */
export function kindOf(raw: Json): string {
  if (raw === null) return 'null'
  if (Array.isArray(raw)) return 'array'
  if (typeof raw === 'boolean') return 'bool'
  if (typeof raw === 'bigint') return 'number'
  return typeof raw
}

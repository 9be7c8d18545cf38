import { findSyntaxError, MAX_DEPTH } from './go-json-scanner.ts'
import { decodeUtf8 } from './go-text.ts'
import type { Json } from './json.ts'
import { badRequest, type StatusError } from './status.ts'

/** JSON that Go wouldn't read; the message is the one its decoder gives. */
export class GoJsonError extends Error {
  override name = 'GoJsonError'
}

/**
 * How numbers were written that JavaScript can't tell from others: with a fraction or an exponent (`1.0` is no integer for the
 * reference), or beyond 2^53. By the object or array that holds them, then by member.
 */
export type NumberLiterals = ReadonlyMap<object, ReadonlyMap<string, string>>

export interface JsonDocument {
  value: Json
  /** Undefined when every number is a plain integer below 2^53, as nearly always. */
  literals?: NumberLiterals
}

/** TypeScript's library doesn't know these parts of JavaScript yet. */
interface ModernJson {
  parse(text: string, reviver: (this: object, key: string, value: unknown, context: { source?: string }) => unknown): unknown
  rawJSON(text: string): unknown
}
const modern = JSON as unknown as ModernJson

/**
 * The end of a number that isn't a plain short integer, up to what follows it. It may also lie inside a string, which costs only
 * time. Starting at the digits, not at what precedes the number, makes it several times faster.
 */
const ODD_NUMBER = /[0-9](?:[.eE][-+0-9eE]*|[0-9]{15})\s*[,\]}]/

/** What an escaped surrogate starts with. */
const SURROGATE = /\\u[dD][89a-fA-F]/

/**
 * Reads JSON as the reference does. Integers of 64 bits that a number can't hold become bigints (which `stringifyJson` writes back),
 * though the type doesn't say so; code that computes with such fields must expect them.
 *
 * @throws GoJsonError
 */
export function parseJson(bytes: Buffer): Json {
  return parseJsonDocument(bytes).value
}

/**
 * As `parseJson`, for text that is known to be well formed.
 *
 * @returns undefined when it isn't, after all
 */
export function parseJsonText(text: string): Json | undefined {
  const document = parseNatively(text)
  if (document && text.includes('\\u') && SURROGATE.test(text)) document.value = wellFormed(document.value, document.literals)
  return document?.value
}

/**
 * As `parseJson`, with the literals of odd numbers.
 *
 * @throws GoJsonError
 */
export function parseJsonDocument(bytes: Buffer): JsonDocument {
  const text = decodeUtf8(bytes)
  const document = parseNatively(text)
  if (!document || tooDeep(text)) throw new GoJsonError(findSyntaxError(bytes) ?? 'invalid JSON')
  if (text.includes('\\u') && SURROGATE.test(text)) document.value = wellFormed(document.value, document.literals)
  return document
}

function parseNatively(text: string): JsonDocument | undefined {
  try {
    return (ODD_NUMBER.test(text) && parseWithLiterals(text)) || { value: JSON.parse(text) as Json }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Undefined for what nests so deep that the reviver, which calls itself for every level, runs out of stack. */
function parseWithLiterals(text: string): JsonDocument | undefined {
  const literals = new Map<object, Map<string, string>>()
  try {
    const value = modern.parse(text, function (key, member, { source }) {
      return typeof member === 'number' && source !== undefined ? readNumber(member, source, this, key, literals) : member
    })
    return literals.size ? { value: value as Json, literals } : { value: value as Json }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function readNumber(
  value: number,
  source: string,
  holder: object,
  key: string,
  literals: Map<object, Map<string, string>>,
): number | bigint {
  const integer = !/[.eE]/.test(source)
  if (integer && Number.isSafeInteger(value)) return value
  let ofHolder = literals.get(holder)
  if (!ofHolder) literals.set(holder, (ofHolder = new Map()))
  ofHolder.set(key, source)
  if (!integer || source.length > MAX_INT64_LENGTH) return value
  const exact = BigInt(source)
  return BigInt.asIntN(64, exact) === exact ? exact : value
}

const MAX_INT64_LENGTH = 20

/** Whether arrays and objects nest deeper than Go follows: cheap for what has few brackets at all. */
function tooDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false
  if (!hasMany(text, '{') && !hasMany(text, '[')) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      at = closingQuote(text, at + 1)
      if (at < 0) return false
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}

/** Whether a bracket occurs often enough to matter; both together must pass the limit, so half of it each. */
function hasMany(text: string, bracket: string): boolean {
  let count = 0
  for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
    if (++count > MAX_DEPTH / 2) return true
  }
  return false
}

function closingQuote(text: string, from: number): number {
  for (let at = from; ; at++) {
    at = text.indexOf('"', at)
    if (at < 0) return at
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
    if (slashes % 2 === 0) return at
  }
}

/** Lone surrogates become U+FFFD. Rebuilds objects, since keys may hold them too. */
function wellFormed(value: Json, literals: NumberLiterals | undefined): Json {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  const copy = Array.isArray(value)
    ? value.map((item) => wellFormed(item, literals))
    : Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toWellFormed(), wellFormed(member!, literals)]))
  const ofHolder = literals?.get(value)
  if (ofHolder) (literals as Map<object, ReadonlyMap<string, string>>).set(copy, ofHolder)
  return copy
}

/** JSON text of a value that may hold bigints. */
export function stringifyJson(value: unknown, indent?: number): string {
  try {
    // V8's fast path takes neither a replacer, null included, nor an indent.
    return indent === undefined ? JSON.stringify(value) : JSON.stringify(value, null, indent)
  } catch (error) {
    // The only other reason is a cycle, which fails again.
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(
      value,
      (_key, member: unknown) => (typeof member === 'bigint' ? modern.rawJSON(String(member)) : member),
      indent,
    )
  }
}

/** The cause for a body in which not even kind and version could be read. */
export const kindUnreadable = (error: Error): string => `couldn't get version/kind; json parse error: ${error.message}`

/** The same for JSON that is no object: `array`, `string`, `number` or `bool`. */
export function kindOfWrongType(value: Json): GoJsonError {
  const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  const target = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
  return new GoJsonError(`json: cannot unmarshal ${type} into Go value of type ${target}`)
}

/**
 * The 400 for a body that couldn't be recognised at all.
 *
 * @param kind that the resource takes
 * @param cause such as `kindUnreadable(error)`
 */
export function unrecognizedBody(kind: string, cause: string, body: Buffer): StatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${cause} (${summarizeBody(body)})`)
}

const SUMMARY_BYTES = 30

/** The head of a body as messages show it: text when it looks like JSON, else hexadecimal. */
export function summarizeBody(body: Buffer): string {
  if (!body.length) return '<empty>'
  const head = body.subarray(0, SUMMARY_BYTES)
  const shown = body[0] === 0x7b ? decodeUtf8(head) : head.toString('hex')
  return body.length > SUMMARY_BYTES ? `${shown} ...` : shown
}

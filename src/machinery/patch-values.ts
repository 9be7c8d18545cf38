import { invalid } from './field-errors.ts'
import { stringifyJson } from './go-json.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { StatusError } from './status.ts'

/** `fieldValidation` of a write: what happens to unknown and duplicate fields. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export type Container = JsonObject | Json[]

/** An object's own member: keys come from clients, so what every object inherits must not be found. */
export function getOwn(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets a member whatever it is called: plain assignment would take `__proto__` for the prototype. */
export function put(object: JsonObject, key: string, value: Json | undefined): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}

/** A deep copy that keeps members of any name. */
export function copyOf<T extends Json | undefined>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf) as T
  const copy: JsonObject = { ...value }
  for (const key of Object.keys(copy)) {
    const member = copy[key]
    if (typeof member === 'object' && member !== null) put(copy, key, copyOf(member))
  }
  return copy as T
}

/** The JSON type's name in Go's decoding errors. */
export function jsonKind(value: Json | undefined): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'bigint' ? 'number' : typeof value
}

const HTML: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' }

const stringify = (value: unknown): string => stringifyJson(value).replace(/[<>&\u2028\u2029]/g, (c) => HTML[c] as string)

/**
 * The JSON of a patched object as the reference echoes it when the result doesn't decode.
 *
 * @param opened the containers that the patch went into; their keys are sorted, all others keep their order
 */
export function printPatched(value: Json, opened: ReadonlySet<object>): string {
  if (typeof value !== 'object' || value === null || !opened.has(value)) return stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => printPatched(item, opened)).join(',')}]`
  const members: string[] = []
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member !== undefined) members.push(`${stringify(key)}:${printPatched(member, opened)}`)
  }
  return `{${members.join(',')}}`
}

/** A JSON value as Go's fmt prints it with %v, or with %s, which marks everything that is no string. */
export function printGo(value: Json | undefined, verb: 'v' | 's' = 'v'): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return verb === 'v' ? '<nil>' : '%!s(<nil>)'
  if (Array.isArray(value)) return `[${value.map((item) => printGo(item, verb)).join(' ')}]`
  if (isObject(value)) {
    const keys = Object.keys(value).sort()
    return `map[${keys.map((key) => `${key}:${printGo(value[key], verb)}`).join(' ')}]`
  }
  const text = typeof value === 'number' ? printGoNumber(value) : String(value)
  return verb === 'v' ? text : `%!s(${goType(value)}=${text})`
}

const isInt64 = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 63

function printGoNumber(value: number): string {
  if (isInt64(value)) return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString()
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(value)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** The Go type that a JSON value is decoded to when nothing says otherwise. */
export function goType(value: Json | undefined): string {
  if (value === null || value === undefined) return '%!s(<nil>)'
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'object') return 'map[string]interface {}'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return isInt64(value) ? 'int64' : 'float64'
  return typeof value === 'bigint' ? 'int64' : 'string'
}

/** The 422 for a patch that is well formed but can't be applied; its cause isn't told. */
export function patchDoesNotApply(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
}

/**
 * The 422 for a patch whose result doesn't decode, or isn't accepted by strict field validation.
 *
 * @param text the result ({@link printPatched}) or, for strategic merge patches, the patch ({@link printGo})
 * @param cause the decoder's message, or `strict decoding error: …`
 */
export function patchResultInvalid(text: string, cause: string): StatusError {
  const error = invalid('patch', text, cause)
  return new StatusError(422, 'Invalid', ` "" is invalid: ${error.field}: ${error.message}`, {
    causes: [{ reason: error.reason, message: error.message, field: error.field }],
  })
}

/** For patches on which the reference's handler breaks down: a 500 there too, though as plain text. */
export function patchUnsupported(what: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${what}`, { causes: [{ message: what }] })
}

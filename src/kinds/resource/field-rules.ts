import { duplicate, type FieldError, invalid, required, tooLong, tooMany } from '../../machinery/field-errors.ts'
import { stringifyJson } from '../../machinery/go-json.ts'
import { goQuote } from '../../machinery/go-text.ts'
import { isObject } from '../../machinery/json.ts'
import { byteLength, isCIdentifier, isDns1123Label, isDns1123Subdomain, isValidLabelValue } from '../../machinery/validation.ts'
import { checked, driverName } from '../core/pod-field-rules.ts'

type Check<T> = (item: T, path: string) => FieldError[]

/** Every item of a list that may only be so long. */
export function eachOf<T>(items: readonly T[] | undefined, max: number, path: string, check: Check<T>): FieldError[] {
  if (!items) return []
  if (items.length > max) return [tooMany(path, items.length, max)]
  return items.flatMap((item, i) => check(item, `${path}[${i}]`))
}

/** The same for lists that hold no two items with the same key. */
export function eachOnce<T>(
  items: readonly T[] | undefined,
  max: number,
  path: string,
  check: Check<T>,
  keyOf: (item: T) => string,
): FieldError[] {
  const errors = eachOf(items, max, path, check)
  if (!items || items.length > max) return errors
  const seen = new Set<string>()
  items.forEach((item, i) => {
    const key = keyOf(item)
    if (seen.has(key)) errors.push(duplicate(`${path}[${i}]`, key))
    seen.add(key)
  })
  return errors
}

/** Every entry of a map; its keys are told of at the map's own path. */
export function eachEntry<T>(
  map: Readonly<Record<string, T>> | undefined,
  max: number,
  maxKey: number,
  path: string,
  checkKey: (key: string, path: string) => FieldError[],
  check: Check<T>,
): FieldError[] {
  const entries = Object.entries(map ?? {})
  if (entries.length > max) return [tooMany(path, entries.length, max)]
  return entries.flatMap(([key, item]) => [...checkKey(key, path), ...check(item, `${path}[${shortened(key, maxKey)}]`)])
}

const ELLIPSIS = '...'

/** Long keys lose their middle in paths. */
function shortened(key: string, max: number): string {
  if (byteLength(key) <= max) return key
  const kept = max - ELLIPSIS.length
  const bytes = Buffer.from(key)
  const head = bytes.subarray(0, Math.ceil(kept / 2)).toString()
  return `${head}${ELLIPSIS}${bytes.subarray(bytes.length - Math.floor(kept / 2)).toString()}`
}

export const labelErrors = (name: string | undefined, path: string): FieldError[] => checked(path, name ?? '', isDns1123Label)

export const labelValue = (value: string | undefined, path: string): FieldError[] => checked(path, value ?? '', isValidLabelValue)

const MAX_POOL = 253

/** The name of a pool: subdomains with slashes between them. */
export function poolName(name: string | undefined, path: string): FieldError[] {
  if (!name) return [required(path)]
  const errors = byteLength(name) > MAX_POOL ? [tooLong(path, MAX_POOL)] : []
  return [...errors, ...name.split('/').flatMap((part) => checked(path, part, isDns1123Subdomain))]
}

const MAX_ID = 32
const MAX_DOMAIN = 63

/** The longest key of attributes and capacities. */
export const MAX_QUALIFIED_NAME: number = MAX_DOMAIN + 1 + MAX_ID

/** A C identifier, maybe in the domain of a driver. */
export function qualifiedName(name: string, path: string): FieldError[] {
  const [first = '', second, ...more] = name.split('/')
  if (more.length) return [invalid(path, name, 'must not contain more than one slash')]
  if (second === undefined) return identifier(first, path)
  return [
    ...(first ? driverName(path, first) : [invalid(path, '', 'the domain must not be empty')]),
    ...(second ? identifier(second, path) : [invalid(path, '', 'the name must not be empty')]),
  ]
}

/** The same with a domain that must be there. */
export function fullyQualifiedName(name: string, path: string): FieldError[] {
  const errors = qualifiedName(name, path)
  if (name.includes('/')) return errors
  return [...errors, invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash')]
}

function identifier(id: string, path: string): FieldError[] {
  return [...(byteLength(id) > MAX_ID ? [tooLong(path, MAX_ID)] : []), ...checked(path, id, isCIdentifier)]
}

const HEX = '[0-9a-fA-F]'
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`
const NORMAL_UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A UUID in lower case (RFC 4122). */
export function uuid(text: string, path: string): FieldError[] {
  const wrong = uuidProblem(text)
  if (wrong) return [invalid(path, text, `error validating uid: ${wrong}`)]
  if (NORMAL_UUID.test(text)) return []
  const detail =
    'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters'
  return [invalid(path, text, detail)]
}

/** Other forms of UUIDs are known, but only as what they are. */
const UUID_FORMS: Readonly<Record<number, RegExp>> = {
  32: new RegExp(`^${HEX}{32}$`),
  36: new RegExp(`^${UUID}$`),
  38: new RegExp(`^\\{${UUID}\\}$`),
  45: new RegExp(`^urn:uuid:${UUID}$`, 'i'),
}

function uuidProblem(text: string): string | undefined {
  const length = byteLength(text)
  const form = UUID_FORMS[length]
  if (!form) return `invalid UUID length: ${length}`
  if (form.test(text)) return undefined
  if (length === 45 && !/^urn:uuid:/i.test(text)) return `invalid urn prefix: ${goQuote(text.slice(0, 9))}`
  return length === 38 && !/^\{.*\}$/.test(text) ? 'invalid bracketed UUID format' : 'invalid UUID format'
}

/** An object of somebody else's, which may only be so long. */
export function freeObject(value: unknown, path: string, max: number): FieldError[] {
  if (value === undefined || value === null) return [required(path)]
  if (byteLength(stringifyJson(value)) > max) return [tooLong(path, max)]
  return isObject(value) ? [] : [invalid(path, '<value omitted>', 'must be a valid JSON object')]
}

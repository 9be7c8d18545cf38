import { isObject, type Json } from '../json.ts'

/**
 * One step of a field's path, as FieldsV1 writes it: `f:name` a field or map key, `k:{"name":"x"}` an item of a keyed list, `v:"x"` an
 * item of a set, `i:0` an index. Kept as text all the time: it is what is stored and sent, and text compares fast.
 */
export type Element = string

const HTML: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' }
const HTML_CHARACTER = /[<>&\u2028\u2029]/
const HTML_CHARACTERS = /[<>&\u2028\u2029]/g

/** JSON as Go writes it into elements: with some characters escaped, and members sorted. */
export function elementJson(value: Json | undefined): string {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return `[${value.map(elementJson).join(',')}]`
    const keys = Object.keys(value).sort()
    return `{${keys.map((key) => `${elementJson(key)}:${elementJson(value[key])}`).join(',')}}`
  }
  if (typeof value === 'bigint') return String(value)
  const text = JSON.stringify(value ?? null)
  return HTML_CHARACTER.test(text) ? text.replace(HTML_CHARACTERS, (c) => HTML[c] as string) : text
}

/** Which elements come first: fields, keyed items, values, indices. */
function rank(element: Element): number {
  switch (element.charCodeAt(0)) {
    case 0x66:
      return 0
    case 0x6b:
      return 1
    case 0x76:
      return 2
    default:
      return 3
  }
}

/** The order of elements in a set. */
export function compareElements(a: Element, b: Element): number {
  if (a === b) return 0
  const kind = rank(a)
  const other = rank(b)
  if (kind !== other) return kind - other
  if (kind === 0) return a < b ? -1 : 1
  const left = elementValue(a)
  const right = elementValue(b)
  if (kind === 1 && isObject(left) && isObject(right)) return compareMembers(left, right)
  return compareValues(left, right)
}

function elementValue(element: Element): Json {
  try {
    return JSON.parse(element.slice(2)) as Json
  } catch {
    return element.slice(2)
  }
}

function compareMembers(a: { [key: string]: Json | undefined }, b: { [key: string]: Json | undefined }): number {
  const left = Object.keys(a).sort()
  const right = Object.keys(b).sort()
  for (let i = 0; i < left.length && i < right.length; i++) {
    const l = left[i] as string
    const r = right[i] as string
    if (l !== r) return l < r ? -1 : 1
    const order = compareValues(a[l], b[r])
    if (order) return order
  }
  return left.length - right.length
}

function kindRank(value: Json | undefined): number {
  if (typeof value === 'number' || typeof value === 'bigint') return 0
  if (typeof value === 'string') return 1
  if (typeof value === 'boolean') return 2
  if (Array.isArray(value)) return 3
  return value === null || value === undefined ? 5 : 4
}

/** The order of scalars in elements: numbers, strings, booleans, others. */
export function compareValues(a: Json | undefined, b: Json | undefined): number {
  if (a === b) return 0
  const kind = kindRank(a)
  const other = kindRank(b)
  if (kind !== other) return kind - other
  if (kind <= 2) return (a as number) < (b as number) ? -1 : 1
  const left = elementJson(a)
  const right = elementJson(b)
  return left === right ? 0 : left < right ? -1 : 1
}

/** An element as messages print it: `.name`, `[name="x"]`, `[="x"]`, `[0]`. */
export function printElement(element: Element): string {
  const rest = element.slice(2)
  switch (rank(element)) {
    case 0:
      return `.${rest}`
    case 1: {
      const key = elementValue(element)
      if (!isObject(key)) return `[${rest}]`
      return `[${Object.keys(key)
        .map((name) => `${name}=${printScalar(key[name])}`)
        .join(',')}]`
    }
    case 2:
      return `[=${printScalar(elementValue(element))}]`
    default:
      return `[${rest}]`
  }
}

/** A scalar as Go's value printer shows it. */
function printScalar(value: Json | undefined): string {
  return typeof value === 'string' ? JSON.stringify(value) : elementJson(value)
}

/** Reads an element that a client wrote; undefined for kinds of elements that nobody knows. @throws Error for malformed ones */
export function readElement(text: string): Element | undefined {
  if (text.length < 2) throw new Error('key must be 2 characters long:')
  if (text[1] !== ':') throw new Error(`missing colon: ${text}`)
  switch (text[0]) {
    case 'f':
      return text
    case 'v':
      return `v:${elementJson(JSON.parse(text.slice(2)) as Json)}`
    case 'k': {
      const key = JSON.parse(text.slice(2)) as Json
      if (!isObject(key)) throw new Error('key is no object')
      return `k:${elementJson(key)}`
    }
    case 'i':
      if (!/^[+-]?\d+$/.test(text.slice(2))) throw new Error(`bad index: ${text}`)
      return `i:${Number(text.slice(2))}`
    default:
      return undefined
  }
}

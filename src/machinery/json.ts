/** What JSON can hold; a bigint is an integer that a double would round. `undefined` members count as absent. */
export type Json = string | number | bigint | boolean | null | Json[] | JsonObject

export interface JsonObject {
  [key: string]: Json | undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON object kept as its text, which is read only when somebody looks into it. Never changes. */
export class JsonText {
  readonly #text: string
  #value: JsonObject | undefined

  constructor(text: string) {
    this.#text = text
  }

  get text(): string {
    return this.#text
  }

  /** What the text says: the same at every call, so that nobody may change it. */
  get value(): JsonObject {
    this.#value ??= JSON.parse(this.#text) as JsonObject
    return this.#value
  }

  /** For `JSON.stringify`. */
  toJSON(): JsonObject {
    return this.value
  }
}

/** A deep copy of a JSON value, keeping key order; faster than structuredClone for plain data. */
export function clone<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(clone) as T
  if (value instanceof JsonText) return value
  const copy: Record<string, unknown> = {}
  for (const key in value) {
    // A legal key of a ConfigMap; assigning it would set the prototype.
    if (key === '__proto__')
      Object.defineProperty(copy, key, { value: clone(value[key]), enumerable: true, configurable: true, writable: true })
    else copy[key] = clone(value[key])
  }
  return copy as T
}

/** Deep equality of JSON values: key order doesn't matter, `undefined` members count as absent. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!equal(a[i], b[i])) return false
    return true
  }
  if (a instanceof JsonText || b instanceof JsonText) return equalTexts(a, b)
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  let more = 0
  for (const key in left) {
    const value = left[key]
    if (value === undefined) continue
    const other = right[key]
    if (value !== other && !equal(value, other)) return false
    more--
  }
  // Counting is cheaper than asking for each, and as good: all of the left's are there.
  for (const key in right) if (right[key] !== undefined) more++
  return more === 0
}

function equalTexts(a: unknown, b: unknown): boolean {
  if (a instanceof JsonText && b instanceof JsonText && a.text === b.text) return true
  return equal(a instanceof JsonText ? a.value : a, b instanceof JsonText ? b.value : b)
}

/** As `equal`, but null and an empty list are as good as nothing, which is how the reference compares what may not change. */
export function semanticallyEqual(a: unknown, b: unknown): boolean {
  const [left, right] = [a, b].map((value) => (value === null || (Array.isArray(value) && !value.length) ? undefined : value))
  if (left === right) return true
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => semanticallyEqual(item, right[i]))
  }
  if (!isObject(left) || !isObject(right)) return false
  return [...Object.keys(left), ...Object.keys(right)].every((key) => semanticallyEqual(left[key], right[key]))
}

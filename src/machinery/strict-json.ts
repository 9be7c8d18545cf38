import { parseJson } from './go-json.ts'
import { goQuote } from './go-text.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { put } from './patch-values.ts'
import type { SchemaFacts, TypeExpression } from './schema.ts'

/** What a value is read as: by a type, as anything, or without a look inside. */
type ReadAs = TypeExpression | 'any' | 'opaque'

/** Types that read their own JSON: nothing below them is looked at. */
const OPAQUE = new Set(['raw', 'fields', 'json', 'propsorarray', 'propsorbool', 'propsorstrings', 'quantity', 'intorstring'])

const MAX_PROBLEMS = 100

export interface StrictlyRead {
  /** Objects that occur twice are one, as they are for the reference, which reads the second into the first. */
  value: Json
  /** `duplicate field "x"` and `unknown field "x"`, in the order of the text. */
  problems: string[]
}

/**
 * Reads JSON by hand to find fields that occur twice or that the type doesn't have. Slow; only for texts in which there are some.
 *
 * @param text good JSON
 * @param type full name of its type; undefined when anything goes, so that only duplicates are found
 */
export function readStrictly(text: string, facts: SchemaFacts, type: string | undefined): StrictlyRead {
  const reader = new StrictReader(text, facts)
  const value = reader.value(type ? `#${type}` : 'any', '', undefined)
  return { value, problems: [...reader.problems] }
}

/**
 * A value's JSON with sorted members, as Go writes maps. Only strings are put together, which copies nothing yet: joining would copy what
 * is within, once for each level.
 */
export function sortedJson(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += text ? `,${sortedJson(item)}` : sortedJson(item)
    return `[${text}]`
  }
  for (const key of Object.keys(value).sort()) {
    if (value[key] === undefined) continue
    if (text) text += ','
    text += JSON.stringify(key)
    text += ':'
    text += sortedJson(value[key])
  }
  return `{${text}}`
}

class StrictReader {
  readonly problems = new Set<string>()
  readonly #text: string
  readonly #facts: SchemaFacts
  #at = 0

  constructor(text: string, facts: SchemaFacts) {
    this.#text = text
    this.#facts = facts
  }

  /** @param earlier what an earlier member of the same name had */
  value(as: ReadAs, path: string, earlier: Json | undefined): Json {
    this.#space()
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(as, path, isObject(earlier) && as !== 'any' ? earlier : {})
    if (first === '[') return this.#array(as, path)
    const start = this.#at
    if (first === '"') this.#string()
    else while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text[this.#at] as string)) this.#at++
    return parseJson(Buffer.from(this.#text.slice(start, this.#at)))
  }

  #object(as: ReadAs, path: string, into: JsonObject): JsonObject {
    const seen = new Set<string>()
    this.#at++
    for (this.#space(); this.#text[this.#at] !== '}'; this.#space()) {
      if (this.#text[this.#at] === ',') {
        this.#at++
        this.#space()
      }
      const key = this.#key()
      const member = this.#memberType(as, key)
      const at = path ? `${path}.${key}` : key
      if (member === undefined) this.#problem(`unknown field ${goQuote(at)}`)
      else if (as !== 'opaque' && seen.has(key)) this.#problem(`duplicate field ${goQuote(at)}`)
      const earlier = seen.has(key) ? into[key] : undefined
      seen.add(key)
      put(into, key, this.value(member ?? 'opaque', at, earlier))
    }
    this.#at++
    return into
  }

  #key(): string {
    const start = this.#at
    this.#string()
    const key = JSON.parse(this.#text.slice(start, this.#at)) as string
    this.#space()
    this.#at++
    return key
  }

  #array(as: ReadAs, path: string): Json[] {
    const item = typeof as !== 'string' && 'list' in as ? this.#readAs(as.list) : as === 'any' ? 'any' : 'opaque'
    const items: Json[] = []
    this.#at++
    for (this.#space(); this.#text[this.#at] !== ']'; this.#space()) {
      if (this.#text[this.#at] === ',') this.#at++
      items.push(this.value(item, `${path}[${items.length}]`, undefined))
    }
    this.#at++
    return items
  }

  /** Undefined for fields that a struct doesn't have. */
  #memberType(as: ReadAs, key: string): ReadAs | undefined {
    if (typeof as !== 'string') return 'map' in as ? this.#readAs(as.map) : 'opaque'
    if (as === 'any') return 'any'
    if (!as.startsWith('#')) return 'opaque'
    const field = this.#facts.field(this.#facts.type(as), key)
    return field && this.#readAs(field.type)
  }

  #readAs(type: TypeExpression): ReadAs {
    return typeof type === 'string' && OPAQUE.has(type) ? 'opaque' : type
  }

  #problem(text: string): void {
    if (this.problems.size < MAX_PROBLEMS) this.problems.add(text)
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #string(): void {
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) if (this.#text[this.#at] === '\\') this.#at++
    this.#at++
  }
}

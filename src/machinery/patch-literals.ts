import { type JsonDocument, type NumberLiterals, parseJsonDocument } from './go-json.ts'
import type { Json, JsonObject } from './json.ts'
import { printPatched, put } from './patch-values.ts'

/** Strings that start so stand for numbers while a patch is applied. One from a client that does is left alone unless it guesses a number's place. */
const MARK = '\u0000literal '

export interface PatchedDocument extends JsonDocument {
  /** The result as the reference echoes it, where `printPatched` would lose how numbers were written. */
  text?: string
}

/**
 * Applies a JSON patch or merge patch so that `1.0` and `1e3`, which are no integers for the reference, stay what they are. Bodies
 * without such numbers, nearly all, take the direct way.
 *
 * @param apply applies the patch it is given, and fills the set with the containers that it opened
 * @returns the result, with the literals that decoding it has to know
 */
export function applyWithLiterals(patch: JsonDocument, apply: (patch: Json, opened?: Set<object>) => Json): PatchedDocument {
  const texts: string[] = []
  const marked = patch.literals ? mark(patch.value, patch.literals, texts) : patch.value
  if (texts.length === 0) return { value: apply(patch.value) }
  const opened = new Set<object>()
  const text = printPatched(apply(marked, opened), opened).replace(
    /"\\u0000literal (\d+)"/g,
    (whole, i: string) => texts[Number(i)] ?? whole,
  )
  return { ...parseJsonDocument(Buffer.from(text)), text }
}

/** A copy in which strings stand for the whole numbers that weren't written as such. */
function mark(value: Json, literals: NumberLiterals, texts: string[]): Json {
  if (typeof value !== 'object' || value === null) return value
  const own = literals.get(value)
  const member = (key: string, of: Json): Json => {
    const literal = own?.get(key)
    if (literal === undefined || !Number.isInteger(of) || !/[.eE]/.test(literal)) return mark(of, literals, texts)
    texts.push(literal)
    return `${MARK}${texts.length - 1}`
  }
  if (Array.isArray(value)) return value.map((item, i) => member(String(i), item))
  const copy: JsonObject = {}
  for (const key of Object.keys(value)) put(copy, key, member(key, value[key] ?? null))
  return copy
}

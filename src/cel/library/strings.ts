import { reading, readsFirst, readsTwice, sizeOf, traverses, writesResult } from '../costs.ts'
import { EvaluationError } from '../errors.ts'
import { declare, type Overload } from '../functions.ts'
import { characters, type Value } from '../values.ts'
import { formatString } from './format-string.ts'

const outOfRange = (index: bigint): EvaluationError => new EvaluationError(`index out of range: ${index}`)

/** A text's characters: those beyond the first 65,536 are two units in JavaScript, and one here. */
const charactersOf = (text: string): string[] => Array.from(text)

function charAt(text: string, index: bigint): string {
  const all = charactersOf(text)
  if (index < 0n || index > BigInt(all.length)) throw outOfRange(index)
  return all[Number(index)] ?? ''
}

function indexOf(text: string, part: string, offset = 0n): bigint {
  if (part === '') return offset
  const all = charactersOf(text)
  // Without an offset even an empty text may be searched.
  if (offset < 0n || (offset >= BigInt(all.length) && !(offset === 0n && all.length === 0))) throw outOfRange(offset)
  const at = all.slice(Number(offset)).join('').indexOf(part)
  if (at < 0) return -1n
  return offset + BigInt(characters(all.slice(Number(offset)).join('').slice(0, at)))
}

function lastIndexOf(text: string, part: string, offset?: bigint): bigint {
  const all = charactersOf(text)
  if (part === '') return offset ?? BigInt(all.length)
  const from = offset ?? BigInt(all.length - 1)
  if (offset === undefined && all.length === 0) return -1n
  if (from < 0n || from >= BigInt(all.length)) throw outOfRange(from)
  const length = characters(part)
  for (let i = Math.min(Number(from), all.length - length); i >= 0; i--) {
    if (all.slice(i, i + length).join('') === part) return BigInt(i)
  }
  return -1n
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = charactersOf(text)
  const length = BigInt(all.length)
  if (end !== undefined && start > end) throw new EvaluationError(`invalid substring range. start: ${start}, end: ${end}`)
  if (start < 0n || start > length) throw outOfRange(start)
  if (end !== undefined && (end < 0n || end > length)) throw outOfRange(end)
  return all.slice(Number(start), end === undefined ? undefined : Number(end)).join('')
}

/** @param limit of replacements; negative for none */
function replace(text: string, old: string, by: string, limit = -1n): string {
  if (limit === 0n || old === by) return text
  const most = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit)
  // Nothing is before, between and after all characters.
  if (old === '') {
    const all = charactersOf(text)
    return all.map((character, i) => (i < most ? by + character : character)).join('') + (all.length < most ? by : '')
  }
  const parts = text.split(old)
  if (parts.length - 1 <= most) return parts.join(by)
  return [...parts.slice(0, most), ''].join(by) + parts.slice(most).join(old)
}

/** @param limit of parts, the last of which is the rest; negative for none */
function split(text: string, separator: string, limit = -1n): string[] {
  if (limit === 0n) return []
  const parts = separator === '' ? charactersOf(text) : text.split(separator)
  if (limit < 0n || BigInt(parts.length) <= limit) return parts
  const most = Number(limit)
  return [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)]
}

function join(list: readonly Value[], separator = ''): string {
  if (!list.every((item) => typeof item === 'string')) throw new EvaluationError('no such overload')
  return list.join(separator)
}

const SPACE =
  /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/gu

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

const quote = (text: string): string => `"${text.toWellFormed().replace(/[\x07-\x0d\\"]/g, (character) => ESCAPES[character]!)}"`

/** https://pkg.go.dev/github.com/google/cel-go/ext#Strings, version 2 */
export const strings: readonly Overload[] = [
  declare('string::charAt(int): string', charAt),
  declare('string::indexOf(string): int', (text: string, part: string) => indexOf(text, part), { cost: traverses }),
  declare('string::indexOf(string, int): int', indexOf, { cost: traverses }),
  declare('string::lastIndexOf(string): int', (text: string, part: string) => lastIndexOf(text, part), { cost: traverses }),
  declare('string::lastIndexOf(string, int): int', lastIndexOf, { cost: traverses }),
  declare('string::lowerAscii(): string', (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()), {
    cost: readsFirst,
  }),
  declare('string::upperAscii(): string', (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()), {
    cost: readsFirst,
  }),
  declare('string::replace(string, string): string', (text: string, old: string, by: string) => replace(text, old, by), {
    cost: readsTwice,
  }),
  declare('string::replace(string, string, int): string', replace, { cost: readsTwice }),
  declare('string::split(string): list(string)', (text: string, separator: string) => split(text, separator), {
    cost: readsTwice,
  }),
  declare('string::split(string, int): list(string)', split, { cost: readsTwice }),
  declare('string::substring(int): string', (text: string, start: bigint) => substring(text, start), { cost: readsFirst }),
  declare('string::substring(int, int): string', substring, { cost: readsFirst }),
  declare('string::trim(): string', (text: string) => text.replace(SPACE, ''), { cost: readsFirst }),
  declare('list(string)::join(): string', (list: Value[]) => join(list), { cost: writesResult }),
  declare('list(string)::join(string): string', join, { cost: writesResult }),
  declare('string::format(list(dyn)): string', formatString, { cost: ([text]) => reading(sizeOf(text!)) }),
  declare('strings.quote(string): string', quote, { cost: readsFirst }),
]

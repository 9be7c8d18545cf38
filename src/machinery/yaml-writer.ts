import { scalarType } from './yaml-values.ts'

const INDENT = 2
const WIDTH = 80
/** Longer keys are written with a question mark before them. */
const MAX_KEY_BYTES = 128

/**
 * Writes a JSON value as the reference's YAML: keys sorted, sequences as far in as their key, long text folded at 80 columns.
 *
 * @param value may hold bigints; undefined members are left out
 */
export function jsonToYaml(value: unknown): string {
  const writer = new Writer()
  writer.node(value, { indent: -1, inMapping: false, key: false })
  return writer.finish()
}

interface Place {
  /** Of the collection around; -1 at the top. */
  indent: number
  /** It is the value of a mapping's key, so that a sequence needn't go further in. */
  inMapping: boolean
  /** It is a key on one line, where nothing may be folded. */
  key: boolean
}

/** Follows what is on the current line, since indicators and indentation depend on it. */
class Writer {
  #text = ''
  #column = 0
  /** The last character was a blank, or there is none. */
  #blank = true
  /** There are only blanks and indicators on the line. */
  #fresh = true

  finish(): string {
    return this.#text.endsWith('\n') ? this.#text : `${this.#text}\n`
  }

  node(value: unknown, place: Place): void {
    if (Array.isArray(value)) {
      if (value.length) this.#sequence(value, place)
      else this.#indicator('[]', true)
    } else if (typeof value === 'object' && value !== null) {
      const members = value as Record<string, unknown>
      const keys = Object.keys(members).filter((key) => members[key] !== undefined)
      if (keys.length) this.#mapping(members, keys.sort(compareKeys), place)
      else this.#indicator('{}', true)
    } else this.#scalar(value, place)
  }

  #sequence(items: readonly unknown[], place: Place): void {
    const indent = place.inMapping && !this.#fresh ? place.indent : deeper(place.indent)
    for (const item of items) {
      this.#startLine(indent)
      this.#indicator('-', true, true)
      this.node(item ?? null, { indent, inMapping: false, key: false })
    }
  }

  #mapping(members: Record<string, unknown>, keys: readonly string[], place: Place): void {
    const indent = deeper(place.indent)
    for (const key of keys) {
      this.#startLine(indent)
      if (isSimpleKey(key)) {
        this.#scalar(key, { indent, inMapping: true, key: true })
        this.#indicator(':', false)
      } else {
        this.#indicator('?', true, true)
        this.#scalar(key, { indent, inMapping: true, key: false })
        this.#startLine(indent)
        this.#indicator(':', true, true)
      }
      this.node(members[key], { indent, inMapping: true, key: false })
    }
  }

  #scalar(value: unknown, place: Place): void {
    if (typeof value !== 'string') {
      this.#indicator(typeof value === 'number' ? printNumber(value) : String(value), true)
      return
    }
    const indent = deeper(place.indent)
    const fold = !place.key
    const style = styleOf(value, place.key)
    if (style === 'plain') this.#plain(value, indent, fold)
    else if (style === 'single') this.#singleQuoted(value, indent, fold)
    else if (style === 'double') this.#doubleQuoted(value, indent, fold)
    else this.#literal(value, indent)
  }

  #plain(value: string, indent: number, fold: boolean): void {
    if (value === '') return
    if (!this.#blank) this.#put(' ')
    this.#blank = false
    this.#fresh = false
    if (!fold || this.#column + value.length <= WIDTH) this.#put(value)
    else this.#words(value, indent, (at) => value[at + 1] !== ' ')
  }

  #singleQuoted(value: string, indent: number, fold: boolean): void {
    this.#indicator("'", true)
    const escaped = value.replaceAll("'", "''")
    if (!fold || this.#column + escaped.length <= WIDTH) this.#put(escaped)
    else this.#words(escaped, indent, (at) => at > 0 && at < escaped.length - 1 && escaped[at + 1] !== ' ')
    this.#indicator("'", false)
  }

  /** Writes text, breaking the line at single spaces once it is long. */
  #words(value: string, indent: number, mayBreak: (at: number) => boolean): void {
    let afterSpace = false
    let start = 0
    for (let at = value.indexOf(' '); at >= 0; at = value.indexOf(' ', at + 1)) {
      afterSpace = at > start ? false : afterSpace
      this.#put(value.slice(start, at))
      if (!afterSpace && this.#column > WIDTH && mayBreak(at)) this.#startLine(indent)
      else this.#put(' ')
      afterSpace = true
      start = at + 1
    }
    this.#put(value.slice(start))
    this.#blank = false
    this.#fresh = false
  }

  #doubleQuoted(value: string, indent: number, fold: boolean): void {
    this.#indicator('"', true)
    let afterSpace = false
    let at = 0
    for (const character of value) {
      if (character === ' ') {
        if (fold && !afterSpace && this.#column > WIDTH && at > 0 && at < value.length - 1) {
          this.#startLine(indent)
          if (value[at + 1] === ' ') this.#put('\\')
        } else this.#put(' ')
        afterSpace = true
      } else {
        this.#put(UNPRINTABLE.test(character) || character === '"' || character === '\\' ? escapeCharacter(character) : character)
        afterSpace = false
      }
      at += character.length
    }
    this.#indicator('"', false)
  }

  #literal(value: string, indent: number): void {
    const lead = value[0] === ' ' || value[0] === '\n' ? String(INDENT) : ''
    const chomp = !value.endsWith('\n') ? '-' : value === '\n' || value.endsWith('\n\n') ? '+' : ''
    this.#indicator(`|${lead}${chomp}`, true)
    const margin = ' '.repeat(indent)
    const lines = (value.endsWith('\n') ? value.slice(0, -1) : value).split('\n')
    for (const line of lines) this.#text += line === '' ? '\n' : `\n${margin}${line}`
    if (value.endsWith('\n')) this.#text += '\n'
    this.#column = value.endsWith('\n') ? 0 : margin.length + lines.at(-1)!.length
    this.#blank = value.endsWith('\n')
    this.#fresh = this.#blank
  }

  /** @param fresh what follows may stand on the same line as if it began it */
  #indicator(text: string, spaced: boolean, fresh = false): void {
    if (spaced && !this.#blank) this.#put(' ')
    this.#put(text)
    this.#blank = false
    this.#fresh = this.#fresh && fresh
  }

  /** Goes to the indentation, on a new line unless this one has nothing but indicators up to there. */
  #startLine(indent: number): void {
    const margin = Math.max(indent, 0)
    if (!this.#fresh || this.#column > margin || (this.#column === margin && !this.#blank)) {
      this.#text += '\n'
      this.#column = 0
    }
    this.#put(' '.repeat(margin - this.#column))
    this.#blank = true
    this.#fresh = true
  }

  #put(text: string): void {
    this.#text += text
    this.#column += text.length
  }
}

const deeper = (indent: number): number => (indent < 0 ? 0 : indent + INDENT)

type Style = 'plain' | 'single' | 'double' | 'literal'

const UNPRINTABLE = /[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|\n|[\u2028\u2029]/u
/** What neither quotes nor blocks can hold as it is. */
const SPECIAL = /[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u
const INDICATOR_FIRST = /^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?=[\s\u2028\u2029]|$)|---|\.\.\.)/
const INDICATOR_LATER = /.:(?=[\s\u2028\u2029]|$)|[\s\u2028\u2029]#/

/** How text is written: plain when nothing else would be read from that, quotes as far as needed, blocks for lines. */
function styleOf(value: string, isKey: boolean): Style {
  const lines = /[\n\u2028\u2029]/.test(value)
  const special = SPECIAL.test(value)
  const spaceBeforeBreak = / [\n\u2028\u2029]/.test(value)
  if (value.includes('\n') && !isKey && !special && !spaceBeforeBreak && !value.endsWith(' ')) return 'literal'
  if (value.includes('\n') || special || spaceBeforeBreak || /[\n\u2028\u2029] /.test(value) || (isKey && lines)) return 'double'
  const type = scalarType(value)
  if (type !== 'str' || BASE_60.test(value)) return 'double'
  if (lines || value.startsWith(' ') || value.endsWith(' ')) return 'single'
  return INDICATOR_FIRST.test(value) || INDICATOR_LATER.test(value) ? 'single' : 'plain'
}

/** Times of day and the like, which YAML 1.1 counts as numbers. */
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/

function isSimpleKey(key: string): boolean {
  return !/[\n\r\x85\u2028\u2029]/.test(key) && Buffer.byteLength(key) <= MAX_KEY_BYTES
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\xa0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
}

function escapeCharacter(character: string): string {
  const named = ESCAPES[character]
  if (named) return named
  const code = character.codePointAt(0)!
  const digits = code.toString(16).toUpperCase()
  if (code <= 0xff) return `\\x${digits.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`
}

/** As Go prints a number: other than whole ones with an exponent from a million on. */
function printNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value)
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(value)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** Letters after everything else, and numbers within keys by their value. */
function compareKeys(a: string, b: string): number {
  let at = 0
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === a.length || at === b.length) return a.length - b.length
  if (isAsciiLetter(a.charCodeAt(at)) && isAsciiLetter(b.charCodeAt(at))) return a.charCodeAt(at) - b.charCodeAt(at)
  return comparePart(a, b, at)
}

const isAsciiLetter = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
const isLetter = (character: string): boolean => /\p{L}/u.test(character)
const isDigit = (character: string | undefined): boolean => character !== undefined && /[0-9]/.test(character)

function comparePart(left: string, right: string, at: number): number {
  const order = left.codePointAt(at)! - right.codePointAt(at)!
  const a = isLetter(String.fromCodePoint(left.codePointAt(at)!))
  const b = isLetter(String.fromCodePoint(right.codePointAt(at)!))
  if (a && b) return order
  if (a || b) return b ? -1 : 1
  // Zeros within a number count, leading ones don't.
  let first = 0
  if (left[at] === '0' || right[at] === '0') {
    for (let i = at - 1; i >= 0 && isDigit(left[i]); i--) {
      if (left[i] === '0') continue
      first = 1
      break
    }
  }
  const [leftNumber, leftEnd] = numberAt(left, at, first)
  const [rightNumber, rightEnd] = numberAt(right, at, first)
  return leftNumber - rightNumber || leftEnd - rightEnd || order
}

function numberAt(text: string, start: number, first: number): [number, number] {
  let value = first
  let at = start
  while (isDigit(text[at])) value = value * 10 + Number(text[at++])
  return [value, at]
}

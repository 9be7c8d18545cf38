import { isBlank, isBlankOrEnd, isBreak, isBreakOrEnd, isDigit, isHex, type Mark, type YamlReader } from './yaml-reader.ts'

/** A scalar as it was read. */
export interface ScannedScalar {
  value: string
  /** It may stand for something else than text. */
  plain: boolean
  start: Mark
}

const ESCAPES: Readonly<Record<string, string>> = {
  0: '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
}

const CODE_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/** Line breaks between two parts of a scalar: the first, and those after it. */
class Breaks {
  first = ''
  rest = ''

  add(lineBreak: string): void {
    if (this.first === '') this.first = lineBreak
    else this.rest += lineBreak
  }

  /** One break folds into a space, several into all but the first. */
  fold(): string {
    if (this.first !== '\n') return this.first + this.rest
    return this.rest === '' ? ' ' : this.rest
  }
}

/** A scalar in quotes; the reader is at the opening one. */
export function scanQuoted(reader: YamlReader): ScannedScalar {
  const start = reader.mark()
  const quote = reader.peek()
  reader.skip()
  let value = ''
  for (;;) {
    if (reader.atDocumentIndicator()) reader.fail(start, 'found unexpected document indicator')
    if (reader.peek() === 0) reader.fail(start, 'found unexpected end of stream')
    const [text, escapedBreak] = quote === 0x27 ? [singleQuoted(reader), false] : doubleQuoted(reader, start)
    value += text
    if (reader.peek() === quote) break
    value += betweenQuotedWords(reader, escapedBreak)
  }
  reader.skip()
  return { value, plain: false, start }
}

/** Up to a blank, a break, the end, or the closing quote. */
function singleQuoted(reader: YamlReader): string {
  let value = ''
  for (;;) {
    value += reader.skipWhile((code) => code !== 0x27 && !isBlankOrEnd(code))
    if (reader.peek() !== 0x27 || reader.peek(1) !== 0x27) return value
    value += "'"
    reader.skip(2)
  }
}

/** The same, with escapes; an escaped line break ends it too. */
function doubleQuoted(reader: YamlReader, start: Mark): [string, boolean] {
  let value = ''
  for (;;) {
    value += reader.skipWhile((code) => code !== 0x22 && code !== 0x5c && !isBlankOrEnd(code))
    if (reader.peek() !== 0x5c) return [value, false]
    if (isBreak(reader.peek(1))) {
      reader.skip()
      reader.skipBreak()
      return [value, true]
    }
    const letter = String.fromCharCode(reader.peek(1))
    const simple = ESCAPES[letter]
    const length = CODE_LENGTHS[letter]
    if (simple === undefined && length === undefined) reader.fail(start, 'found unknown escape character')
    reader.skip(2)
    value += simple ?? escapeCode(reader, length!, start)
  }
}

function escapeCode(reader: YamlReader, length: number, start: Mark): string {
  for (let i = 0; i < length; i++) {
    if (!isHex(reader.peek(i))) reader.fail(start, 'did not find expected hexdecimal number')
  }
  const code = Number.parseInt(reader.text.slice(reader.index, reader.index + length), 16)
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) reader.fail(start, 'found invalid Unicode character escape code')
  reader.skip(length)
  return String.fromCodePoint(code)
}

function betweenQuotedWords(reader: YamlReader, escapedBreak: boolean): string {
  const start = reader.index
  let end = start
  let broken = escapedBreak
  const breaks = new Breaks()
  for (let code = reader.peek(); isBlank(code) || isBreak(code); code = reader.peek()) {
    if (isBlank(code)) {
      reader.skip()
      if (!broken) end = reader.index
    } else {
      // After an escaped break the next one counts as a further one.
      if (escapedBreak) breaks.rest += reader.skipBreak()
      else breaks.add(reader.skipBreak())
      broken = true
    }
  }
  if (!broken) return reader.text.slice(start, end)
  return escapedBreak ? breaks.rest : breaks.fold()
}

/**
 * A scalar without quotes.
 *
 * @param indent of the block around it; lines must be further in
 * @returns also whether a line break follows it, so that a key may come next
 */
export function scanPlain(reader: YamlReader, indent: number, inFlow: boolean): ScannedScalar & { broken: boolean } {
  const start = reader.mark()
  let value = ''
  let broken = false
  let between = ''
  for (;;) {
    if (reader.atDocumentIndicator() || reader.peek() === 0x23) break
    const word = plainWord(reader, inFlow)
    if (word !== '') {
      value += between + word
      broken = false
    }
    if (!isBlank(reader.peek()) && !isBreak(reader.peek())) break
    const spaces = reader.index
    const breaks = new Breaks()
    for (let code = reader.peek(); isBlank(code) || isBreak(code); code = reader.peek()) {
      if (isBreak(code)) {
        breaks.add(reader.skipBreak())
        broken = true
      } else {
        if (broken && reader.column <= indent && code === 0x09) {
          reader.fail(start, 'found a tab character that violates indentation')
        }
        reader.skip()
      }
    }
    between = broken ? breaks.fold() : reader.text.slice(spaces, reader.index)
    if (!inFlow && reader.column <= indent) break
  }
  return { value, plain: true, start, broken }
}

/** Up to a blank, or an indicator that ends it. */
function plainWord(reader: YamlReader, inFlow: boolean): string {
  const start = reader.index
  for (let code = reader.peek(); !isBlankOrEnd(code); code = reader.peek()) {
    if (code === 0x3a && isBlankOrEnd(reader.peek(1))) break
    if (inFlow && FLOW_INDICATORS.has(code)) break
    reader.skip()
  }
  return reader.text.slice(start, reader.index)
}

const FLOW_INDICATORS: ReadonlySet<number> = new Set([...',?[]{}'].map((c) => c.charCodeAt(0)))

/**
 * A block scalar; the reader is at its `|` or `>`.
 *
 * @param parentIndent -1 at the top
 */
export function scanBlock(reader: YamlReader, parentIndent: number): ScannedScalar {
  const start = reader.mark()
  const literal = reader.peek() === 0x7c
  reader.skip()
  const { chomping, increment } = blockHeader(reader, start)
  let indent = increment ? Math.max(parentIndent, 0) + increment : 0
  let breaks: string
  ;[breaks, indent] = blockBreaks(reader, indent, parentIndent, start)
  let value = ''
  let lineBreak = ''
  let leadingBlank = false
  while (reader.column === indent && reader.peek() !== 0) {
    const blank = isBlank(reader.peek())
    if (literal || leadingBlank || blank || lineBreak !== '\n') value += lineBreak
    else if (breaks === '') value += ' '
    value += breaks
    leadingBlank = blank
    value += reader.skipWhile((code) => !isBreakOrEnd(code))
    lineBreak = reader.peek() === 0 ? '' : reader.skipBreak()
    ;[breaks, indent] = blockBreaks(reader, indent, parentIndent, start)
  }
  if (chomping !== '-') value += lineBreak
  if (chomping === '+') value += breaks
  return { value, plain: false, start }
}

/** Chomping and indentation, in any order, and the rest of the line. */
function blockHeader(reader: YamlReader, start: Mark): { chomping: string; increment: number } {
  let chomping = ''
  let increment = 0
  for (let i = 0; i < 2; i++) {
    const code = reader.peek()
    if (chomping === '' && (code === 0x2b || code === 0x2d)) chomping = String.fromCharCode(code)
    else if (increment === 0 && isDigit(code)) {
      if (code === 0x30) reader.fail(start, 'found an indentation indicator equal to 0')
      increment = code - 0x30
    } else break
    reader.skip()
  }
  reader.skipBlanks()
  reader.skipComment()
  if (!isBreakOrEnd(reader.peek())) reader.fail(start, 'did not find expected comment or line break')
  if (isBreak(reader.peek())) reader.skipBreak()
  return { chomping, increment }
}

/** Empty lines and the next line's indentation; finds out how deep the block is, if that isn't known (0). */
function blockBreaks(reader: YamlReader, indent: number, parentIndent: number, start: Mark): [string, number] {
  let breaks = ''
  let deepest = 0
  for (;;) {
    while ((indent === 0 || reader.column < indent) && reader.peek() === 0x20) reader.skip()
    deepest = Math.max(deepest, reader.column)
    if ((indent === 0 || reader.column < indent) && reader.peek() === 0x09) {
      reader.fail(start, 'found a tab character where an indentation space is expected')
    }
    if (!isBreak(reader.peek())) break
    breaks += reader.skipBreak()
  }
  return [breaks, indent || Math.max(deepest, parentIndent + 1, 1)]
}

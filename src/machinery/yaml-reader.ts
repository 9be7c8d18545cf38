/** YAML that can't be read, in the words of the reference's library (without what callers put before them). */
export class YamlError extends Error {
  override name = 'YamlError'

  constructor(problem: string) {
    super(`yaml: ${problem}`)
  }
}

/** Where something starts; all from 0. */
export interface Mark {
  index: number
  line: number
  column: number
}

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const NEL = 0x85
const LINE_SEPARATOR = 0x2028
const PARAGRAPH_SEPARATOR = 0x2029

export const isBlank = (code: number): boolean => code === SPACE || code === TAB
export const isBreak = (code: number): boolean =>
  code === LF || code === CR || code === NEL || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR
/** A break, or the end. */
export const isBreakOrEnd = (code: number): boolean => code === 0 || isBreak(code)
/** A blank, a break, or the end. */
export const isBlankOrEnd = (code: number): boolean => isBlank(code) || isBreakOrEnd(code)
export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
export const isHex = (code: number): boolean => isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)
/** What may be in the name of an anchor, a directive or a tag's handle. */
export const isWord = (code: number): boolean =>
  isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) || code === 0x5f || code === 0x2d

const FORBIDDEN = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/** Walks through a text, counting lines and columns. */
export class YamlReader {
  readonly text: string
  index = 0
  line = 0
  column = 0

  /** @throws YamlError for characters that YAML doesn't allow at all */
  constructor(text: string) {
    if (FORBIDDEN.test(text)) throw new YamlError('control characters are not allowed')
    this.text = text
  }

  /** The code of the character that comes `ahead` further on; 0 at the end. */
  peek(ahead = 0): number {
    return this.text.charCodeAt(this.index + ahead) || 0
  }

  mark(): Mark {
    return { index: this.index, line: this.line, column: this.column }
  }

  /** Within a line. */
  skip(count = 1): void {
    this.index += count
    this.column += count
  }

  /** Skips a line break; returns it as values hold it. */
  skipBreak(): string {
    const code = this.peek()
    this.index += code === CR && this.peek(1) === LF ? 2 : 1
    this.line++
    this.column = 0
    return code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR ? String.fromCharCode(code) : '\n'
  }

  skipWhile(test: (code: number) => boolean): string {
    const start = this.index
    while (test(this.peek())) this.index++
    this.column += this.index - start
    return this.text.slice(start, this.index)
  }

  skipBlanks(): void {
    while (isBlank(this.peek())) this.skip()
  }

  /** Skips a comment, if there is one, up to the end of its line. */
  skipComment(): void {
    if (this.peek() === 0x23) while (!isBreakOrEnd(this.peek())) this.skip()
  }

  /** `---` or `...` at the start of a line. */
  atDocumentIndicator(): boolean {
    if (this.column !== 0) return false
    const three = this.text.slice(this.index, this.index + 3)
    return (three === '---' || three === '...') && isBlankOrEnd(this.peek(3))
  }

  /**
   * Throws the error of a malformed token.
   *
   * @param context where the token starts; the line in the message is that one
   */
  fail(context: Mark, problem: string): never {
    const line = context.line || this.line
    throw new YamlError(line ? `line ${line + 1}: ${problem}` : problem)
  }
}

import { isBlankOrEnd, isBreak, isBreakOrEnd, isDigit, isWord, type Mark, YamlReader } from './yaml-reader.ts'
import { scanBlock, scanPlain, scanQuoted } from './yaml-scalar-scanner.ts'

export type TokenKind =
  | 'end of stream'
  | 'version'
  | 'tag directive'
  | 'document start'
  | 'document end'
  | 'block sequence'
  | 'block mapping'
  | 'block end'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | '-'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar'

export interface Token {
  kind: TokenKind
  start: Mark
  /** A scalar's text, a name, a tag's handle. */
  value?: string
  /** Of a tag or its directive. */
  suffix?: string
  plain?: boolean
  version?: [number, number]
}

/** A place where a key may have begun, which shows only at its colon. */
interface SimpleKey {
  /** Must be a key, since it stands where the mapping's keys do. */
  required: boolean
  tokenNumber: number
  mark: Mark
}

const MAX_DEPTH = 10_000
/** How far a key may reach, so that the look-ahead is bounded. */
const MAX_KEY_LENGTH = 1024
const code = (character: string): number => character.charCodeAt(0)
const NOT_PLAIN: ReadonlySet<number> = new Set([...'-?:,[]{}#&*!|>\'"%@`'].map(code))
const URI_MARKS: ReadonlySet<number> = new Set([..."_-;/?:@&=+$,.!~*'()[]%"].map(code))
const AFTER_ANCHOR: ReadonlySet<number> = new Set([...'?:,]}%@`'].map(code))

/** Turns YAML text into tokens; blocks' ends and implicit keys become tokens too. */
export class YamlScanner {
  readonly #reader: YamlReader
  readonly #tokens: Token[] = []
  #taken = 0
  #ended = false
  #flowLevel = 0
  #indent = -1
  readonly #indents: number[] = []
  #keyAllowed = true
  /** One for each flow level and one for the block around. */
  readonly #keys: (SimpleKey | undefined)[] = [undefined]
  /** The same by token, so that taking one doesn't look at all levels. */
  readonly #waiting = new Map<number, SimpleKey>()

  constructor(text: string) {
    this.#reader = new YamlReader(text)
  }

  /** The next token, which stays. */
  peek(): Token {
    while (!this.#ended && this.#needsMore()) this.#fetch()
    return this.#tokens[0]!
  }

  /** The next token, which is gone then (but for the last). */
  next(): Token {
    const token = this.peek()
    if (token.kind === 'end of stream') return token
    this.#taken++
    this.#tokens.shift()
    return token
  }

  /** A token that may yet turn out to be a key must wait. */
  #needsMore(): boolean {
    if (!this.#tokens.length) return true
    const key = this.#waiting.get(this.#taken)
    if (!key) return false
    if (!this.#isStale(key)) return true
    this.#waiting.delete(this.#taken)
    return false
  }

  #fetch(): void {
    const reader = this.#reader
    this.#skipToToken()
    this.#unrollTo(reader.column)
    const first = reader.peek()
    if (first === 0) this.#fetchEnd()
    else if (reader.column === 0 && first === code('%')) this.#fetchDirective()
    else if (reader.atDocumentIndicator()) this.#fetchDocumentIndicator()
    else if (!this.#fetchMarked(String.fromCharCode(first), isBlankOrEnd(reader.peek(1)))) this.#fetchPlain(first)
  }

  /** Fetches what its first character tells; false for anything else. */
  #fetchMarked(character: string, spaced: boolean): boolean {
    if (character === '[' || character === '{') this.#fetchFlowStart()
    else if (character === ']' || character === '}') this.#fetchFlowEnd()
    else if (character === ',') this.#fetchComma()
    else if (character === '-' && spaced) this.#fetchEntry()
    else if (character === '?' && (spaced || this.#flowLevel)) this.#fetchKey()
    else if (character === ':' && (spaced || this.#flowLevel)) this.#fetchValue()
    else if (character === '*') this.#fetchName('alias')
    else if (character === '&') this.#fetchName('anchor')
    else if (character === '!') this.#fetchTag()
    else if ((character === '|' || character === '>') && !this.#flowLevel) this.#fetchBlockScalar()
    else if (character === "'" || character === '"') this.#fetchQuoted()
    else return false
    return true
  }

  #fetchComma(): void {
    this.#forgetKey()
    this.#keyAllowed = true
    this.#indicator(',')
  }

  #fetchBlockScalar(): void {
    this.#forgetKey()
    this.#keyAllowed = true
    this.#tokens.push({ kind: 'scalar', ...scanBlock(this.#reader, this.#indent) })
  }

  #fetchQuoted(): void {
    this.#saveKey()
    this.#keyAllowed = false
    this.#tokens.push({ kind: 'scalar', ...scanQuoted(this.#reader) })
  }

  #fetchPlain(first: number): void {
    const reader = this.#reader
    const second = reader.peek(1)
    const fine =
      !NOT_PLAIN.has(first) && !isBlankOrEnd(first)
        ? true
        : first === code('-')
          ? second !== 0x20 && second !== 0x09
          : !this.#flowLevel && (first === code('?') || first === code(':')) && !isBlankOrEnd(second)
    if (!fine) reader.fail(reader.mark(), 'found character that cannot start any token')
    this.#saveKey()
    this.#keyAllowed = false
    const { broken, ...scalar } = scanPlain(reader, this.#indent, this.#flowLevel > 0)
    if (broken) this.#keyAllowed = true
    this.#tokens.push({ kind: 'scalar', ...scalar })
  }

  #skipToToken(): void {
    const reader = this.#reader
    for (;;) {
      if (reader.column === 0 && reader.peek() === 0xfeff) reader.skip()
      // A tab may not stand where indentation does.
      while (reader.peek() === 0x20 || (reader.peek() === 0x09 && (this.#flowLevel > 0 || !this.#keyAllowed))) reader.skip()
      reader.skipComment()
      if (!isBreak(reader.peek())) return
      reader.skipBreak()
      if (!this.#flowLevel) this.#keyAllowed = true
    }
  }

  #fetchEnd(): void {
    const reader = this.#reader
    if (reader.column !== 0) {
      reader.column = 0
      reader.line++
    }
    this.#unrollTo(-1)
    this.#forgetKey()
    this.#keyAllowed = false
    this.#tokens.push({ kind: 'end of stream', start: reader.mark() })
    this.#ended = true
  }

  #fetchDocumentIndicator(): void {
    this.#unrollTo(-1)
    this.#forgetKey()
    this.#keyAllowed = false
    const kind = this.#reader.peek() === code('-') ? 'document start' : 'document end'
    this.#indicator(kind, 3)
  }

  #fetchFlowStart(): void {
    this.#saveKey()
    this.#keys.push(undefined)
    if (++this.#flowLevel > MAX_DEPTH) this.#reader.fail(this.#reader.mark(), `exceeded max depth of ${MAX_DEPTH}`)
    this.#keyAllowed = true
    this.#indicator(this.#reader.peek() === code('[') ? '[' : '{')
  }

  #fetchFlowEnd(): void {
    this.#forgetKey()
    if (this.#flowLevel) {
      this.#flowLevel--
      this.#dropKey()
      this.#keys.pop()
    }
    this.#keyAllowed = false
    this.#indicator(this.#reader.peek() === code(']') ? ']' : '}')
  }

  #fetchEntry(): void {
    const reader = this.#reader
    if (!this.#flowLevel) {
      if (!this.#keyAllowed) reader.fail(reader.mark(), 'block sequence entries are not allowed in this context')
      this.#roll(reader.column, 'block sequence', reader.mark())
    }
    this.#forgetKey()
    this.#keyAllowed = true
    this.#indicator('-')
  }

  #fetchKey(): void {
    const reader = this.#reader
    if (!this.#flowLevel) {
      if (!this.#keyAllowed) reader.fail(reader.mark(), 'mapping keys are not allowed in this context')
      this.#roll(reader.column, 'block mapping', reader.mark())
    }
    this.#forgetKey()
    this.#keyAllowed = !this.#flowLevel
    this.#indicator('key')
  }

  #fetchValue(): void {
    const reader = this.#reader
    const key = this.#keys.at(-1)
    if (key && !this.#isStale(key)) {
      const at = key.tokenNumber - this.#taken
      this.#tokens.splice(at, 0, { kind: 'key', start: key.mark })
      this.#roll(key.mark.column, 'block mapping', key.mark, at)
      this.#dropKey()
      this.#keyAllowed = false
    } else {
      this.#dropKey()
      if (!this.#flowLevel) {
        if (!this.#keyAllowed) reader.fail(reader.mark(), 'mapping values are not allowed in this context')
        this.#roll(reader.column, 'block mapping', reader.mark())
      }
      this.#keyAllowed = !this.#flowLevel
    }
    this.#indicator('value')
  }

  #fetchName(kind: 'alias' | 'anchor'): void {
    const reader = this.#reader
    this.#saveKey()
    this.#keyAllowed = false
    const start = reader.mark()
    reader.skip()
    const value = reader.skipWhile(isWord)
    if (value === '' || !(isBlankOrEnd(reader.peek()) || AFTER_ANCHOR.has(reader.peek()))) {
      reader.fail(start, 'did not find expected alphabetic or numeric character')
    }
    this.#tokens.push({ kind, start, value })
  }

  #fetchTag(): void {
    const reader = this.#reader
    this.#saveKey()
    this.#keyAllowed = false
    const start = reader.mark()
    let handle = ''
    let suffix: string
    if (reader.peek(1) === code('<')) {
      reader.skip(2)
      suffix = this.#uri('', start)
      if (reader.peek() !== code('>')) reader.fail(start, "did not find the expected '>'")
      reader.skip()
    } else {
      handle = this.#tagHandle(start, false)
      if (handle.length > 1 && handle.endsWith('!')) suffix = this.#uri('', start)
      else {
        suffix = this.#uri(handle, start)
        handle = '!'
        // The tag `!` alone: it has no handle.
        if (suffix === '') [handle, suffix] = ['', '!']
      }
    }
    if (!isBlankOrEnd(reader.peek())) reader.fail(start, 'did not find expected whitespace or line break')
    this.#tokens.push({ kind: 'tag', start, value: handle, suffix })
  }

  #tagHandle(start: Mark, directive: boolean): string {
    const reader = this.#reader
    if (reader.peek() !== code('!')) reader.fail(start, "did not find expected '!'")
    reader.skip()
    const handle = `!${reader.skipWhile(isWord)}`
    if (reader.peek() === code('!')) {
      reader.skip()
      return `${handle}!`
    }
    if (directive && handle !== '!') reader.fail(start, "did not find expected '!'")
    return handle
  }

  /** @param head a handle that wasn't one: its word belongs to the tag */
  #uri(head: string, start: Mark): string {
    const reader = this.#reader
    const rest = reader.skipWhile((c) => isWord(c) || URI_MARKS.has(c))
    if (rest === '' && head === '') reader.fail(start, 'did not find expected tag URI')
    if (/%(?![0-9a-fA-F]{2})/.test(rest)) reader.fail(start, 'did not find URI escaped octet')
    try {
      return head.slice(1) + decodeURIComponent(rest)
    } catch {
      return reader.fail(start, 'found an incorrect trailing UTF-8 octet')
    }
  }

  #fetchDirective(): void {
    const reader = this.#reader
    this.#unrollTo(-1)
    this.#forgetKey()
    this.#keyAllowed = false
    const start = reader.mark()
    reader.skip()
    const name = reader.skipWhile(isWord)
    if (name === '') reader.fail(start, 'could not find expected directive name')
    if (!isBlankOrEnd(reader.peek())) reader.fail(start, 'found unexpected non-alphabetical character')
    if (name === 'YAML') this.#tokens.push(this.#versionDirective(start))
    else if (name === 'TAG') this.#tokens.push(this.#tagDirective(start))
    else reader.fail(start, 'found unknown directive name')
    reader.skipBlanks()
    reader.skipComment()
    if (!isBreakOrEnd(reader.peek())) reader.fail(start, 'did not find expected comment or line break')
    if (isBreak(reader.peek())) reader.skipBreak()
  }

  #versionDirective(start: Mark): Token {
    const reader = this.#reader
    reader.skipBlanks()
    const major = this.#versionNumber(start)
    if (reader.peek() !== code('.')) reader.fail(start, "did not find expected digit or '.' character")
    reader.skip()
    return { kind: 'version', start, version: [major, this.#versionNumber(start)] }
  }

  #versionNumber(start: Mark): number {
    const digits = this.#reader.skipWhile(isDigit)
    if (digits.length > 2) this.#reader.fail(start, 'found extremely long version number')
    if (digits === '') this.#reader.fail(start, 'did not find expected version number')
    return Number(digits)
  }

  #tagDirective(start: Mark): Token {
    const reader = this.#reader
    reader.skipBlanks()
    const value = this.#tagHandle(start, true)
    if (reader.peek() !== 0x20 && reader.peek() !== 0x09) reader.fail(start, 'did not find expected whitespace')
    reader.skipBlanks()
    const suffix = this.#uri('', start)
    if (!isBlankOrEnd(reader.peek())) reader.fail(start, 'did not find expected whitespace or line break')
    return { kind: 'tag directive', start, value, suffix }
  }

  #indicator(kind: TokenKind, length = 1): void {
    this.#tokens.push({ kind, start: this.#reader.mark() })
    this.#reader.skip(length)
  }

  /** Opens a block when the column is further in than the one around. */
  #roll(column: number, kind: TokenKind, start: Mark, at = this.#tokens.length): void {
    if (this.#flowLevel || this.#indent >= column) return
    this.#indents.push(this.#indent)
    this.#indent = column
    if (this.#indents.length > MAX_DEPTH) this.#reader.fail(start, `exceeded max depth of ${MAX_DEPTH}`)
    this.#tokens.splice(at, 0, { kind, start })
  }

  /** Closes the blocks that are further in than the column. */
  #unrollTo(column: number): void {
    if (this.#flowLevel) return
    while (this.#indent > column) {
      this.#tokens.push({ kind: 'block end', start: this.#reader.mark() })
      this.#indent = this.#indents.pop()!
    }
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return
    this.#forgetKey()
    const key: SimpleKey = {
      required: !this.#flowLevel && this.#indent === this.#reader.column,
      tokenNumber: this.#taken + this.#tokens.length,
      mark: this.#reader.mark(),
    }
    this.#keys[this.#keys.length - 1] = key
    this.#waiting.set(key.tokenNumber, key)
  }

  /** Something else begins where the key's colon should be. */
  #forgetKey(): void {
    const key = this.#keys.at(-1)
    if (key?.required && this.#waiting.has(key.tokenNumber)) this.#reader.fail(key.mark, "could not find expected ':'")
    this.#dropKey()
  }

  #dropKey(): void {
    const key = this.#keys.at(-1)
    if (key) this.#waiting.delete(key.tokenNumber)
    this.#keys[this.#keys.length - 1] = undefined
  }

  /** Whether a key can't be one any more: it must end on its line, and soon. */
  #isStale(key: SimpleKey): boolean {
    const reader = this.#reader
    if (key.mark.line >= reader.line && key.mark.index + MAX_KEY_LENGTH >= reader.index) return false
    if (key.required) reader.fail(key.mark, "could not find expected ':'")
    return true
  }
}

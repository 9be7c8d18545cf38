import { goQuoteByte } from './go-text.ts'

/** Arrays and objects inside each other that Go's decoder follows. */
export const MAX_DEPTH = 10_000

const END = 'unexpected end of JSON input'

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
const isHex = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
const code = (character: string): number => character.charCodeAt(0)

/**
 * Finds what Go's decoder would refuse in JSON text: slower than the native parser, for its error texts.
 *
 * @returns the error's message; undefined for good JSON
 */
export function findSyntaxError(bytes: Buffer): string | undefined {
  try {
    new Scanner(bytes).document()
    return undefined
  } catch (error) {
    if (error instanceof SyntaxProblem) return error.message
    throw error
  }
}

class SyntaxProblem extends Error {}

class Scanner {
  readonly #bytes: Buffer
  #at = 0
  /** The closing brackets that are still to come. */
  readonly #open: number[] = []

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  document(): void {
    for (;;) {
      if (this.#beginValue()) continue
      if (this.#endValue()) return
    }
  }

  /** Reads a scalar or an opening bracket; true when a value inside the bracket comes next. */
  #beginValue(): boolean {
    const byte = this.#next()
    switch (byte) {
      case code('{'):
        this.#push(code('}'))
        if (this.#next() === code('}')) return false
        this.#key()
        return true
      case code('['):
        this.#push(code(']'))
        return this.#next() !== code(']')
      case code('"'):
        this.#string()
        return false
      case code('t'):
        return this.#literal('true')
      case code('f'):
        return this.#literal('false')
      case code('n'):
        return this.#literal('null')
    }
    if (byte !== code('-') && !isDigit(byte)) this.#fail('looking for beginning of value')
    this.#number()
    return false
  }

  /** Reads what may follow a value, up to where the next one starts; true at the end of the text. */
  #endValue(): boolean {
    for (;;) {
      const close = this.#open.at(-1)
      if (close === undefined) {
        this.#skipSpace()
        if (this.#at < this.#bytes.length) this.#fail('after top-level value')
        return true
      }
      const byte = this.#next()
      if (byte === code(',')) {
        this.#at++
        if (close === code('}')) {
          this.#next()
          this.#key()
        }
        return false
      }
      if (byte !== close) this.#fail(close === code('}') ? 'after object key:value pair' : 'after array element')
      this.#at++
      this.#open.pop()
    }
  }

  #push(close: number): void {
    this.#open.push(close)
    if (this.#open.length > MAX_DEPTH) this.#fail('exceeded max depth')
    this.#at++
  }

  #key(): void {
    if (this.#bytes[this.#at] !== code('"')) this.#fail('looking for beginning of object key string')
    this.#string()
    if (this.#next() !== code(':')) this.#fail('after object key')
    this.#at++
  }

  #string(): void {
    this.#at++
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new SyntaxProblem(END)
      if (byte < 0x20) this.#fail('in string literal')
      this.#at++
      if (byte === code('"')) return
      if (byte === code('\\')) this.#escape()
    }
  }

  #escape(): void {
    const byte = this.#bytes[this.#at] ?? 0x20
    if (!'bfnrt\\/"u'.includes(String.fromCharCode(byte))) this.#fail('in string escape code')
    this.#at++
    if (byte !== code('u')) return
    for (let i = 0; i < 4; i++, this.#at++) {
      if (!isHex(this.#bytes[this.#at])) this.#fail('in \\u hexadecimal character escape')
    }
  }

  #literal(word: string): false {
    for (let i = 1; i < word.length; i++) {
      this.#at++
      if (this.#bytes[this.#at] !== word.charCodeAt(i)) this.#fail(`in literal ${word} (expecting '${word[i]}')`)
    }
    this.#at++
    return false
  }

  #number(): void {
    if (this.#bytes[this.#at] === code('-')) this.#at++
    if (this.#bytes[this.#at] === code('0')) this.#at++
    else this.#digits('in numeric literal')
    if (this.#bytes[this.#at] === code('.')) {
      this.#at++
      this.#digits('after decimal point in numeric literal')
    }
    const byte = this.#bytes[this.#at]
    if (byte !== code('e') && byte !== code('E')) return
    this.#at++
    const sign = this.#bytes[this.#at]
    if (sign === code('+') || sign === code('-')) this.#at++
    this.#digits('in exponent of numeric literal')
  }

  #digits(context: string): void {
    if (!isDigit(this.#bytes[this.#at])) this.#fail(context)
    while (isDigit(this.#bytes[this.#at])) this.#at++
  }

  #skipSpace(): void {
    while (isSpace(this.#bytes[this.#at])) this.#at++
  }

  /** The next byte that is no space, which stays. */
  #next(): number {
    this.#skipSpace()
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new SyntaxProblem(END)
    return byte
  }

  /** Go feeds a space to the unfinished token at the end of the text, and blames that. */
  #fail(context: string): never {
    throw new SyntaxProblem(`invalid character ${goQuoteByte(this.#bytes[this.#at] ?? 0x20)} ${context}`)
  }
}

import type { LabelOperator } from './label-selector.ts'

/** What is wrong with a selector's text, in the reference's words. */
export class SelectorError extends Error {
  override name = 'SelectorError'
}

/** Makes a requirement; throws a SelectorError when its values don't fit. */
export type RequirementBuilder<T> = (key: string, operator: LabelOperator, values: string[]) => T

type TokenKind = 'end' | 'identifier' | ')' | '(' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin'

interface Token {
  kind: TokenKind
  text: string
}

const SPECIAL = '=!(),><'
const SPACE = ' \t\r\n'
const OPERATORS: Partial<Record<TokenKind, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
}

/** A NUL ends what is being read, and alone ends the text: what follows is never looked at. */
const NUL = '\0'

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    while (at < text.length && SPACE.includes(text[at]!)) at++
    const first = text[at] ?? NUL
    if (first === NUL) {
      tokens.push({ kind: 'end', text: '' })
      return tokens
    }
    if (SPECIAL.includes(first)) {
      const two = text.slice(at, at + 2)
      const symbol = two === '==' || two === '!=' ? two : first
      at += symbol.length
      tokens.push({ kind: symbol as TokenKind, text: symbol })
      continue
    }
    const start = at
    while (at < text.length && !SPECIAL.includes(text[at]!) && !SPACE.includes(text[at]!) && text[at] !== NUL) at++
    const word = text.slice(start, at)
    if (text[at] === NUL) at++
    tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word })
  }
}

/**
 * Splits a selector's text into requirements, in the order in which they stand there.
 *
 * @param checkKey throws a SelectorError when a key isn't valid: that is reported before what follows the key is looked at
 * @throws SelectorError
 */
export function parseRequirements<T>(text: string, checkKey: (key: string) => void, build: RequirementBuilder<T>): T[] {
  return new Parser(tokenize(text), checkKey, build).parse()
}

class Parser<T> {
  readonly #tokens: Token[]
  readonly #checkKey: (key: string) => void
  readonly #build: RequirementBuilder<T>
  #at = 0

  constructor(tokens: Token[], checkKey: (key: string) => void, build: RequirementBuilder<T>) {
    this.#build = build
    this.#tokens = tokens
    this.#checkKey = checkKey
  }

  parse(): T[] {
    const requirements: T[] = []
    for (;;) {
      const { kind, text } = this.#peek()
      if (kind === 'end') return requirements
      if (kind !== 'identifier' && kind !== '!') throw found(text, "!, identifier, or 'end of string'")
      requirements.push(this.#requirement())
      const after = this.#next()
      if (after.kind === 'end') return requirements
      if (after.kind !== ',') throw found(after.text, "',' or 'end of string'")
      const next = this.#peek()
      if (next.kind !== 'identifier' && next.kind !== '!') throw found(next.text, "identifier after ','")
    }
  }

  #requirement(): T {
    try {
      return this.#keyOperatorValues()
    } catch (error) {
      throw error instanceof SelectorError ? new SelectorError(`unable to parse requirement: ${error.message}`) : error
    }
  }

  #keyOperatorValues(): T {
    let token = this.#next()
    const absent = token.kind === '!'
    if (absent) token = this.#next()
    if (token.kind !== 'identifier') throw found(token.text, 'identifier')
    const key = token.text
    this.#checkKey(key)
    if (absent) return this.#build(key, '!', [])
    const after = this.#peek().kind
    if (after === 'end' || after === ',') return this.#build(key, 'exists', [])
    const { kind, text } = this.#tokens[this.#at++]!
    const operator = OPERATORS[kind]
    if (!operator) throw found(text, 'in, notin, =, ==, !=, gt, lt')
    const values = operator === 'in' || operator === 'notin' ? this.#set() : [this.#value()]
    return this.#build(key, operator, [...new Set(values)].sort())
  }

  #value(): string {
    const { kind } = this.#peek()
    if (kind === 'end' || kind === ',') return ''
    const token = this.#next()
    if (token.kind !== 'identifier') throw found(token.text, 'identifier')
    return token.text
  }

  #set(): string[] {
    const open = this.#next()
    if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`)
    const first = this.#peek()
    if (first.kind === ')') {
      this.#at++
      return ['']
    }
    if (first.kind !== 'identifier' && first.kind !== ',') throw found(first.text, "',', ')' or identifier")
    const values = this.#list()
    this.#at++
    return values
  }

  /** Up to the closing parenthesis, which stays. Nothing between two commas, or a comma and a parenthesis, is the empty value. */
  #list(): string[] {
    const values: string[] = []
    for (;;) {
      const token = this.#next()
      const after = this.#peek()
      if (token.kind === 'identifier') {
        values.push(token.text)
        if (after.kind === ')') return values
        if (after.kind !== ',') throw found(after.text, "',' or ')'")
      } else if (token.kind === ',') {
        if (!values.length || after.kind === ',') values.push('')
        if (after.kind === ')') return [...values, '']
      } else {
        throw found(token.text, "',', or identifier")
      }
    }
  }

  /** The next token; `in` and `notin` are words here as any other. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!
    return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }
}

const found = (text: string, expected: string): SelectorError => new SelectorError(`found '${text}', expected: ${expected}`)

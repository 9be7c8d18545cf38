import type { Call, Expr, MapEntry, StructEntry } from './ast.ts'
import { CompileError, type Issue } from './errors.ts'
import { type Token, tokenize } from './lexer.ts'
import { bytesLiteral, stringLiteral } from './literals.ts'
import { expandMacro } from './macros.ts'
import { Uint } from './values.ts'

/** How deep an expression may nest, and how long it may be (in code points), as the reference has it. */
const MAX_DEPTH = 250
const MAX_LENGTH = 100_000

const RESERVED = new Set(
  'as break const continue else false for function if import in let loop package namespace return true null var void while'.split(
    ' ',
  ),
)
const KEYWORDS = new Set(['true', 'false', 'null', 'in'])

const EXPRESSION_START =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

const RELATIONS = ['<', '<=', '>=', '>', '==', '!=', 'in']
const MAX_INT = 2n ** 63n - 1n
const MAX_UINT = 2n ** 64n - 1n

/** Thrown to leave the parser at the first error that it can't go on after. */
class Abandoned extends Error {}

/**
 * Reads an expression. Macros are expanded on the way.
 *
 * @param binding whether there is `cel.bind`
 * @throws CompileError
 * @see https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
 */
export function parse(source: string, binding = false): Expr {
  if (source.length > MAX_LENGTH && [...source].length > MAX_LENGTH) {
    const size = [...source].length
    throw new CompileError('', [
      { at: -1, message: `expression code point size exceeds limit: size: ${size}, limit ${MAX_LENGTH}` },
    ])
  }
  const { tokens, issues } = tokenize(source)
  const parser = new Parser(tokens, issues, binding)
  const expr = parser.whole()
  if (issues.length || !expr) throw new CompileError(source, issues)
  return expr
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #issues: Issue[]
  readonly #binding: boolean
  #index = 0
  #depth = 0

  constructor(tokens: readonly Token[], issues: Issue[], binding: boolean) {
    this.#binding = binding
    this.#tokens = tokens
    this.#issues = issues
  }

  whole(): Expr | undefined {
    try {
      const expr = this.#expression()
      if (this.#token.kind !== 'end') this.#unexpected('<EOF>', this.#tokens[this.#index + 1]?.kind === 'end')
      return expr
    } catch (error) {
      if (error instanceof Abandoned) return undefined
      throw error
    }
  }

  get #token(): Token {
    return this.#tokens[this.#index]!
  }

  #is(text: string): boolean {
    const { kind, text: found } = this.#token
    return found === text && (kind === 'operator' || kind === 'ident')
  }

  #take(text: string): Token | undefined {
    if (!this.#is(text)) return undefined
    return this.#tokens[this.#index++]
  }

  #expect(text: string): Token {
    return this.#take(text) ?? this.#unexpected(`'${text}'`, false, this.#token.kind === 'end')
  }

  #report(at: number, message: string): void {
    this.#issues.push({ at, message })
  }

  #unexpected(wanted: string, extraneous: boolean, missing = false): never {
    const { text, at } = this.#token
    const what = missing ? `missing ${wanted} at '${text}'` : undefined
    this.#report(at, `Syntax error: ${what ?? `${extraneous ? 'extraneous' : 'mismatched'} input '${text}' expecting ${wanted}`}`)
    throw new Abandoned()
  }

  #limit(depth: number): void {
    if (depth <= MAX_DEPTH) return
    this.#report(-1, `expression recursion limit exceeded: ${MAX_DEPTH}`)
    throw new Abandoned()
  }

  #expression(): Expr {
    this.#limit(++this.#depth)
    const condition = this.#or()
    const question = this.#take('?')
    if (!question) {
      this.#depth--
      return condition
    }
    const yes = this.#or()
    this.#expect(':')
    const no = this.#expression()
    this.#depth--
    return call('_?_:_', question.at, [condition, yes, no])
  }

  #or(): Expr {
    return this.#logical('||', () => this.#logical('&&', () => this.#relation()))
  }

  /** Long chains become balanced trees, so that they don't nest deeply. */
  #logical(operator: '||' | '&&', part: () => Expr): Expr {
    const terms = [part()]
    const operators: number[] = []
    for (let token = this.#take(operator); token; token = this.#take(operator)) {
      operators.push(token.at)
      terms.push(part())
    }
    return balanced(`_${operator}_`, terms, operators, 0, terms.length - 1)
  }

  #relation(): Expr {
    let left = this.#sum()
    for (let depth = 0; ; depth++) {
      this.#limit(depth)
      const token = this.#token
      if (!RELATIONS.includes(token.text) || (token.kind !== 'operator' && token.text !== 'in')) return left
      this.#index++
      left = call(token.text === 'in' ? '@in' : `_${token.text}_`, token.at, [left, this.#sum()])
    }
  }

  #sum(): Expr {
    return this.#binary(['+', '-'], () => this.#binary(['*', '/', '%'], () => this.#unary()))
  }

  #binary(operators: readonly string[], part: () => Expr): Expr {
    let left = part()
    for (let depth = 0; ; depth++) {
      this.#limit(depth)
      const token = this.#token
      if (token.kind !== 'operator' || !operators.includes(token.text)) return left
      this.#index++
      left = call(`_${token.text}_`, token.at, [left, part()])
    }
  }

  #unary(): Expr {
    const first = this.#token
    for (const operator of ['!', '-']) {
      if (!this.#is(operator)) continue
      const next = this.#tokens[this.#index + 1]!
      if (operator === '-' && (next.kind === 'int' || next.kind === 'double')) break
      let count = 0
      while (this.#take(operator)) count++
      // A minus before a number belongs to the number.
      if (operator === '-' && count > 1 && (this.#token.kind === 'int' || this.#token.kind === 'double')) {
        this.#index--
        count--
      }
      const operand = this.#member()
      return count % 2 ? call(operator === '!' ? '!_' : '-_', first.at, [operand]) : operand
    }
    return this.#member()
  }

  #member(): Expr {
    let expr = this.#primary()
    for (let depth = 0; ; depth++) {
      this.#limit(depth)
      const dot = this.#take('.')
      if (dot) {
        expr = this.#afterDot(expr, dot)
        continue
      }
      const bracket = this.#take('[')
      if (!bracket) return expr
      const optional = this.#take('?')
      const index = this.#expression()
      this.#expect(']')
      expr = call(optional ? '_[?_]' : '_[_]', bracket.at, [expr, index])
    }
  }

  #afterDot(operand: Expr, dot: Token): Expr {
    const optional = this.#take('?')
    const name = this.#token
    if (name.kind !== 'ident' && name.kind !== 'quoted')
      this.#unexpected(optional ? '{IDENTIFIER, ESC_IDENTIFIER}' : 'IDENTIFIER', false)
    this.#index++
    const field = this.#plain(name)
    if (KEYWORDS.has(name.text)) {
      this.#index--
      this.#unexpected('IDENTIFIER', false)
    }
    if (optional) {
      return call('_?._', dot.at, [operand, { kind: 'const', at: name.at, value: field }])
    }
    const open = this.#take('(')
    if (!open) return { kind: 'select', at: dot.at, operand, field, test: false }
    const args = this.#arguments(')')
    return this.#called(field, open.at, operand, args)
  }

  /** Names in backticks are read, but switched off in the reference. */
  #plain({ kind, text, at }: Token): string {
    if (kind === 'quoted') this.#report(at, "unsupported syntax: '`'")
    return text
  }

  #called(name: string, at: number, target: Expr | undefined, args: readonly Expr[]): Expr {
    const macro = expandMacro({ name, at, target, args }, (where, message) => this.#report(where, message), this.#binding)
    return macro ?? { kind: 'call', at, name, target, args }
  }

  /** What stands in parentheses or brackets, with the closing one. */
  #arguments(close: string): Expr[] {
    const args: Expr[] = []
    while (!this.#is(close)) {
      args.push(this.#expression())
      if (!this.#take(',')) break
    }
    this.#expect(close)
    return args
  }

  #primary(): Expr {
    const token = this.#token
    switch (token.kind) {
      case 'ident':
        return this.#name(token)
      case 'int':
      case 'uint':
      case 'double':
        this.#index++
        return this.#number(token, '')
      case 'string': {
        this.#index++
        const value = stringLiteral(token.text)
        if (value === undefined) this.#report(token.at, 'invalid unicode code point')
        return { kind: 'const', at: token.at, value: value ?? '' }
      }
      case 'bytes': {
        this.#index++
        const value = bytesLiteral(token.text)
        if (!value) this.#report(token.at, 'unable to unescape string')
        return { kind: 'const', at: token.at, value: value ?? new Uint8Array() }
      }
    }
    if (this.#take('-')) {
      const number = this.#token
      this.#index++
      return this.#number({ ...number, at: token.at }, '-')
    }
    if (this.#take('(')) {
      const expr = this.#expression()
      this.#expect(')')
      return expr
    }
    if (this.#take('[')) return this.#list(token.at)
    if (this.#take('{')) return this.#map(token.at)
    if (this.#take('.')) {
      if (this.#token.kind !== 'ident') this.#unexpected('IDENTIFIER', false)
      return this.#name(this.#token, '.')
    }
    return this.#unexpected(EXPRESSION_START, token.kind !== 'end' && this.#startsExpression(this.#index + 1))
  }

  /** Whether the expression would go on if the token before were not there. */
  #startsExpression(index: number): boolean {
    const token = this.#tokens[index]
    return token !== undefined && (!['operator', 'end'].includes(token.kind) || '[{(.-!'.includes(token.text))
  }

  #number({ kind, text, at }: Token, sign: string): Expr {
    if (kind === 'double') {
      const value = Number(sign + text)
      if (!Number.isFinite(value)) this.#report(at, 'invalid double literal')
      return { kind: 'const', at, value }
    }
    const value = BigInt(kind === 'uint' ? text.slice(0, -1) : text)
    if (kind === 'uint') {
      if (value > MAX_UINT) this.#report(at, 'invalid uint literal')
      return { kind: 'const', at, value: new Uint(value) }
    }
    if (value > MAX_INT + (sign ? 1n : 0n)) this.#report(at, 'invalid int literal')
    return { kind: 'const', at, value: sign ? -value : value }
  }

  #name(token: Token, prefix = ''): Expr {
    const { text, at } = token
    this.#index++
    if (!prefix && (text === 'true' || text === 'false')) return { kind: 'const', at, value: text === 'true' }
    if (!prefix && text === 'null') return { kind: 'const', at, value: null }
    if (text === 'in') {
      this.#index--
      this.#unexpected(EXPRESSION_START, this.#startsExpression(this.#index + 1))
    }
    if (RESERVED.has(text)) this.#report(at, `reserved identifier: ${text}`)
    const name = prefix + text
    const open = this.#take('(')
    if (open) return this.#called(name, open.at, undefined, this.#arguments(')'))
    return this.#struct(name) ?? { kind: 'ident', at, name }
  }

  /** `Type{…}` or `a.b.Type{…}`; leaves everything as it is when there is none. */
  #struct(first: string): Expr | undefined {
    let name = first
    let index = this.#index
    while (this.#tokens[index]?.text === '.' && this.#tokens[index + 1]?.kind === 'ident') {
      name += `.${this.#tokens[index + 1]!.text}`
      index += 2
    }
    const brace = this.#tokens[index]
    if (brace?.kind !== 'operator' || brace.text !== '{') return undefined
    this.#index = index + 1
    const entries: StructEntry[] = []
    while (!this.#is('}')) {
      const optional = this.#take('?') !== undefined
      const field = this.#token
      if (field.kind !== 'ident' && field.kind !== 'quoted')
        this.#unexpected("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}", this.#startsExpression(this.#index + 1))
      this.#index++
      const colon = this.#expect(':')
      const value = this.#expression()
      entries.push({ at: colon.at, field: this.#plain(field), value, optional })
      if (!this.#take(',')) break
    }
    this.#expect('}')
    return { kind: 'struct', at: brace.at, name, entries }
  }

  #list(at: number): Expr {
    const elements: Expr[] = []
    const optional = new Set<number>()
    while (!this.#is(']')) {
      if (this.#take('?')) optional.add(elements.length)
      elements.push(this.#expression())
      if (!this.#take(',')) break
    }
    this.#expect(']')
    return { kind: 'list', at, elements, optional }
  }

  #map(at: number): Expr {
    const entries: MapEntry[] = []
    while (!this.#is('}')) {
      const optional = this.#take('?') !== undefined
      const key = this.#expression()
      const colon = this.#expect(':')
      entries.push({ at: colon.at, key, value: this.#expression(), optional })
      if (!this.#take(',')) break
    }
    this.#expect('}')
    return { kind: 'map', at, entries }
  }
}

const call = (name: string, at: number, args: readonly Expr[]): Call => ({ kind: 'call', name, at, target: undefined, args })

function balanced(name: string, terms: readonly Expr[], operators: readonly number[], low: number, high: number): Expr {
  if (low === high) return terms[low]!
  const middle = Math.floor((low + high - 1 + 1) / 2)
  const split = middle === high ? middle - 1 : middle
  return call(name, operators[split]!, [
    balanced(name, terms, operators, low, split),
    balanced(name, terms, operators, split + 1, high),
  ])
}

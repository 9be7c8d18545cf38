import type { Issue } from './errors.ts'

export type TokenKind = 'ident' | 'quoted' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'operator' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written. */
  readonly text: string
  /** In code points. */
  readonly at: number
}

const SPACE = /(?:[ \t\r\n\f]|\/\/[^\n]*)+/y
const IDENT = /[A-Za-z_][A-Za-z0-9_]*/y
const QUOTED = /`[A-Za-z0-9_.\-/ ]+`/y
const DOUBLE = /(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)/y
const INTEGER = /(?:0x[0-9a-fA-F]+|[0-9]+)[uU]?/y
const OPERATOR = /==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()[\]{}]/y

const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?\x60]|x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})`
const STRING = new RegExp(
  [
    `[rR]"""[^]*?"""`,
    `[rR]'''[^]*?'''`,
    String.raw`[rR]"[^"\n\r]*"`,
    String.raw`[rR]'[^'\n\r]*'`,
    `"""(?:${ESCAPE}|[^\\\\])*?"""`,
    `'''(?:${ESCAPE}|[^\\\\])*?'''`,
    `"(?:${ESCAPE}|[^\\\\"\\n\\r])*"`,
    `'(?:${ESCAPE}|[^\\\\'\\n\\r])*'`,
  ].join('|'),
  'y',
)

/** Splits an expression into tokens. What is no token is reported and left out. */
export function tokenize(source: string): { tokens: Token[]; issues: Issue[] } {
  const tokens: Token[] = []
  const issues: Issue[] = []
  let index = 0
  let at = 0
  const match = (pattern: RegExp, from = index): string | undefined => {
    pattern.lastIndex = from
    return pattern.exec(source)?.[0]
  }
  const advance = (text: string): void => {
    index += text.length
    at += length(text)
  }
  while (index < source.length) {
    const space = match(SPACE)
    if (space) {
      advance(space)
      continue
    }
    const token = next(match, index, source)
    if (token) {
      tokens.push({ ...token, at })
      advance(token.text)
      continue
    }
    const wrong = unknown(source, index)
    issues.push({ at, message: `Syntax error: token recognition error at: '${shown(wrong)}'` })
    advance(wrong)
  }
  tokens.push({ kind: 'end', text: '<EOF>', at })
  return { tokens, issues }
}

function next(
  match: (pattern: RegExp, from?: number) => string | undefined,
  index: number,
  source: string,
): Omit<Token, 'at'> | undefined {
  const first = source[index]!
  if (/[bB]/.test(first) && /["'rR]/.test(source[index + 1] ?? '')) {
    const bytes = match(STRING, index + 1)
    if (bytes) return { kind: 'bytes', text: first + bytes }
  }
  const string = match(STRING)
  if (string) return { kind: 'string', text: string }
  const ident = match(IDENT)
  if (ident) return { kind: 'ident', text: ident }
  const quoted = match(QUOTED)
  if (quoted) return { kind: 'quoted', text: quoted }
  const double = match(DOUBLE)
  if (double) return { kind: 'double', text: double }
  const integer = match(INTEGER)
  if (integer) return { kind: /[uU]$/.test(integer) ? 'uint' : 'int', text: integer }
  const operator = match(OPERATOR)
  return operator ? { kind: 'operator', text: operator } : undefined
}

/** How far the reference's lexer reads before it gives up. */
function unknown(source: string, index: number): string {
  const first = String.fromCodePoint(source.codePointAt(index)!)
  const second = source[index + first.length] ?? ''
  if (first === '=' || first === '&' || first === '|') return second ? first + second : first
  if (first !== '"' && first !== "'") return first
  const rest = source.slice(index)
  const text = new RegExp(`^${first}(?:${ESCAPE}|[^\\\\${first}\\n\\r])*`).exec(rest)![0]
  const stopper = rest[text.length] ?? ''
  if (stopper !== '\\') return text + stopper
  const start = /^\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?/.exec(rest.slice(text.length))![0]
  return text + start + (rest[text.length + start.length] ?? '')
}

const shown = (text: string): string => text.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')

function length(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

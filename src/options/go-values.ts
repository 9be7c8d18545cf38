import { quote } from '../machinery/field-errors.ts'

/** Go's strconv.ParseBool. @throws Error with Go's text. */
export function parseBool(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false
  throw numberError('ParseBool', text, 'invalid syntax')
}

/**
 * Go's strconv.ParseInt with base 0: decimal, 0x, 0o, 0b, a leading 0 for octal, `_` between digits.
 * @param bits the size of the signed integer it has to fit
 * @throws Error with Go's text
 */
export function parseInteger(text: string, bits: number): number {
  const value = integerLiteral(text, 'ParseInt')
  const limit = 2n ** BigInt(bits - 1)
  if (value >= limit || value < -limit) throw numberError('ParseInt', text, 'value out of range')
  return Number(value)
}

/** Go's strconv.ParseUint with base 0, 64 bits. @throws Error with Go's text. */
export function parseUnsigned(text: string): number {
  if (/^[+-]/.test(text)) throw numberError('ParseUint', text, 'invalid syntax')
  const value = integerLiteral(text, 'ParseUint')
  if (value >= 2n ** 64n) throw numberError('ParseUint', text, 'value out of range')
  return Number(value)
}

/**
 * A non-negative decimal number that fits 31 bits, as log verbosities are written.
 * @throws Error with Go's text
 */
export function parseVerbosity(text: string): number {
  if (!/^\d+$/.test(text)) throw numberError('ParseUint', text, 'invalid syntax')
  const value = BigInt(text)
  if (value >= 2n ** 31n) throw numberError('ParseUint', text, 'value out of range')
  return Number(value)
}

/** Go's strconv.Atoi: a decimal number with an optional sign. @throws Error with Go's text. */
export function parseDecimal(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw numberError('Atoi', text, 'invalid syntax')
  const value = BigInt(text.replace(/^\+/, ''))
  if (value >= 2n ** 63n || value < -(2n ** 63n)) throw numberError('Atoi', text, 'value out of range')
  return Number(value)
}

/** Go's strconv.ParseFloat without hexadecimal forms. @throws Error with Go's text. */
export function parseFloating(text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    const value = Number(text)
    if (!Number.isFinite(value)) throw numberError('ParseFloat', text, 'value out of range')
    return value
  }
  const word = /^([+-]?)(inf|infinity)$/i.exec(text)
  if (word) return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (/^nan$/i.test(text)) return Number.NaN
  throw numberError('ParseFloat', text, 'invalid syntax')
}

const nanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

/**
 * Go's time.ParseDuration (`1h2m3.5s`, `0`).
 * @returns milliseconds, fractional below one
 * @throws Error with Go's text
 */
export function parseDuration(text: string): number {
  const invalid = (): Error => new Error(`time: invalid duration ${quote(text)}`)
  const negative = text.startsWith('-')
  let rest = text.replace(/^[+-]/, '')
  if (rest === '0') return 0
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const number = /^(\d*)(?:\.(\d*))?/.exec(rest)!
    const [whole, fraction = ''] = [number[1]!, number[2]]
    if (whole === '' && fraction === '') throw invalid()
    rest = rest.slice(number[0].length)
    const unit = /^[^.\d]*/.exec(rest)![0]
    if (unit === '') throw new Error(`time: missing unit in duration ${quote(text)}`)
    const size = Object.hasOwn(nanoseconds, unit) ? nanoseconds[unit]! : undefined
    if (size === undefined) throw new Error(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`)
    rest = rest.slice(unit.length)
    total += BigInt(whole || 0) * size + (BigInt(fraction || 0) * size) / 10n ** BigInt(fraction.length)
    if (total > 2n ** 63n) throw invalid()
  }
  if (total === 2n ** 63n && !negative) throw invalid()
  return Number(negative ? -total : total) / 1e6
}

/** Go's Duration.String for a number of milliseconds: `1h0m0s`, `1.5s`, `200ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const total = Math.round(Math.abs(milliseconds) * 1e6)
  if (total === 0) return '0s'
  const sign = milliseconds < 0 ? '-' : ''
  if (total < 1e3) return `${sign}${total}ns`
  if (total < 1e6) return `${sign}${total / 1e3}µs`
  if (total < 1e9) return `${sign}${total / 1e6}ms`
  const minutes = Math.floor(total / 60e9)
  const seconds = `${(total - minutes * 60e9) / 1e9}s`
  if (minutes === 0) return `${sign}${seconds}`
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60}m${seconds}`
}

/**
 * The first record of a text in Go's encoding/csv form: fields split at commas, `"…"` around a field that holds commas.
 * @throws Error with Go's text
 */
export function parseCsv(text: string): string[] {
  if (text === '') return []
  const lines = text.split(/(?<=\n)/).map((line) => line.replace(/\r\n$/, '\n'))
  let at = lines.findIndex((line) => line !== '\n')
  if (at < 0) throw new Error('EOF')
  const start = at
  const fail = (line: number, column: number, what: string): Error =>
    new Error(
      `${line === start ? '' : `record on line ${start + 1}; `}parse error on line ${line + 1}, column ${column}: ${what}`,
    )
  const fields: string[] = []
  let line = lines[at]!
  for (let from = 0; ; ) {
    if (line[from] !== '"') {
      const comma = line.indexOf(',', from)
      const field = comma < 0 ? line.slice(from).replace(/\n$/, '') : line.slice(from, comma)
      const bare = field.indexOf('"')
      if (bare >= 0) throw fail(at, from + bare + 1, 'bare " in non-quoted-field')
      fields.push(field)
      if (comma < 0) return fields
      from = comma + 1
      continue
    }
    let field = ''
    for (from++; ; ) {
      const end = line.indexOf('"', from)
      if (end < 0) {
        field += line.slice(from)
        if (at + 1 >= lines.length) throw fail(at, line.length + 1, 'extraneous or missing " in quoted-field')
        line = lines[++at]!
        from = 0
        continue
      }
      field += line.slice(from, end)
      from = end + 1
      if (line[from] !== '"') break
      field += '"'
      from++
    }
    fields.push(field)
    if (from >= line.length || line[from] === '\n') return fields
    if (line[from] !== ',') throw fail(at, from, 'extraneous or missing " in quoted-field')
    from++
  }
}

/** The fields joined as encoding/csv writes one record. */
export function formatCsv(fields: readonly string[]): string {
  return fields.map((field) => (/^[ \t]|[",\r\n]|^\\\.$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')
}

const literal = /^[+-]?(0x_?[\da-f]+(_[\da-f]+)*|0b_?[01]+(_[01]+)*|0o_?[0-7]+(_[0-7]+)*|0(_?[0-7]+)*|[1-9]\d*(_\d+)*)$/i

function integerLiteral(text: string, fn: string): bigint {
  if (!literal.test(text)) throw numberError(fn, text, 'invalid syntax')
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '').toLowerCase()
  const value = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return text.startsWith('-') ? -value : value
}

const numberError = (fn: string, text: string, what: string): Error => new Error(`strconv.${fn}: parsing ${quote(text)}: ${what}`)

import { goQuote } from '../../machinery/go-text.ts'
import { EvaluationError } from '../errors.ts'
import { formatDouble } from '../numbers.ts'
import { type Kind, runtimeName, Type } from '../types.ts'
import { Duration, MapValue, Timestamp, typeOf, Uint, type Value } from '../values.ts'
import { textOf } from './standard.ts'

const nameOf = (value: Value): string => runtimeName(typeOf(value))

/** As many digits as doubles get that are asked for none. */
const PRECISION = 6

/**
 * `'%s is %d'.format([a, b])`
 *
 * @throws EvaluationError in the reference's words
 */
export function formatString(text: string, args: readonly Value[]): string {
  return walk(text, args, (clause, value, precision) => CLAUSES[clause]!(value, precision)).result
}

/** @param format prints one argument for a clause's letter */
function walk<T>(
  text: string,
  args: readonly T[],
  format: (clause: string, value: T, precision: number, index: number) => string,
): { result: string; used: number } {
  let result = ''
  let next = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      result += text[i]
      continue
    }
    if (text[i + 1] === '%') {
      result += '%'
      i++
      continue
    }
    if (i + 1 === text.length) throw new EvaluationError('unexpected end of string')
    const clause = /^%(?:\.([0-9]*))?(.)?/su.exec(text.slice(i))!
    const letter = clause[2] ?? ''
    const precision = clause[1] === undefined ? PRECISION : Number(clause[1])
    if (clause[1] === '')
      throw new EvaluationError(
        'could not parse formatting clause: error while parsing precision: could not find end of precision specifier',
      )
    if (!Object.hasOwn(CLAUSES, letter))
      throw new EvaluationError(`could not parse formatting clause: unrecognized formatting clause ${goQuote(letter)}`)
    const value = args[next]
    if (value === undefined) throw new EvaluationError(`index ${next} out of range`)
    result += format(letter, value, precision, next)
    next++
    i += clause[0].length - 1
  }
  return { result, used: next }
}

/** The types that clauses take, and what is said of others. */
const TAKES: Readonly<Record<string, readonly [kinds: readonly Kind[], message: string]>> = {
  d: [['int', 'uint'], 'decimal clause can only be used on integers, was given'],
  f: [['double'], 'fixed-point clause can only be used on doubles, was given'],
  e: [['double'], 'scientific clause can only be used on doubles, was given'],
  b: [['int', 'uint', 'bool'], 'only integers and bools can be formatted as binary, was given'],
  o: [['int', 'uint'], 'octal clause can only be used on integers, was given'],
  x: [['int', 'uint', 'bytes', 'string'], 'only integers, byte buffers, and strings can be formatted as hex, was given'],
  X: [['int', 'uint', 'bytes', 'string'], 'only integers, byte buffers, and strings can be formatted as hex, was given'],
}

/** What is wrong with a format for arguments of some types, and which argument it is about if it is about one. */
export function formatProblem(text: string, types: readonly Type[]): { message: string; argument?: number } | undefined {
  let argument: number | undefined
  try {
    const { used } = walk(text, types, (clause, type, _, index) => {
      argument = index
      const takes = TAKES[clause]
      if (takes && type.kind !== 'dyn' && !takes[0].includes(type.kind)) throw wrong(`${takes[1]} ${runtimeName(type)}`)
      argument = undefined
      return ''
    })
    if (used >= types.length) return undefined
    return { message: `too many arguments supplied to string.format (expected ${used}, got ${types.length})` }
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    return { message: error.message, ...(argument === undefined ? {} : { argument }) }
  }
}

const wrong = (message: string): EvaluationError => new EvaluationError(`error during formatting: ${message}`)

const CLAUSES: Readonly<Record<string, (value: Value, precision: number) => string>> = {
  s: string,
  d: decimal,
  f: (value, precision) => fixed(value, precision),
  e: (value, precision) => scientific(value, precision),
  b: binary,
  o: (value) => radix(value, 8, 'octal clause can only be used on integers, was given'),
  x: (value) => hex(value),
  X: (value) => hex(value).toUpperCase(),
}

function string(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return formatDouble(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (value instanceof Uint) return String(value.value)
  if (value instanceof Timestamp || value instanceof Duration) return textOf(value)
  if (value instanceof Type) return runtimeName(value)
  if (value instanceof MapValue) return map(value)
  throw wrong(
    `string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${nameOf(value)}`,
  )
}

function map(value: MapValue): string {
  const entries = value.keys().map((key) => [literal(key), literal(value.get(key)!)] as const)
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([key, item]) => `${key}:${item}`).join(', ')}}`
}

/** A value inside a list or a map, as an expression would write it. */
function literal(value: Value): string {
  if (typeof value === 'string') return goQuote(value)
  if (value instanceof Uint8Array) return `b${goQuote(Buffer.from(value).toString())}`
  if (value instanceof Timestamp) return `timestamp(${goQuote(textOf(value))})`
  if (value instanceof Duration) return `duration(${goQuote(textOf(value))})`
  if (typeof value === 'number') return Number.isFinite(value) ? value.toFixed(PRECISION) : goQuote(formatDouble(value))
  return string(value)
}

// Fixed-point and scientific clauses print as people write numbers in English, not as programs do.
const special = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '\u221e' : '-\u221e')

function decimal(value: Value): string {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint) return String(value.value)
  throw wrong(`decimal clause can only be used on integers, was given ${nameOf(value)}`)
}

function double(value: Value, clause: string): number {
  if (typeof value === 'number') return value
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Number.POSITIVE_INFINITY
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY
  throw wrong(`${clause} clause can only be used on doubles, was given ${nameOf(value)}`)
}

function fixed(value: Value, precision: number): string {
  const number = double(value, 'fixed-point')
  if (!Number.isFinite(number)) return special(number)
  const [whole, fraction] = number.toFixed(Math.min(precision, 100)).split('.') as [string, string?]
  const grouped = whole.replace(/(?<=[0-9])(?=(?:[0-9]{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

function scientific(value: Value, precision: number): string {
  const number = double(value, 'scientific')
  if (!Number.isFinite(number)) return special(number)
  const [mantissa, exponent] = number.toExponential(Math.min(precision, 100)).split('e') as [string, string]
  const digits = exponent
    .slice(1)
    .padStart(2, '0')
    .replace(/[0-9]/g, (digit) => SUPERSCRIPTS[Number(digit)]!)
  return `${mantissa}\u00d710${exponent.startsWith('-') ? '\u207b' : ''}${digits}`
}

const SUPERSCRIPTS = '\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079'

function radix(value: Value, base: number, message: string): string {
  if (typeof value === 'bigint') return value.toString(base)
  if (value instanceof Uint) return value.value.toString(base)
  throw wrong(`${message} ${nameOf(value)}`)
}

function binary(value: Value): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  return radix(value, 2, 'only integers and bools can be formatted as binary, was given')
}

function hex(value: Value): string {
  if (typeof value === 'string' || value instanceof Uint8Array) return Buffer.from(value as string).toString('hex')
  return radix(value, 16, 'only integers, byte buffers, and strings can be formatted as hex, was given')
}

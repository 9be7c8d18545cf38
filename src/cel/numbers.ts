import { conversionError, EvaluationError } from './errors.ts'
import { type Numeric, Uint, type Value } from './values.ts'

const MIN_INT = -(2n ** 63n)
const MAX_INT = 2n ** 63n - 1n
const MAX_UINT = 2n ** 64n - 1n

/** @throws EvaluationError when the number doesn't fit 64 bits */
export function int(value: bigint): bigint {
  if (value > MAX_INT || value < MIN_INT) throw new EvaluationError('integer overflow')
  return value
}

/** @throws EvaluationError when the number is negative or doesn't fit 64 bits */
export function uint(value: bigint): Uint {
  if (value > MAX_UINT || value < 0n) throw new EvaluationError('unsigned integer overflow')
  return new Uint(value)
}

export function toInt(value: Numeric): bigint {
  if (typeof value === 'bigint') return value
  if (value instanceof Uint) return int(value.value)
  if (!Number.isFinite(value) || value >= 2 ** 63 || value <= -(2 ** 63)) throw new EvaluationError('integer overflow')
  return BigInt(Math.trunc(value))
}

export function toUint(value: Numeric): Uint {
  if (value instanceof Uint) return value
  if (typeof value === 'bigint') return uint(value)
  if (!Number.isFinite(value) || value < 0 || value >= 2 ** 64) throw new EvaluationError('unsigned integer overflow')
  return new Uint(BigInt(Math.trunc(value)))
}

/** @throws EvaluationError when the text is no number */
export function parseInt64(text: string): bigint {
  const value = /^[-+]?[0-9]+$/.test(text) && text.length < 100 ? BigInt(text.replace(/^\+/, '')) : undefined
  if (value === undefined || value > MAX_INT || value < MIN_INT) throw conversionError('string', 'int')
  return value
}

export function parseUint64(text: string): Uint {
  const value = /^[0-9]+$/.test(text) && text.length < 100 ? BigInt(text) : undefined
  if (value === undefined || value > MAX_UINT) throw conversionError('string', 'uint')
  return new Uint(value)
}

export function parseDouble(text: string): number {
  const named = /^([-+]?)(?:inf|infinity|(nan))$/i.exec(text)
  if (named) return named[2] ? Number.NaN : named[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (!/^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/.test(text)) throw conversionError('string', 'double')
  const value = Number(text)
  if (!Number.isFinite(value)) throw conversionError('string', 'double')
  return value
}

/** Prints a double as Go does with the fewest digits that tell it apart. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  if (value === 0) return '0'
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < 6) return plainDouble(value)
  const sign = power < 0 ? '-' : '+'
  return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, '0')}`
}

/** Without an exponent. */
export function plainDouble(value: number): string {
  const text = String(value)
  if (!text.includes('e')) return text
  const [mantissa, exponent] = text.split('e') as [string, string]
  const negative = mantissa.startsWith('-')
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?]
  const point = whole.length + Number(exponent)
  const digits = whole + fraction
  const plain =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : `${digits.padEnd(point, '0').slice(0, point)}${digits.slice(point) ? `.${digits.slice(point)}` : ''}`
  return negative ? `-${plain}` : plain
}

/** The index that a value means in a list of a length. @throws EvaluationError */
export function index(value: Value, length: number): number {
  const number = value instanceof Uint ? value.value : value
  if (typeof number !== 'bigint' && !(typeof number === 'number' && Number.isInteger(number)))
    throw new EvaluationError(`unsupported index type '${typeof number === 'number' ? 'double' : 'string'}' in list`)
  if (number < 0 || number >= length) throw new EvaluationError(`index out of bounds: ${number}`)
  return Number(number)
}

import type { Json } from './json.ts'

/** How a quantity prints: `12M`, `12Mi` or `12e6`. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const SUFFIX_WRONG = "unable to parse quantity's suffix"
const NUMBER_WRONG = 'unable to parse numeric part of quantity'

/** A text that is no quantity, in the reference's words. */
export class QuantityError extends Error {
  override name = 'QuantityError'
}

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
const NANO = -9

const DECIMAL_EXPONENTS: ReadonlyMap<string, number> = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
])
const DECIMAL_SUFFIXES: ReadonlyMap<number, string> = new Map([...DECIMAL_EXPONENTS].map(([s, e]) => [e, s]))
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/**
 * A fixed-point number with a suffix (`500m`, `1Gi`, `1e3`); never changes. Its text is what the reference would write.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export class Quantity {
  /** The value is `mantissa * 10 ** exponent`. */
  readonly mantissa: bigint
  readonly exponent: number
  readonly format: QuantityFormat
  #text: string | undefined

  /** @param text when it is known already */
  constructor(mantissa: bigint, exponent: number, format: QuantityFormat, text?: string) {
    this.mantissa = mantissa
    this.exponent = exponent
    this.format = format
    this.#text = text
  }

  static of(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), 0, format)
  }

  static ofMilli(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value), -3, format)
  }

  /** -1, 0 or 1 */
  get sign(): number {
    return this.mantissa > 0n ? 1 : this.mantissa < 0n ? -1 : 0
  }

  get isZero(): boolean {
    return this.mantissa === 0n
  }

  /** -1, 0 or 1 */
  compare(other: Quantity): number {
    if (this.sign !== other.sign) return this.sign < other.sign ? -1 : 1
    if (this.isZero) return 0
    if (Math.abs(this.exponent - other.exponent) > FEW_ZEROS) {
      // Far apart exponents decide without writing out their zeros.
      const size = magnitude(this) - magnitude(other)
      if (Math.abs(size) > 1) return size > 0 === this.sign > 0 ? 1 : -1
    }
    const [a, b] = aligned(this, other)
    return a < b ? -1 : a > b ? 1 : 0
  }

  equals(other: Quantity): boolean {
    return this.compare(other) === 0
  }

  /** The sum, in this quantity's format (the other's when this is zero). */
  add(other: Quantity): Quantity {
    const format = this.isZero ? other.format : this.format
    if (this.isZero) return new Quantity(other.mantissa, other.exponent, format)
    if (other.isZero) return new Quantity(this.mantissa, this.exponent, format)
    const [a, b, exponent] = aligned(this, other)
    return new Quantity(a + b, exponent, format)
  }

  /** The difference, in this quantity's format (the other's when this is zero). */
  sub(other: Quantity): Quantity {
    return this.add(other.neg())
  }

  neg(): Quantity {
    return new Quantity(-this.mantissa, this.exponent, this.format)
  }

  /** In whole units, rounded away from zero, within 64 bits. */
  value(): bigint {
    return clamp(scaled(this, 0).result)
  }

  /** In thousandths, rounded away from zero, within 64 bits. */
  milliValue(): bigint {
    return clamp(scaled(this, -3).result)
  }

  /** The nearest floating-point number. */
  toNumber(): number {
    return Number(`${this.mantissa}e${this.exponent}`)
  }

  /** The canonical text. */
  toString(): string {
    return (this.#text ??= print(this))
  }

  toJSON(): string {
    return this.toString()
  }
}

export const ZERO_QUANTITY: Quantity = new Quantity(0n, 0, 'DecimalSI', '0')

/** Texts that are canonical as they stand but for a factor that the suffix could take; nearly all that occur. */
const PLAIN = /^[1-9][0-9]{0,5}(?:[numkMGTPE]|[KMGT]i)?$/

/**
 * The text under which the reference stores a quantity: fast for those that are canonical already.
 *
 * @throws QuantityError
 */
export function canonicalQuantity(value: Json): string {
  if (typeof value === 'string' && PLAIN.test(value)) {
    const number = Number.parseInt(value, 10)
    if (value.endsWith('i') ? number % 1024 : number % 1000) return value
  }
  return quantityFromJson(value).toString()
}

/**
 * The quantity in a field's value: a text, or a number.
 *
 * @throws QuantityError
 */
export function quantityFromJson(value: Json | undefined): Quantity {
  if (value === null || value === undefined) return ZERO_QUANTITY
  if (typeof value === 'string') return parseQuantity(value.trim())
  if (typeof value === 'number' || typeof value === 'bigint') return parseQuantity(String(value))
  throw new QuantityError(FORMAT_WRONG)
}

/** The quantities of a cluster are few, and each is parsed many times. */
const parsed = new Map<string, Quantity>()
const MOST_PARSED = 1024
const LONGEST_KEPT = 32

/**
 * @param text without space around it
 * @throws QuantityError
 */
export function parseQuantity(text: string): Quantity {
  let quantity = parsed.get(text)
  if (quantity) return quantity
  quantity = parse(text)
  if (text.length <= LONGEST_KEPT) {
    if (parsed.size >= MOST_PARSED) parsed.clear()
    parsed.set(text, quantity)
  }
  return quantity
}

function parse(text: string): Quantity {
  if (text === '0') return ZERO_QUANTITY
  if (text === '') throw new QuantityError(FORMAT_WRONG)
  // Nobody means so many digits, and computing with millions of them takes seconds.
  if (text.length > MANY) throw new QuantityError(NUMBER_WRONG)
  const match = /^([-+]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text)
  if (!match) throw new QuantityError(FORMAT_WRONG)
  const negative = match[1] === '-'
  const whole = match[2] || '0'
  const fraction = match[3] ?? ''
  const suffix = suffixOf(match[4]!)
  const digits = whole + fraction
  const shift = suffix.binary ? 0 : suffix.exponent
  const exponent = shift - fraction.length
  const number = BigInt(digits)

  if (fitsInt64(digits, fraction, suffix) && exponent >= NANO) {
    if (number > MAX_INT64) throw new QuantityError(NUMBER_WRONG)
    const mantissa = suffix.binary ? number << BigInt(suffix.exponent) : number
    if (mantissa <= MAX_INT64) {
      const signed = negative ? -mantissa : mantissa
      const asIs = suffix.binary ? number % 8n !== 0n : exponent % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0'
      return new Quantity(signed, exponent, suffix.format, asIs ? text : undefined)
    }
  }
  return exact(number, exponent, negative, suffix)
}

interface Suffix {
  format: QuantityFormat
  binary: boolean
  /** Of 2 when binary, of 10 otherwise. */
  exponent: number
}

function suffixOf(text: string): Suffix {
  const decimal = DECIMAL_EXPONENTS.get(text)
  if (decimal !== undefined) return { format: 'DecimalSI', binary: false, exponent: decimal }
  const binary = BINARY_SUFFIXES.indexOf(text)
  if (binary > 0) return { format: 'BinarySI', binary: true, exponent: binary * 10 }
  if (!/^[eE][-+]?[0-9]+$/.test(text)) throw new QuantityError(SUFFIX_WRONG)
  const exponent = BigInt(text[1] === '+' ? text.slice(2) : text.slice(1))
  if (BigInt.asIntN(64, exponent) !== exponent) throw new QuantityError(SUFFIX_WRONG)
  return { format: 'DecimalExponent', binary: false, exponent: Number(BigInt.asIntN(32, exponent)) }
}

/** Whether the reference computes with 64-bit integers; it then keeps some texts as they were written. */
function fitsInt64(digits: string, fraction: string, suffix: Suffix): boolean {
  if (!suffix.binary) return digits.length <= 19
  return fraction === '' && 15 - digits.length - Math.trunc((suffix.exponent * 3) / 10) - 1 >= 0
}

/** For numbers beyond 64 bits, binary fractions and parts smaller than a billionth, which round up. */
function exact(number: bigint, exponent: number, negative: boolean, suffix: Suffix): Quantity {
  let value = new Quantity(suffix.binary ? number << BigInt(suffix.exponent) : number, exponent, suffix.format)
  if (value.exponent < NANO) value = new Quantity(scaled(value, NANO).result, NANO, value.format)
  if (suffix.binary) {
    const largest = new Quantity(MAX_INT64, 0, 'BinarySI')
    if (value.compare(largest) > 0) value = largest
    if (value.sign > 0 && value.compare(Quantity.of(1)) < 0) value = new Quantity(value.mantissa, value.exponent, 'DecimalSI')
  }
  return negative ? value.neg() : value
}

function print(quantity: Quantity): string {
  if (quantity.isZero) return '0'
  if (quantity.format === 'BinarySI' && quantity.compare(KIBI) * quantity.compare(MINUS_KIBI) >= 0) {
    const whole = scaled(quantity, 0)
    if (whole.exact) return printBinary(whole.result)
  }
  // By its text, since dividing takes far too long for a million zeros.
  const digits = quantity.mantissa.toString()
  const significant = digits.replace(/0+$/, '')
  const exponent = quantity.exponent + digits.length - significant.length
  const zeros = ((exponent % 3) + 3) % 3
  const number = significant + '0'.repeat(zeros)
  if (quantity.format !== 'DecimalExponent') return `${number}${DECIMAL_SUFFIXES.get(exponent - zeros) ?? ''}`
  return exponent === zeros ? number : `${number}e${exponent - zeros}`
}

function printBinary(value: bigint): string {
  let rest = value
  let times = 0
  while (rest % 1024n === 0n) {
    rest /= 1024n
    times++
  }
  return `${rest}${BINARY_SUFFIXES[times] ?? ''}`
}

const KIBI = Quantity.of(1024)
const MINUS_KIBI = Quantity.of(-1024)

/** The power of ten just above the value. */
function magnitude(quantity: Quantity): number {
  const digits = quantity.mantissa.toString().length
  return digits - (quantity.mantissa < 0n ? 1 : 0) + quantity.exponent
}

/** Both mantissas at the smaller exponent. */
function aligned(a: Quantity, b: Quantity): [bigint, bigint, number] {
  const exponent = Math.min(a.exponent, b.exponent)
  return [withZeros(a.mantissa, a.exponent - exponent), withZeros(b.mantissa, b.exponent - exponent), exponent]
}

const withZeros = (mantissa: bigint, zeros: number): bigint => (zeros ? mantissa * pow10(zeros) : mantissa)

/** The value in units of 10 ** exponent, rounded away from zero. */
function scaled(quantity: Quantity, exponent: number): { result: bigint; exact: boolean } {
  const { mantissa } = quantity
  if (mantissa === 0n) return { result: 0n, exact: true }
  const shift = quantity.exponent - exponent
  if (shift >= 0) return { result: mantissa * pow10(shift), exact: true }
  const away = mantissa < 0n ? -1n : 1n
  // Below the unit whatever the digits are: don't write out a power that may have a billion zeros.
  if (magnitude(quantity) <= exponent) return { result: away, exact: false }
  const unit = pow10(-shift)
  const result = mantissa / unit
  return mantissa % unit === 0n ? { result, exact: true } : { result: result + away, exact: false }
}

/** From the smallest to the largest suffix: powers that are asked for all the time. */
const FEW_ZEROS = 27
const POWERS = Array.from({ length: FEW_ZEROS + 1 }, (_, exponent) => 10n ** BigInt(exponent))

/** More zeros than any sum of quantities can mean, and few enough to write out. */
const MANY = 10_000

function pow10(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(Math.min(exponent, MANY))
}

function clamp(value: bigint): bigint {
  return value > MAX_INT64 ? MAX_INT64 : value < MIN_INT64 ? MIN_INT64 : value
}

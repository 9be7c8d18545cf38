import { goTimeQuote } from './go-text.ts'

/** A text that is no time, in Go's words. */
export class TimeError extends Error {
  override name = 'TimeError'
}

const LAYOUT = '2006-01-02T15:04:05Z07:00'
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00'

/** Where objects have no time. */
const ZERO_TIME = '0001-01-01T00:00:00Z'

/** A time as it's usually written, all digits in place. */
const USUAL = /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$/

/**
 * Reads RFC 3339 as the reference does.
 *
 * @returns milliseconds since 1970, without their fraction
 * @throws TimeError
 */
export function parseTime(text: string): number {
  if (USUAL.test(text)) return Date.parse(text)
  const { seconds, nanoseconds } = new TimeReader(text, LAYOUT).read(false)
  return seconds * 1000 + Math.floor(nanoseconds / 1e6)
}

/**
 * A Time field's text as the reference stores it: UTC, whole seconds; null for no time.
 *
 * @throws TimeError
 */
export function canonicalTime(text: string): string | null {
  const canonical = USUAL.test(text) ? text : formatTime(new TimeReader(text, LAYOUT).read(false).seconds * 1000)
  return canonical === ZERO_TIME ? null : canonical
}

/**
 * A MicroTime field's text as the reference stores it: UTC, six decimals; null for no time.
 *
 * @throws TimeError
 */
export function canonicalMicroTime(text: string): string | null {
  const { seconds, nanoseconds } = new TimeReader(text, MICRO_LAYOUT).read(true)
  const whole = formatTime(seconds * 1000)
  if (whole === ZERO_TIME && nanoseconds === 0) return null
  return withMicroseconds(whole, Math.floor(nanoseconds / 1000))
}

/** @param ms since 1970 */
export function formatTime(ms: number): string {
  const date = new Date(Math.floor(ms / 1000) * 1000)
  const year = date.getUTCFullYear()
  // Beyond four digits ISO strings look different.
  if (year < 0 || year > 9999) return `${year}${date.toISOString().slice(7, -5)}Z`
  return `${date.toISOString().slice(0, -5)}Z`
}

/** @param ms since 1970; microseconds are its fraction */
export function formatMicroTime(ms: number): string {
  const micros = Math.floor((ms - Math.floor(ms / 1000) * 1000) * 1000)
  return withMicroseconds(formatTime(ms), micros)
}

const withMicroseconds = (whole: string, micros: number): string => `${whole.slice(0, -1)}.${String(micros).padStart(6, '0')}Z`

/** Reads one time; Go names in its errors the part of the layout that didn't fit. */
class TimeReader {
  readonly #text: string
  readonly #layout: string
  #rest: string

  constructor(text: string, layout: string) {
    this.#text = text
    this.#layout = layout
    this.#rest = text
  }

  read(micro: boolean): { seconds: number; nanoseconds: number } {
    const year = this.#digits('2006', 4, 4)
    this.#skip('-')
    const month = this.#number('01', 'month', 1, 12)
    this.#skip('-')
    const day = this.#digits('02', 2, 2)
    this.#skip('T')
    const hour = this.#number('15', 'hour', 0, 23, 1)
    this.#skip(':')
    const minute = this.#number('04', 'minute', 0, 59)
    this.#skip(':')
    const second = this.#number('05', 'second', 0, 59)
    const nanoseconds = this.#fraction(micro)
    const offset = this.#offset()
    if (this.#rest !== '') throw this.#error(`: extra text: ${goTimeQuote(this.#rest)}`)
    const lastDay = new Date(0)
    lastDay.setUTCFullYear(year, month, 0)
    if (day < 1 || day > lastDay.getUTCDate()) throw this.#error(': day out of range')
    const date = new Date(0)
    date.setUTCFullYear(year, month - 1, day)
    date.setUTCHours(hour, minute, second)
    return { seconds: date.getTime() / 1000 - offset, nanoseconds }
  }

  #skip(separator: string): void {
    if (!this.#rest.startsWith(separator)) throw this.#mismatch(separator)
    this.#rest = this.#rest.slice(1)
  }

  #digits(element: string, fewest: number, most: number): number {
    const match = new RegExp(`^[0-9]{${fewest},${most}}`).exec(this.#rest)
    if (!match) throw this.#mismatch(element)
    this.#rest = this.#rest.slice(match[0].length)
    return Number(match[0])
  }

  #number(element: string, name: string, low: number, high: number, fewestDigits = 2): number {
    const value = this.#digits(element, fewestDigits, 2)
    if (value < low || value > high) throw this.#error(`: ${name} out of range`)
    return value
  }

  /** Six decimals in a MicroTime; any number of them, or none, in a Time. */
  #fraction(micro: boolean): number {
    const match = (micro ? /^[.,]([0-9]{6})/ : /^[.,]([0-9]+)/).exec(this.#rest)
    if (!match) {
      if (micro) throw this.#mismatch('.000000')
      return 0
    }
    this.#rest = this.#rest.slice(match[0].length)
    return Number(match[1]!.slice(0, 9).padEnd(9, '0'))
  }

  /** In seconds. */
  #offset(): number {
    if (this.#rest.startsWith('Z')) {
      this.#rest = this.#rest.slice(1)
      return 0
    }
    const match = /^([-+])([0-9]{2}):([0-9]{2})/.exec(this.#rest)
    if (!match) throw this.#mismatch('Z07:00')
    this.#rest = this.#rest.slice(match[0].length)
    const hours = Number(match[2])
    const minutes = Number(match[3])
    if (hours > 24) throw this.#error(': time zone offset hour out of range')
    if (minutes > 60) throw this.#error(': time zone offset minute out of range')
    const seconds = (hours * 60 + minutes) * 60
    return match[1] === '-' ? -seconds : seconds
  }

  #mismatch(element: string): TimeError {
    const [rest, wanted, layout] = [this.#rest, element, this.#layout].map(goTimeQuote)
    return this.#error(` as ${layout}: cannot parse ${rest} as ${wanted}`)
  }

  #error(message: string): TimeError {
    return new TimeError(`parsing time ${goTimeQuote(this.#text)}${message}`)
  }
}

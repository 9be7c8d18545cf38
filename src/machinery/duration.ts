import { goTimeQuote } from './go-text.ts'

/** A text that is no duration, in Go's words. */
export class DurationError extends Error {
  override name = 'DurationError'
}

const MICROSECOND = 1000n
const MILLISECOND = 1000n * MICROSECOND
const SECOND = 1000n * MILLISECOND
const MINUTE = 60n * SECOND
const HOUR = 60n * MINUTE
const MAX = 2n ** 63n

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', MICROSECOND],
  ['\u00b5s', MICROSECOND],
  ['\u03bcs', MICROSECOND],
  ['ms', MILLISECOND],
  ['s', SECOND],
  ['m', MINUTE],
  ['h', HOUR],
])

/**
 * Reads a duration as Go's time.ParseDuration does: `1h30m`, `1.5s`, `-2ms`, `0`.
 *
 * @returns nanoseconds
 * @throws DurationError
 */
export function parseDuration(text: string): bigint {
  const wrong = (): DurationError => new DurationError(`time: invalid duration ${goTimeQuote(text)}`)
  const negative = text.startsWith('-')
  let rest = negative || text.startsWith('+') ? text.slice(1) : text
  if (rest === '0') return 0n
  if (rest === '') throw wrong()
  let total = 0n
  while (rest !== '') {
    const number = /^([0-9]*)(?:\.([0-9]*))?/.exec(rest)!
    const whole = number[1]!
    const fraction = number[2] ?? ''
    if (whole === '' && fraction === '') throw wrong()
    rest = rest.slice(number[0].length)
    const name = /^[^.0-9]*/.exec(rest)![0]
    if (name === '') throw new DurationError(`time: missing unit in duration ${goTimeQuote(text)}`)
    const unit = UNITS.get(name)
    if (!unit) throw new DurationError(`time: unknown unit ${goTimeQuote(name)} in duration ${goTimeQuote(text)}`)
    rest = rest.slice(name.length)
    // Longer ones are out of range anyway, and slow to read.
    if (whole.length > 100) throw wrong()
    // Digits beyond a quintillionth can't reach a nanosecond of an hour.
    const digits = fraction.slice(0, 18)
    total += BigInt(whole || '0') * unit + (BigInt(digits || '0') * unit) / 10n ** BigInt(digits.length)
    if (total > MAX) throw wrong()
  }
  if (negative) return -total
  if (total === MAX) throw wrong()
  return total
}

/** As `parseDuration`, in milliseconds (with a fraction). */
export function parseDurationMs(text: string): number {
  return Number(parseDuration(text)) / 1e6
}

/**
 * Prints a duration as Go does: `1h0m0s`, `1.5s`, `100ms`, `0s`.
 *
 * @param nanoseconds
 */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  if (nanoseconds < 0n) return `-${formatDuration(-nanoseconds)}`
  if (nanoseconds < MICROSECOND) return `${nanoseconds}ns`
  if (nanoseconds < MILLISECOND) return `${decimal(nanoseconds, MICROSECOND)}\u00b5s`
  if (nanoseconds < SECOND) return `${decimal(nanoseconds, MILLISECOND)}ms`
  const seconds = `${decimal(nanoseconds % MINUTE, SECOND)}s`
  if (nanoseconds < MINUTE) return seconds
  const minutes = `${(nanoseconds % HOUR) / MINUTE}m${seconds}`
  return nanoseconds < HOUR ? minutes : `${nanoseconds / HOUR}h${minutes}`
}

function decimal(value: bigint, unit: bigint): string {
  const places = unit.toString().length - 1
  const fraction = (value % unit).toString().padStart(places, '0').replace(/0+$/, '')
  return fraction ? `${value / unit}.${fraction}` : `${value / unit}`
}

const HOURS_OF_DAY = 24
const DAYS_OF_YEAR = 365

/**
 * Two or three significant figures, as tables show ages: `90s`, `5m30s`, `3d4h`, `2y10d`.
 *
 * @param ms may be a little negative, since clocks differ
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / HOURS_OF_DAY)
  if (days < 8) return pair(days, 'd', hours % HOURS_OF_DAY, 'h')
  if (days < 2 * DAYS_OF_YEAR) return `${days}d`
  const years = Math.trunc(days / DAYS_OF_YEAR)
  return years < 8 ? pair(years, 'y', days % DAYS_OF_YEAR, 'd') : `${years}y`
}

/** One figure only: `5m`, `3d`, `2y`. */
export function shortHumanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 60) return `${seconds}s`
  const hours = Math.trunc(seconds / 3600)
  if (hours < 1) return `${Math.trunc(seconds / 60)}m`
  const days = Math.trunc(hours / HOURS_OF_DAY)
  if (days < 1) return `${hours}h`
  return days < DAYS_OF_YEAR ? `${days}d` : `${Math.trunc(days / DAYS_OF_YEAR)}y`
}

const pair = (first: number, firstUnit: string, second: number, secondUnit: string): string =>
  second ? `${first}${firstUnit}${second}${secondUnit}` : `${first}${firstUnit}`

import { parseTime, TimeError } from '../machinery/time.ts'

const SECOND = 1_000_000_000n

/** Years 1 to 9999, as far as a timestamp reaches. */
export const MIN_TIMESTAMP = -62135596800n * SECOND
export const MAX_TIMESTAMP = 253402300799n * SECOND + SECOND - 1n

/** Reads RFC 3339. @returns nanoseconds since 1970; undefined for what is no time */
export function parseTimestamp(text: string): bigint | undefined {
  try {
    const seconds = BigInt(Math.floor(parseTime(text) / 1000))
    const fraction = /[.,]([0-9]+)/.exec(text)?.[1] ?? ''
    return seconds * SECOND + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  } catch (error) {
    if (error instanceof TimeError) return undefined
    throw error
  }
}

/** RFC 3339 in UTC, with as many decimals as needed. */
export function formatTimestamp(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % SECOND) + SECOND) % SECOND
  const date = new Date(Number((nanoseconds - fraction) / 1_000_000n))
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  const decimals = fraction ? `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}` : ''
  return `${year}${date
    .toISOString()
    .replace(/^[+-]?[0-9]+/, '')
    .slice(0, -5)}${decimals}Z`
}

/** What a clock on the wall shows. */
export interface WallTime {
  year: number
  /** From 0. */
  month: number
  day: number
  /** From 0, from the first of January. */
  dayOfYear: number
  /** From 0 for Sunday. */
  weekday: number
  hour: number
  minute: number
  second: number
  millisecond: number
}

/**
 * A time in a zone: UTC when there is none, a name of the time zone database, or an offset such as `-08:00`.
 *
 * @returns undefined when there is no such zone
 */
export function wallTime(nanoseconds: bigint, zone = ''): WallTime | undefined {
  const fraction = ((nanoseconds % SECOND) + SECOND) % SECOND
  const ms = Number((nanoseconds - fraction) / 1_000_000n)
  const offset = offsetOf(zone, ms)
  if (offset === undefined) return undefined
  const date = new Date(ms + offset)
  const start = new Date(0)
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    dayOfYear: Math.floor((date.getTime() - start.getTime()) / 86_400_000),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: Number(fraction / 1_000_000n),
  }
}

/** In ms. */
function offsetOf(zone: string, ms: number): number | undefined {
  if (zone === '' || zone === 'UTC') return 0
  const match = /^([-+]?)([0-9]{1,2}):([0-9]{2})$/.exec(zone)
  if (match) return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60_000
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      timeZoneName: 'longOffset',
      hourCycle: 'h23',
    }).formatToParts(ms)
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const offset = /GMT([-+])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?/.exec(name)
    if (!offset) return 0
    const seconds = Number(offset[2]) * 3600 + Number(offset[3]) * 60 + Number(offset[4] ?? 0)
    return (offset[1] === '-' ? -1 : 1) * seconds * 1000
  } catch {
    return undefined
  }
}

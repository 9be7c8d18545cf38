import { parseDuration } from '../../machinery/duration.ts'
import { goQuote } from '../../machinery/go-text.ts'

interface Bounds {
  min: number
  max: number
  names?: readonly string[]
}

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
]
const DESCRIPTORS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']
const EVERY = '@every '

class ScheduleError extends Error {
  override name = 'ScheduleError'
}

/** @returns what is wrong with a schedule, in the words of the library that reads it in the reference */
export function scheduleError(schedule: string): string | undefined {
  try {
    check(schedule)
    return undefined
  } catch (error) {
    if (error instanceof ScheduleError) return error.message
    throw error
  }
}

function check(schedule: string): void {
  if (!schedule) throw new ScheduleError('empty spec string')
  const zone = /^(?:CRON_)?TZ=([^ ]*) (.*)$/s.exec(schedule)
  if (zone && !isTimeZone(zone[1]!)) {
    throw new ScheduleError(`provided bad location ${zone[1]}: unknown time zone ${zone[1]}`)
  }
  const text = zone ? zone[2]!.trim() : schedule
  if (text.startsWith('@')) {
    checkDescriptor(text)
    return
  }
  const fields = text.split(/\s+/).filter(Boolean)
  if (fields.length !== FIELDS.length) {
    throw new ScheduleError(`expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(' ')}]`)
  }
  FIELDS.forEach((bounds, i) => {
    for (const range of fields[i]!.split(',')) if (range) checkRange(range, bounds)
  })
}

function checkDescriptor(text: string): void {
  if (DESCRIPTORS.includes(text)) return
  if (!text.startsWith(EVERY)) throw new ScheduleError(`unrecognized descriptor: ${text}`)
  try {
    parseDuration(text.slice(EVERY.length))
  } catch (error) {
    throw new ScheduleError(`failed to parse duration ${text}: ${(error as Error).message}`)
  }
}

/** A range of values, with or without a step. */
function checkRange(text: string, bounds: Bounds): void {
  const [range = '', step, ...moreSteps] = text.split('/')
  const [low = '', high, ...more] = range.split('-')
  let start = bounds.min
  let end = bounds.max
  if (low !== '*' && low !== '?') {
    start = place(low, bounds)
    if (more.length) throw new ScheduleError(`too many hyphens: ${text}`)
    end = high === undefined ? start : place(high, bounds)
  }
  if (moreSteps.length) throw new ScheduleError(`too many slashes: ${text}`)
  const size = step === undefined ? 1 : whole(step)
  if (step !== undefined && high === undefined) end = bounds.max
  if (start < bounds.min) throw new ScheduleError(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`)
  if (end > bounds.max) throw new ScheduleError(`end of range (${end}) above maximum (${bounds.max}): ${text}`)
  if (start > end) throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (size === 0) throw new ScheduleError(`step of range should be a positive number: ${text}`)
}

function place(text: string, { names }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1
  return text && index >= 0 ? index : whole(text)
}

function whole(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    throw new ScheduleError(`failed to parse int from ${text}: strconv.Atoi: parsing ${goQuote(text)}: invalid syntax`)
  }
  const value = Number(text)
  if (value < 0) throw new ScheduleError(`negative number (${value}) not allowed: ${text}`)
  return value
}

/** Whether the time zone database has such a name. */
export function isTimeZone(name: string): boolean {
  // The runtime also takes offsets.
  if (!/^[A-Z][A-Za-z0-9_+/-]*$/.test(name)) return false
  if (name === 'Local') return true
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

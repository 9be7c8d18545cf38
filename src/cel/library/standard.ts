import { DurationError, parseDuration } from '../../machinery/duration.ts'
import { matchesRegex, reading, readsFirst, searches, sizeOf } from '../costs.ts'
import { conversionError, EvaluationError } from '../errors.ts'
import { type CallCost, declare, type Overload } from '../functions.ts'
import { formatDouble, int, parseDouble, parseInt64, parseUint64, plainDouble, toInt, toUint } from '../numbers.ts'
import { regex } from '../regex.ts'
import { formatTimestamp, parseTimestamp, type WallTime, wallTime } from '../times.ts'
import { type Type, typeType } from '../types.ts'
import { characters, Duration, type MapValue, type Numeric, Timestamp, typeOf, type Uint, type Value } from '../values.ts'
import { timestamp } from './operators.ts'

const SECOND = 1_000_000_000n

/** Reads only what it looks for. */
const readsSecond: CallCost = ([first]) => reading(sizeOf(first!))

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new EvaluationError('invalid UTF-8 in bytes, cannot convert to string')
  }
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false])),
}

function toBool(text: string): boolean {
  const value = Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined
  if (value === undefined) throw conversionError('string', 'bool')
  return value
}

function toTimestamp(text: string): Timestamp {
  const nanoseconds = parseTimestamp(text)
  if (nanoseconds === undefined) throw conversionError('string', 'google.protobuf.Timestamp')
  return timestamp(nanoseconds)
}

function toDuration(text: string): Duration {
  try {
    return new Duration(parseDuration(text))
  } catch (error) {
    if (error instanceof DurationError) throw conversionError('string', 'google.protobuf.Duration')
    throw error
  }
}

const same = (value: Value): Value => value

const conversions: Overload[] = [
  ...['bool', 'bytes', 'double', 'duration', 'int', 'string', 'timestamp', 'uint'].map((type) =>
    declare(`${type}(${type}): ${type}`, same),
  ),
  declare('bool(string): bool', toBool),
  declare('bytes(string): bytes', (text: string) => Buffer.from(text), { cost: readsFirst }),
  declare('double(int): double', (value: bigint) => Number(value)),
  declare('double(uint): double', (value: Uint) => Number(value.value)),
  declare('double(string): double', parseDouble),
  declare('duration(string): duration', toDuration),
  declare('duration(int): duration', (value: bigint) => new Duration(int(value))),
  declare('int(double): int', (value: Numeric) => toInt(value)),
  declare('int(uint): int', (value: Numeric) => toInt(value)),
  declare('int(string): int', parseInt64),
  declare('int(timestamp): int', (value: Timestamp) => floorDivide(value.nanoseconds, SECOND)),
  declare('int(duration): int', (value: Duration) => value.nanoseconds),
  declare('uint(double): uint', (value: Numeric) => toUint(value)),
  declare('uint(int): uint', (value: Numeric) => toUint(value)),
  declare('uint(string): uint', parseUint64),
  declare('string(bool): string', String),
  declare('string(bytes): string', decoded, { cost: readsFirst }),
  declare('string(double): string', formatDouble),
  declare('string(int): string', String),
  declare('string(uint): string', (value: Uint) => String(value.value)),
  declare('string(timestamp): string', textOf),
  declare('string(duration): string', textOf),
  declare('timestamp(string): timestamp', toTimestamp),
  declare('timestamp(int): timestamp', (seconds: bigint) => timestamp(seconds * SECOND)),
  declare('dyn(A): dyn', same),
  declare('type(A): type(A)', (value: Value): Type => (typeOf(value).kind === 'type' ? typeType() : typeOf(value))),
]

const floorDivide = (a: bigint, b: bigint): bigint => (a < 0n && a % b !== 0n ? a / b - 1n : a / b)

/** A timestamp or a duration as text. */
export function textOf(value: Timestamp | Duration): string {
  if (value instanceof Timestamp) return formatTimestamp(value.nanoseconds)
  const { nanoseconds } = value
  return `${plainDouble(Number(nanoseconds / SECOND) + Number(nanoseconds % SECOND) / 1e9)}s`
}

/** The fields of a time that expressions can ask for, in UTC or in a zone. */
const FIELDS: Readonly<Record<string, (time: WallTime) => number>> = {
  getFullYear: (time) => time.year,
  getMonth: (time) => time.month,
  getDayOfYear: (time) => time.dayOfYear,
  getDayOfMonth: (time) => time.day - 1,
  getDate: (time) => time.day,
  getDayOfWeek: (time) => time.weekday,
  getHours: (time) => time.hour,
  getMinutes: (time) => time.minute,
  getSeconds: (time) => time.second,
  getMilliseconds: (time) => time.millisecond,
}

function zoned(value: Timestamp, zone: string, field: (time: WallTime) => number): bigint {
  const time = wallTime(value.nanoseconds, zone)
  if (!time) throw new EvaluationError(`unknown time zone ${zone}`)
  return BigInt(field(time))
}

const times: Overload[] = [
  ...Object.entries(FIELDS).flatMap(([name, field]) => [
    declare(`timestamp::${name}(): int`, (value: Timestamp) => zoned(value, '', field)),
    declare(`timestamp::${name}(string): int`, (value: Timestamp, zone: string) => zoned(value, zone, field)),
  ]),
  declare('duration::getHours(): int', (value: Duration) => value.nanoseconds / (3600n * SECOND)),
  declare('duration::getMinutes(): int', (value: Duration) => value.nanoseconds / (60n * SECOND)),
  declare('duration::getSeconds(): int', (value: Duration) => value.nanoseconds / SECOND),
  declare('duration::getMilliseconds(): int', (value: Duration) => (value.nanoseconds % SECOND) / 1_000_000n),
]

const sizes: Overload[] = ['(%)', '%::()'].flatMap((form) => {
  const of = (type: string): string => (form === '(%)' ? `size(${type}): int` : `${type}::size(): int`)
  return [
    declare(of('string'), (text: string) => BigInt(characters(text))),
    declare(of('bytes'), (bytes: Uint8Array) => BigInt(bytes.length)),
    declare(of('list(A)'), (list: Value[]) => BigInt(list.length)),
    declare(of('map(A, B)'), (map: MapValue) => BigInt(map.size)),
  ]
})

const texts: Overload[] = [
  declare('string::contains(string): bool', (text: string, part: string) => text.includes(part), { cost: searches }),
  declare('string::startsWith(string): bool', (text: string, part: string) => text.startsWith(part), { cost: readsSecond }),
  declare('string::endsWith(string): bool', (text: string, part: string) => text.endsWith(part), { cost: readsSecond }),
  declare('string::matches(string): bool', (text: string, pattern: string) => regex(pattern).test(text), { cost: matchesRegex }),
  declare('matches(string, string): bool', (text: string, pattern: string) => regex(pattern).test(text), { cost: matchesRegex }),
]

/** What every expression can use. https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions */
export const standard: readonly Overload[] = [...conversions, ...times, ...sizes, ...texts]

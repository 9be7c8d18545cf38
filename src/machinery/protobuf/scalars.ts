import { formatDuration, parseDuration } from '../duration.ts'
import { parseJson, stringifyJson } from '../go-json.ts'
import type { Json } from '../json.ts'
import { parseTime } from '../time.ts'
import { ProtobufError, type ProtoReader } from './reader.ts'
import type { ReverseWriter } from './writer.ts'

/** How values of one type are written and read, without their tag. */
export interface ValueCodec {
  /** The wire type: 0 varint, 1 eight bytes, 2 with a length. */
  readonly wire: 0 | 1 | 2
  /** Go's zero value as JSON. */
  zero(): Json
  /** Writes a value, its length included. */
  write(writer: ReverseWriter, value: Json): void
  /** Reads a value; undefined where JSON shows nothing. @throws ProtobufError */
  read(reader: ProtoReader): Json | undefined
}

const string: ValueCodec = {
  wire: 2,
  zero: () => '',
  write: (w, value) => w.string(value as string),
  read: (r) => r.string(),
}

const bool: ValueCodec = {
  wire: 0,
  zero: () => false,
  write: (w, value) => w.bool(value as boolean),
  read: (r) => r.varint64() !== 0,
}

const int32: ValueCodec = {
  wire: 0,
  zero: () => 0,
  write: (w, value) => w.varint(value as number),
  read: (r) => r.varint32() | 0,
}

const int64: ValueCodec = {
  wire: 0,
  zero: () => 0,
  write: (w, value) => w.varint(value as number | bigint),
  read: (r) => r.varint64(),
}

const double: ValueCodec = {
  wire: 1,
  zero: () => 0,
  write: (w, value) => w.double(value as number),
  read: (r) => {
    const value = r.double()
    if (!Number.isFinite(value)) throw new ProtobufError(`json: unsupported value: ${value}`)
    return value
  },
}

const bytes: ValueCodec = {
  wire: 2,
  zero: () => '',
  write: (w, value) => w.bytes(Buffer.from(value as string, 'base64')),
  read: (r) => r.view().toString('base64'),
}

/**
 * A message of a few scalar fields, numbered from 1.
 *
 * @param read makes the value of the fields, each undefined when it wasn't there, and of whether anything was
 */
function small(
  types: readonly ValueCodec[],
  zero: Json,
  write: (value: Json) => readonly Json[],
  read: (fields: readonly (Json | undefined)[]) => Json | undefined,
): ValueCodec {
  return {
    wire: 2,
    zero: () => zero,
    write: (w, value) => {
      const before = w.size
      const fields = write(value)
      for (let i = fields.length - 1; i >= 0; i--) {
        const type = types[i] as ValueCodec
        type.write(w, fields[i] as Json)
        w.tag(((i + 1) << 3) | type.wire)
      }
      w.varint(w.size - before)
    },
    read: (r) => {
      const fields = new Array<Json | undefined>(types.length)
      const outer = r.enter()
      while (r.at < r.end) {
        const tag = r.varint32()
        const type = types[(tag >>> 3) - 1]
        if (!type) r.skip(tag)
        else if (type.wire !== (tag & 7)) throw new ProtobufError(`proto: wrong wireType = ${tag & 7} for field ${tag >>> 3}`)
        else fields[(tag >>> 3) - 1] = type.read(r)
      }
      r.leave(outer)
      return read(fields)
    },
  }
}

const quantity = small(
  [string],
  '0',
  (value) => [value],
  ([text]) => text ?? '0',
)

const intOrString = small(
  [int64, int32, string],
  0,
  (value) => (typeof value === 'string' ? [1, 0, value] : [0, value, '']),
  ([type, number, text]) => (type === 1 ? (text ?? '') : (number ?? 0)),
)

/** Years of four digits, in seconds since 1970. */
const MIN_SECONDS = -62167219200
const MAX_SECONDS = 253402300799

const TWO_DIGITS = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))

/** RFC 3339, without a detour through a Date: objects hold many times. */
function timeText(seconds: number): string {
  if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS))
    throw new ProtobufError('Time.MarshalJSON: year outside of range [0,9999]')
  const days = Math.floor(seconds / 86400)
  const rest = seconds - days * 86400
  // Eras of 400 years, each beginning in March, so that a leap day is a year's last.
  const shifted = days + 719468
  const era = Math.floor(shifted / 146097)
  const dayOfEra = shifted - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const two = TWO_DIGITS
  const date = `${two[Math.floor(year / 100)]}${two[year % 100]}-${two[month]}-${two[day]}`
  return `${date}T${two[Math.floor(rest / 3600)]}:${two[Math.floor(rest / 60) % 60]}:${two[rest % 60]}Z`
}

/** No time is an empty message. */
const time = small(
  [int64, int32],
  null,
  (value) => (value === null ? [] : [Math.floor(parseTime(value as string) / 1000), 0]),
  ([seconds, nanos]) => (seconds === undefined && nanos === undefined ? undefined : timeText(Number(seconds ?? 0))),
)

const microTime = small(
  [int64, int32],
  null,
  (value) => {
    if (value === null) return []
    const fraction = /\.(\d{1,9})/.exec(value as string)?.[1] ?? '0'
    return [Math.floor(parseTime(value as string) / 1000), Number(fraction.padEnd(9, '0'))]
  },
  ([seconds, nanos]) => {
    if (seconds === undefined && nanos === undefined) return undefined
    const micros = Math.floor(Number(nanos ?? 0) / 1000)
    const carry = Math.floor(micros / 1e6)
    const whole = timeText(Number(seconds ?? 0) + carry)
    return `${whole.slice(0, -1)}.${String(micros - carry * 1e6).padStart(6, '0')}Z`
  },
)

const duration = small(
  [int64],
  '0s',
  (value) => [parseDuration(value as string)],
  ([nanoseconds]) => formatDuration(BigInt((nanoseconds as number | bigint | undefined) ?? 0)),
)

/** JSON text as the bytes of a message's only field. */
const jsonText: ValueCodec = {
  wire: 2,
  zero: () => null,
  write: (w, value) => w.bytes(Buffer.from(stringifyJson(value))),
  read: (r) => {
    const text = r.view()
    if (text.length === 0) return undefined
    try {
      return parseJson(text)
    } catch (error) {
      throw new ProtobufError((error as Error).message)
    }
  },
}

/** RawExtension and FieldsV1: an object, or nothing. */
const raw = small(
  [jsonText],
  null,
  (value) => (value === null ? [] : [value]),
  ([value]) => value,
)

/** JSON of a JSON schema: any value, null included. */
const json = small(
  [jsonText],
  null,
  (value) => [value],
  ([value]) => value ?? null,
)

/** Codecs by the type names of the wire facts. */
export const SCALAR_CODECS: Readonly<Record<string, ValueCodec>> = {
  string,
  bool,
  int32,
  int64,
  double,
  bytes,
  quantity,
  intorstring: intOrString,
  time,
  microtime: microTime,
  duration,
  raw,
  fields: raw,
  json,
}

/** Types whose zero values JSON leaves out where Go holds a plain value. */
export const PLAIN: ReadonlySet<ValueCodec> = new Set([string, bool, int32, int64, double])

/** Go's zero values of those. */
export const isZero = (value: Json | undefined): boolean => value === '' || value === 0 || value === false

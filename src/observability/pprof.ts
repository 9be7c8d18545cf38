export interface StackFrame {
  readonly name: string
  readonly file: string
  readonly line: number
}

export interface PprofSample {
  /** The innermost call first. */
  readonly stack: readonly StackFrame[]
  /** One for each of the profile's units. */
  readonly values: readonly number[]
}

export interface PprofProfile {
  readonly units: readonly { readonly type: string; readonly unit: string }[]
  readonly samples: readonly PprofSample[]
  readonly durationNanos: number
  readonly period: number
}

/**
 * A profile as a `perftools.profiles.Profile` message, not compressed.
 * @see https://github.com/google/pprof/blob/main/proto/profile.proto
 */
export function pprof(profile: PprofProfile): Buffer {
  const strings = new Map([['', 0]])
  const text = (value: string): number => {
    const known = strings.get(value)
    if (known !== undefined) return known
    strings.set(value, strings.size)
    return strings.size - 1
  }
  const out: Buffer[] = []
  const unit = ({ type, unit }: { type: string; unit: string }) => [number(1, text(type)), number(2, text(unit))]
  for (const one of profile.units) out.push(message(1, unit(one)))
  const locations = new Map<string, number>()
  const location = (frame: StackFrame): number => {
    const key = `${frame.name} ${frame.file} ${frame.line}`
    const known = locations.get(key)
    if (known !== undefined) return known
    // One function a location: equal ids are as good as any.
    const id = locations.size + 1
    locations.set(key, id)
    const name = text(frame.name)
    out.push(message(4, [number(1, id), message(4, [number(1, id), number(2, frame.line)])]))
    out.push(message(5, [number(1, id), number(2, name), number(3, name), number(4, text(frame.file))]))
    return id
  }
  for (const { stack, values } of profile.samples) out.push(message(2, [packed(1, stack.map(location)), packed(2, values)]))
  out.push(number(10, profile.durationNanos), message(11, unit(profile.units.at(-1)!)), number(12, profile.period))
  for (const value of strings.keys()) out.push(bytes(6, Buffer.from(value)))
  return Buffer.concat(out)
}

function varint(value: number): Buffer {
  const out: number[] = []
  let rest = Math.round(value)
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128)
  out.push(rest)
  return Buffer.from(out)
}

const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)])

const bytes = (field: number, value: Buffer): Buffer => Buffer.concat([varint(field * 8 + 2), varint(value.length), value])

const message = (field: number, parts: readonly Buffer[]): Buffer => bytes(field, Buffer.concat(parts))

const packed = (field: number, values: readonly number[]): Buffer => bytes(field, Buffer.concat(values.map(varint)))

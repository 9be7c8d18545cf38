/**
 * Protobuf by tables: a message is an object of fields, and its TypeScript type follows from them. Only what etcd's messages need:
 * integers up to 2^53, 64-bit ids, booleans, text, bytes, messages, and lists of messages.
 */
export interface Field<T, G = T> {
  readonly number: number
  readonly kind: 'int' | 'id' | 'bool' | 'text' | 'bytes' | 'message'
  readonly repeated: boolean
  readonly message?: () => Message<Fields>
  /** What is decoded and what is given to encode: only there for the types. */
  readonly decoded?: T
  readonly given?: G
}

// biome-ignore lint/suspicious/noExplicitAny: a field of any value
export type Fields = Readonly<Record<string, Field<any, any>>>

/** What is encoded: a field that is left out has protobuf's default. */
export type Given<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Field<infer _, infer G> ? G | undefined : never }

/** What is decoded: every field is there; a message that wasn't sent is undefined. */
export type Decoded<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T, infer _> ? T : never }

const scalar =
  <T>(kind: Field<T>['kind']) =>
  (number: number): Field<T> => ({ number, kind, repeated: false })

/** int64, int32, uint64 or an enum whose values are known to be exact in a double. */
export const int = scalar<number>('int')
/** int64 or uint64 with all its bits. */
export const id = scalar<bigint>('id')
export const bool = scalar<boolean>('bool')
/** A string, or bytes that are UTF-8: given as a string or encoded already. */
export const text = (number: number): Field<string, string | Buffer> => ({ number, kind: 'text', repeated: false })
/** Decoded as a view of the received message. */
export const bytes = scalar<Buffer>('bytes')
export const one = <F extends Fields>(number: number, message: () => Message<F>): Field<Decoded<F> | undefined, Given<F>> => ({
  number,
  kind: 'message',
  repeated: false,
  message: message as () => Message<Fields>,
})
export const many = <F extends Fields>(
  number: number,
  message: () => Message<F>,
): Field<readonly Decoded<F>[], readonly Given<F>[]> => ({
  number,
  kind: 'message',
  repeated: true,
  message: message as () => Message<Fields>,
})

type Loose = Record<string, unknown>

const NONE: readonly unknown[] = Object.freeze([])

const noBytes = Buffer.alloc(0)

/** The lengths of the texts and messages within the one that is being encoded, in the order in which they are measured and written. */
const lengths: number[] = []
let nextLength = 0
/** The message that the lengths are of. */
let measured: unknown

export class Message<F extends Fields> {
  readonly #fields: readonly (readonly [name: string, field: Field<unknown>])[]
  /** What is decoded of a message without fields. */
  readonly #blank: Loose = {}
  readonly #byNumber: (readonly [name: string, field: Field<unknown>] | undefined)[] = []

  constructor(fields: F) {
    this.#fields = Object.entries(fields)
    for (const entry of this.#fields) {
      const [name, field] = entry
      this.#byNumber[field.number] = entry
      this.#blank[name] = field.repeated ? NONE : defaultOf(field.kind)
    }
  }

  /** @param room bytes to leave free in front of the message */
  encode(given: Given<F>, room = 0): Buffer {
    const out = Buffer.allocUnsafe(room + this.measure(given))
    this.write(out, room, given)
    return out
  }

  /** How many bytes a message takes. */
  measure(given: Given<F>): number {
    lengths.length = 0
    measured = given
    return this.#size(given as Loose)
  }

  /** Writes a message that was measured, best just now: else it is measured again. */
  write(out: Buffer, at: number, given: Given<F>): void {
    if (measured !== given) this.measure(given)
    measured = undefined
    nextLength = 0
    this.#write(out, at, given as Loose)
  }

  #size(given: Loose): number {
    let size = 0
    for (const [name, field] of this.#fields) {
      const value = given[name]
      if (value === undefined) continue
      if (!field.repeated) size += sizeOfField(field, value)
      else for (const item of value as unknown[]) size += sizeOfField(field, item)
    }
    return size
  }

  #write(out: Buffer, start: number, given: Loose): number {
    let at = start
    for (const [name, field] of this.#fields) {
      const value = given[name]
      if (value === undefined) continue
      if (!field.repeated) at = writeField(out, at, field, value)
      else for (const item of value as unknown[]) at = writeField(out, at, field, item)
    }
    return at
  }

  /** @throws Error when it isn't such a message */
  decode(input: Buffer, start = 0, end = input.length): Decoded<F> {
    const out: Loose = { ...this.#blank }
    const reader = new Reader(input, start, end)
    while (reader.more()) {
      const tag = reader.int()
      const entry = this.#byNumber[tag >>> 3]
      if (!entry) {
        reader.skip(tag & 7)
        continue
      }
      const [name, field] = entry
      const value = readField(reader, field)
      if (!field.repeated) out[name] = value
      else if (out[name] === NONE) out[name] = [value]
      else (out[name] as unknown[]).push(value)
    }
    return out as Decoded<F>
  }

  static size(message: Message<Fields>, value: Loose): number {
    return message.#size(value)
  }

  static write(message: Message<Fields>, out: Buffer, at: number, value: Loose): number {
    return message.#write(out, at, value)
  }
}

function defaultOf(kind: Field<unknown>['kind']): unknown {
  switch (kind) {
    case 'int':
      return 0
    case 'id':
      return 0n
    case 'bool':
      return false
    case 'text':
      return ''
    case 'bytes':
      return noBytes
    case 'message':
      return undefined
  }
}

function sizeOfField(field: Field<unknown>, value: unknown): number {
  const tag = field.number < 16 ? 1 : 2
  switch (field.kind) {
    case 'int':
      return value === 0 ? 0 : tag + sizeOfInt(value as number)
    case 'id':
      return value === 0n ? 0 : tag + sizeOfId(value as bigint)
    case 'bool':
      return value ? tag + 1 : 0
    case 'text': {
      if (value === '') return 0
      const length = typeof value === 'string' ? Buffer.byteLength(value) : (value as Buffer).length
      lengths.push(length)
      return tag + sizeWithLength(length)
    }
    case 'bytes':
      return tag + sizeWithLength((value as Buffer).length)
    case 'message': {
      const own = lengths.push(0) - 1
      const length = Message.size(field.message!(), value as Loose)
      lengths[own] = length
      return tag + sizeWithLength(length)
    }
  }
}

function writeField(out: Buffer, start: number, field: Field<unknown>, value: unknown): number {
  const { number, kind } = field
  switch (kind) {
    case 'int':
      return value === 0 ? start : writeInt(out, writeInt(out, start, number << 3), value as number)
    case 'id':
      return value === 0n ? start : writeId(out, writeInt(out, start, number << 3), value as bigint)
    case 'bool':
      return value ? writeInt(out, writeInt(out, start, number << 3), 1) : start
    case 'text': {
      if (value === '') return start
      const length = lengths[nextLength++]!
      const at = writeInt(out, writeInt(out, start, (number << 3) | 2), length)
      if (typeof value === 'string') out.write(value, at)
      else out.set(value as Buffer, at)
      return at + length
    }
    case 'bytes': {
      const at = writeInt(out, writeInt(out, start, (number << 3) | 2), (value as Buffer).length)
      out.set(value as Buffer, at)
      return at + (value as Buffer).length
    }
    case 'message': {
      const at = writeInt(out, writeInt(out, start, (number << 3) | 2), lengths[nextLength++]!)
      return Message.write(field.message!(), out, at, value as Loose)
    }
  }
}

const sizeWithLength = (length: number): number => sizeOfInt(length) + length

function sizeOfInt(value: number): number {
  if (value < 0) return 10
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

function sizeOfId(value: bigint): number {
  let size = 1
  for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) size++
  return size
}

function writeInt(out: Buffer, start: number, value: number): number {
  if (value < 0) return writeId(out, start, BigInt(value))
  let at = start
  let rest = value
  while (rest >= 2 ** 31) {
    out[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest >= 128) {
    out[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  out[at++] = rest
  return at
}

function writeId(out: Buffer, start: number, value: bigint): number {
  let at = start
  let rest = BigInt.asUintN(64, value)
  while (rest >= 128n) {
    out[at++] = Number(rest & 127n) | 128
    rest >>= 7n
  }
  out[at++] = Number(rest)
  return at
}

class Reader {
  readonly #input: Buffer
  readonly #end: number
  #at: number

  constructor(input: Buffer, start: number, end: number) {
    this.#input = input
    this.#at = start
    this.#end = end
  }

  more(): boolean {
    return this.#at < this.#end
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new Error('a message ends too early')
    return this.#input[this.#at++]!
  }

  int(): number {
    const start = this.#at
    let byte = this.#byte()
    let value = byte & 127
    let scale = 1
    while (byte >= 128) {
      byte = this.#byte()
      scale *= 128
      value += (byte & 127) * scale
    }
    if (value <= Number.MAX_SAFE_INTEGER) return value
    // A negative one has all ten bytes.
    this.#at = start
    return Number(BigInt.asIntN(64, this.id()))
  }

  id(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, value)
    }
  }

  /** Start and end of a part with a length; the reader is past it then. */
  part(): { input: Buffer; start: number; end: number } {
    const length = this.int()
    const start = this.#at
    const end = start + length
    if (end > this.#end) throw new Error('a message ends too early')
    this.#at = end
    return { input: this.#input, start, end }
  }

  skip(wireType: number): void {
    if (wireType === 0) this.id()
    else if (wireType === 1) this.#at += 8
    else if (wireType === 2) this.part()
    else if (wireType === 5) this.#at += 4
    else throw new Error(`a message has wire type ${wireType}`)
  }
}

function readField(reader: Reader, field: Field<unknown>): unknown {
  switch (field.kind) {
    case 'int':
      return reader.int()
    case 'id':
      return reader.id()
    case 'bool':
      return reader.int() !== 0
    case 'text': {
      const { input, start, end } = reader.part()
      return input.toString('utf8', start, end)
    }
    case 'bytes': {
      const { input, start, end } = reader.part()
      return input.subarray(start, end)
    }
    case 'message': {
      const { input, start, end } = reader.part()
      return field.message!().decode(input, start, end)
    }
  }
}

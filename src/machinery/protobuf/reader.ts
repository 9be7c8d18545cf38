/** Bytes that aren't the message they should be, in the words of the reference's decoder. */
export class ProtobufError extends Error {
  override name = 'ProtobufError'
}

const unexpectedEnd = () => new ProtobufError('unexpected EOF')
const overflow = () => new ProtobufError('proto: integer overflow')
const negativeLength = () => new ProtobufError('proto: negative length found during unmarshaling')

/** Strings up to this length are put together in JavaScript, which is faster than a call into the engine. */
const SHORT = 12

/** Only messages of recursive types (JSON schemas) can be nested deeper than a handful of levels. */
const MAX_DEPTH = 1000

/** Reads protobuf's wire format; never past `end`, which each nested message moves in and back. */
export class ProtoReader {
  readonly bytes: Buffer
  at = 0
  end: number
  #depth = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.end = bytes.length
  }

  /** A varint's low 32 bits, unsigned: enough for tags and int32. @throws ProtobufError */
  varint32(): number {
    const { bytes, end } = this
    let { at } = this
    if (at >= end) throw unexpectedEnd()
    let byte = bytes[at++] as number
    if (byte < 128) {
      this.at = at
      return byte
    }
    let value = byte & 127
    for (let shift = 7; ; shift += 7) {
      if (shift >= 70) throw overflow()
      if (at >= end) throw unexpectedEnd()
      byte = bytes[at++] as number
      if (shift < 32) value |= (byte & 127) << shift
      if (byte < 128) break
    }
    this.at = at
    return value >>> 0
  }

  /** A varint as a signed 64-bit integer; a bigint where a number would round. @throws ProtobufError */
  varint64(): number | bigint {
    const { bytes, end } = this
    let { at } = this
    let low = 0
    let high = 0
    for (let shift = 0; ; shift += 7) {
      if (shift >= 70) throw overflow()
      if (at >= end) throw unexpectedEnd()
      const byte = bytes[at++] as number
      const bits = byte & 127
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >> 4
      } else if (shift < 64) high |= bits << (shift - 32)
      if (byte < 128) break
    }
    this.at = at
    high |= 0
    const value = high * 4294967296 + (low >>> 0)
    if (Number.isSafeInteger(value)) return value
    return (BigInt(high) << 32n) | BigInt(low >>> 0)
  }

  /** The length of what follows, checked against what is there. @throws ProtobufError */
  length(): number {
    let length = this.at < this.end ? (this.bytes[this.at] as number) : 128
    if (length < 128) this.at++
    else length = Number(this.varint64())
    if (length < 0) throw negativeLength()
    if (length > this.end - this.at) throw unexpectedEnd()
    return length
  }

  /** @throws ProtobufError */
  string(): string {
    const length = this.length()
    const { bytes, at } = this
    const stop = at + length
    this.at = stop
    if (length <= SHORT) {
      let text = ''
      for (let i = at; i < stop; i++) {
        const byte = bytes[i] as number
        if (byte > 127) return bytes.toString('utf8', at, stop)
        text += CHARACTERS[byte]
      }
      return text
    }
    return bytes.toString('utf8', at, stop)
  }

  /** A view of the bytes. @throws ProtobufError */
  view(): Buffer {
    const length = this.length()
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** @throws ProtobufError */
  double(): number {
    if (this.end - this.at < 8) throw unexpectedEnd()
    this.at += 8
    return this.bytes.readDoubleLE(this.at - 8)
  }

  /** Begins a nested message; pass the result to `leave` when it is read. @throws ProtobufError */
  enter(): number {
    const length = this.length()
    const outer = this.end
    this.end = this.at + length
    if (++this.#depth > MAX_DEPTH) throw new ProtobufError('proto: messages are nested too deep')
    return outer
  }

  leave(outer: number): void {
    this.end = outer
    this.#depth--
  }

  /** Goes over a field that nobody knows. @throws ProtobufError */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.varint64()
        return
      case 1:
        this.#advance(8)
        return
      case 2:
        this.#advance(this.length())
        return
      case 3:
        this.#skipGroup()
        return
      case 5:
        this.#advance(4)
        return
      default:
        throw new ProtobufError(`proto: illegal wireType ${tag & 7}`)
    }
  }

  #advance(length: number): void {
    if (length > this.end - this.at) throw unexpectedEnd()
    this.at += length
  }

  /** Groups may be nested as deep as the input goes on, so they are counted rather than descended into. */
  #skipGroup(): void {
    for (let depth = 1; depth > 0; ) {
      if (this.at >= this.end) throw unexpectedEnd()
      const tag = this.varint32()
      if ((tag & 7) === 3) depth++
      else if ((tag & 7) === 4) depth--
      else this.skip(tag)
    }
  }
}

const CHARACTERS = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))

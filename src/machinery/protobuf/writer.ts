const INITIAL = 16 * 1024
/** A buffer that one large object has grown isn't kept. */
const KEEP = 1024 * 1024
/** Longer strings are written by the engine. */
const SHORT = 32

/** How many bytes a length takes. */
export function varintSize(length: number): number {
  let size = 1
  for (let rest = length; rest > 127; rest >>>= 7) size++
  return size
}

/** Writes a length forwards. @returns the position after it */
export function writeVarint(into: Buffer, at: number, length: number): number {
  let end = at
  let rest = length
  for (; rest > 127; rest >>>= 7) into[end++] = (rest & 127) | 128
  into[end++] = rest
  return end
}

/**
 * Writes protobuf's wire format from its end to its beginning: what a length counts is there before the length is written. Fields and
 * items must be written last first, and each value before its tag.
 */
export class ReverseWriter {
  #bytes = Buffer.allocUnsafeSlow(INITIAL)
  #at = INITIAL

  /** Where the next byte goes, counted from the end: the number of bytes written. */
  get size(): number {
    return this.#bytes.length - this.#at
  }

  #reserve(more: number): void {
    if (this.#at >= more) return
    const used = this.size
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, used + more))
    this.#bytes.copy(grown, grown.length - used, this.#at)
    this.#at = grown.length - used
    this.#bytes = grown
  }

  /** Any 64-bit integer; negative ones take ten bytes. */
  varint(value: number | bigint): void {
    this.#reserve(10)
    if (typeof value === 'number' && value >= 0) {
      if (value < 128) {
        this.#bytes[--this.#at] = value
        return
      }
      if (value <= Number.MAX_SAFE_INTEGER) {
        this.#unsigned(value)
        return
      }
    }
    this.#unsigned64(BigInt.asUintN(64, BigInt(value)))
  }

  #unsigned(value: number): void {
    let size = 1
    for (let rest = value; rest >= 128; rest /= 128) size++
    this.#at -= size
    let at = this.#at
    let rest = value
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.#bytes[at++] = (rest % 128) | 128
    for (; rest >= 128; rest >>>= 7) this.#bytes[at++] = (rest & 127) | 128
    this.#bytes[at] = rest
  }

  #unsigned64(value: bigint): void {
    const digits: number[] = []
    for (let rest = value; rest > 0n || digits.length === 0; rest >>= 7n) digits.push(Number(rest & 127n))
    for (let i = digits.length - 1; i >= 0; i--)
      this.#bytes[--this.#at] = (digits[i] as number) | (i < digits.length - 1 ? 128 : 0)
  }

  /** A field's number and wire type. */
  tag(tag: number): void {
    if (tag < 128) {
      this.#reserve(1)
      this.#bytes[--this.#at] = tag
    } else this.varint(tag)
  }

  bool(value: boolean): void {
    this.#reserve(1)
    this.#bytes[--this.#at] = value ? 1 : 0
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at -= 8
    this.#bytes.writeDoubleLE(value, this.#at)
  }

  /** A string with its length. */
  string(value: string): void {
    const { length } = value
    if (length > SHORT || !this.#ascii(value, length)) {
      const size = Buffer.byteLength(value)
      this.#reserve(size)
      this.#at -= size
      this.#bytes.write(value, this.#at, size)
      this.varint(size)
      return
    }
    this.varint(length)
  }

  #ascii(value: string, length: number): boolean {
    this.#reserve(length)
    const bytes = this.#bytes
    const at = this.#at - length
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 127) return false
      bytes[at + i] = code
    }
    this.#at = at
    return true
  }

  /** Bytes without a length. */
  raw(value: Buffer): void {
    this.#reserve(value.length)
    this.#at -= value.length
    value.copy(this.#bytes, this.#at)
  }

  /** Bytes with their length. */
  bytes(value: Buffer): void {
    this.raw(value)
    this.varint(value.length)
  }

  /** A copy of what was written; the writer is empty again. */
  take(): Buffer {
    const out = Buffer.allocUnsafeSlow(this.size)
    this.#bytes.copy(out, 0, this.#at)
    this.reset()
    return out
  }

  /** Drops what was written. */
  reset(): void {
    if (this.#bytes.length > KEEP) this.#bytes = Buffer.allocUnsafeSlow(INITIAL)
    this.#at = this.#bytes.length
  }
}

import type { JsonObject } from '../machinery/json.ts'
import { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { wrap } from '../machinery/protobuf/envelope.ts'
import { WireFacts } from '../machinery/protobuf/wire-facts.ts'
import { varintSize } from '../machinery/protobuf/writer.ts'

/** Writes protobuf's wire format; nested messages are built apart and written with `message`. */
export class ProtoWriter {
  #bytes = Buffer.allocUnsafe(256)
  #length = 0

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }

  #varint(value: number | bigint): void {
    this.#reserve(10)
    if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) {
      let rest = value
      while (rest > 127) {
        this.#bytes[this.#length++] = (rest & 127) | 128
        rest >>>= 7
      }
      this.#bytes[this.#length++] = rest
      return
    }
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest > 127n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128
      rest >>= 7n
    }
    this.#bytes[this.#length++] = Number(rest)
  }

  int(field: number, value: number | bigint): void {
    this.#varint(field << 3)
    this.#varint(value)
  }

  bool(field: number, value: boolean): void {
    this.int(field, value ? 1 : 0)
  }

  double(field: number, value: number): void {
    this.#varint((field << 3) | 1)
    this.#reserve(8)
    this.#bytes.writeDoubleLE(value, this.#length)
    this.#length += 8
  }

  string(field: number, value: string): void {
    const size = Buffer.byteLength(value)
    this.#varint((field << 3) | 2)
    this.#varint(size)
    this.#reserve(size)
    this.#length += this.#bytes.write(value, this.#length)
  }

  bytes(field: number, value: Buffer): void {
    this.#varint((field << 3) | 2)
    this.#varint(value.length)
    this.#reserve(value.length)
    this.#length += value.copy(this.#bytes, this.#length)
  }

  /** A nested message: written by `write` in place, its length put before it afterwards. */
  message(field: number, write: (into: ProtoWriter) => void): void {
    this.#varint((field << 3) | 2)
    const start = this.#length
    write(this)
    const size = this.#length - start
    const head = varintSize(size)
    this.#reserve(head)
    this.#bytes.copyWithin(start + head, start, this.#length)
    this.#length = start
    this.#varint(size)
    this.#length += size
  }

  /** What was written so far; valid until the next write. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}

/**
 * Encodes a discovery document as `application/vnd.kubernetes.protobuf`. The codec is made anew each time: protobuf discovery is rare,
 * and its bytes are kept.
 *
 * @param schema its type's full name
 */
export function encodeDiscovery(schema: string, document: { kind: string; apiVersion?: string }): Buffer {
  const message = new ProtobufCodec(new WireFacts()).encode(schema, document as unknown as JsonObject)
  return wrap(document.apiVersion ?? 'v1', document.kind, message)
}

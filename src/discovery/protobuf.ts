import fs from 'node:fs'
import path from 'node:path'

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

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest > 127; rest >>>= 7) size++
  return size
}

type WireTable = Record<string, [name: string, number: number, type: string, repeated?: 'repeated'][]>

/**
 * Encodes a discovery document as `application/vnd.kubernetes.protobuf`.
 *
 * @param message its message's name in the wire table
 */
export function encodeDiscovery(message: string, document: { kind: string; apiVersion?: string }): Buffer {
  const table = wireTable()
  const writer = new ProtoWriter()
  writer.message(1, (w) => {
    w.string(1, document.apiVersion ?? 'v1')
    w.string(2, document.kind)
  })
  writer.message(2, (w) => writeMessage(table, message, document as unknown as Record<string, unknown>, w))
  writer.string(3, '')
  writer.string(4, '')
  return Buffer.concat([Buffer.from('k8s\0'), writer.finish()])
}

/** Read anew each time: protobuf discovery is rare, its bytes are kept, and the table is large. */
function wireTable(): WireTable {
  return JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../generated/wire.json'), 'utf8')) as WireTable
}

function writeMessage(table: WireTable, message: string, value: Record<string, unknown>, writer: ProtoWriter): void {
  for (const [name, number, type, repeated] of table[message] ?? []) {
    const field = value[name]
    if (field === undefined) continue
    for (const item of repeated ? (field as unknown[]) : [field]) writeField(table, number, type, item, writer)
  }
}

function writeField(table: WireTable, number: number, type: string, value: unknown, writer: ProtoWriter): void {
  if (typeof value === 'string') writer.string(number, value)
  else if (typeof value === 'boolean') writer.bool(number, value)
  else if (Array.isArray(value)) {
    // A named list type (verbs) is a message with its items in field 1.
    writer.message(number, (w) => {
      for (const item of value) w.string(1, String(item))
    })
  } else writer.message(number, (w) => writeMessage(table, type, value as Record<string, unknown>, w))
}

import { decodeHuffman } from './huffman.ts'

/** Lower-case names; of several with one name the last counts. */
export type Headers = Readonly<Record<string, string>>
export type Field = readonly [name: string, value: string]

/** The fields that every connection knows (RFC 7541, appendix A): names, some with a value after a blank. */
const STATIC: readonly Field[] = [
  ...[':authority', ':method GET', ':method POST', ':path /', ':path /index.html', ':scheme http', ':scheme https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status) => `:status ${status}`),
  ...['accept-charset', 'accept-encoding gzip, deflate', 'accept-language', 'accept-ranges', 'accept'],
  ...['access-control-allow-origin', 'age', 'allow', 'authorization', 'cache-control', 'content-disposition'],
  ...['content-encoding', 'content-language', 'content-length', 'content-location', 'content-range', 'content-type'],
  ...['cookie', 'date', 'etag', 'expect', 'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match'],
  ...['if-range', 'if-unmodified-since', 'last-modified', 'link', 'location', 'max-forwards', 'proxy-authenticate'],
  ...['proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server', 'set-cookie'],
  ...['strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'],
].map((entry) => {
  const blank = entry.indexOf(' ')
  return blank < 0 ? [entry, ''] : [entry.slice(0, blank), entry.slice(blank + 1)]
})

/** What a table may hold when nobody says otherwise, in bytes as `sizeOf` counts them. */
export const TABLE_SIZE = 4096

/** Decoded fields have one character for each byte. */
const sizeOf = ([name, value]: Field): number => name.length + value.length + 32

/** Decodes what one peer sends of header blocks, in the order in which they come: each may refer to what was in those before. */
export class HeaderDecoder {
  /** The newest first. */
  readonly #table: Field[] = []
  #size = 0
  #limit = TABLE_SIZE

  /** @throws Error when the block can't be read; nothing after it can be, then */
  decode(block: Buffer, start = 0, end = block.length): Headers {
    const headers: Record<string, string> = {}
    const reader = new BlockReader(block, start, end)
    while (reader.more()) {
      const first = reader.peek()
      if (first >= 0x80) {
        const [name, value] = this.#field(reader.integer(7))
        headers[name] = value
      } else if (first >= 0x40) this.#insert(headers, this.#literal(reader, 6))
      else if (first >= 0x20) this.#resize(reader.integer(5))
      else {
        const [name, value] = this.#literal(reader, 4)
        headers[name] = value
      }
    }
    return headers
  }

  #insert(headers: Record<string, string>, field: Field): void {
    headers[field[0]] = field[1]
    this.#table.unshift(field)
    this.#size += sizeOf(field)
    this.#evict()
  }

  #literal(reader: BlockReader, bits: number): Field {
    const index = reader.integer(bits)
    const name = index === 0 ? reader.text() : this.#field(index)[0]
    return [name, reader.text()]
  }

  #field(index: number): Field {
    const field = index <= STATIC.length ? STATIC[index - 1] : this.#table[index - STATIC.length - 1]
    if (!field) throw new Error(`there is no header with index ${index}`)
    return field
  }

  #resize(limit: number): void {
    if (limit > TABLE_SIZE) throw new Error(`a header table of ${limit} bytes`)
    this.#limit = limit
    this.#evict()
  }

  #evict(): void {
    while (this.#size > this.#limit) this.#size -= sizeOf(this.#table.pop()!)
  }
}

class BlockReader {
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

  peek(): number {
    return this.#input[this.#at]!
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new Error('a header block ends too early')
    return this.#input[this.#at++]!
  }

  /** An integer that begins in the low `bits` of the next byte. */
  integer(bits: number): number {
    const most = 2 ** bits - 1
    let value = this.#byte() & most
    if (value < most) return value
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (value > 2 ** 31 || scale > 2 ** 35) throw new Error('a number in a header block is too large')
      if (byte < 128) return value
    }
  }

  text(): string {
    const isCoded = this.more() && this.peek() >= 0x80
    const length = this.integer(7)
    const start = this.#at
    this.#at += length
    if (this.#at > this.#end) throw new Error('a header block ends too early')
    return isCoded ? decodeHuffman(this.#input, start, this.#at) : this.#input.toString('latin1', start, this.#at)
  }
}

/**
 * Encodes header blocks for one peer. Fields that come back are kept in the peer's table, as long as there is room: none is ever pushed
 * out, so that an index once given stays right.
 */
export class HeaderEncoder {
  readonly #indexes = new Map<string, number>()
  #size = 0
  #limit = TABLE_SIZE
  #emptied = false

  /** Grows whenever the peer's table does, which moves the indexes in blocks that were encoded before. */
  get generation(): number {
    return this.#indexes.size
  }

  /** Uses no table any more, for a peer that wants to keep less than everyone may take for granted. */
  useNoTable(): void {
    this.#limit = 0
    this.#emptied = this.#indexes.size > 0
    this.#indexes.clear()
  }

  /** @param kept fields that will come again, which the peer remembers; `passing` ones it doesn't */
  encode(kept: readonly Field[], passing: readonly Field[] = []): Buffer {
    const out: number[] = []
    if (this.#emptied) integer(out, 0x20, 5, 0)
    this.#emptied = false
    for (const field of kept) this.#kept(out, field)
    for (const field of passing) literal(out, 0x00, field)
    return Buffer.from(out)
  }

  #kept(out: number[], field: Field): void {
    const known = STATIC.findIndex(([name, value]) => name === field[0] && value === field[1])
    if (known >= 0) {
      integer(out, 0x80, 7, known + 1)
      return
    }
    const key = field.join('\0')
    const number = this.#indexes.get(key)
    if (number !== undefined) {
      integer(out, 0x80, 7, STATIC.length + this.#indexes.size - number)
      return
    }
    const size = Buffer.byteLength(field[0]) + Buffer.byteLength(field[1]) + 32
    if (this.#size + size > this.#limit) {
      literal(out, 0x00, field)
      return
    }
    this.#size += size
    this.#indexes.set(key, this.#indexes.size)
    literal(out, 0x40, field)
  }
}

function literal(out: number[], flag: number, [name, value]: Field): void {
  out.push(flag)
  for (const text of [name, value]) {
    const bytes = Buffer.from(text)
    integer(out, 0, 7, bytes.length)
    out.push(...bytes)
  }
}

function integer(out: number[], flag: number, bits: number, value: number): void {
  const most = 2 ** bits - 1
  if (value < most) {
    out.push(flag | value)
    return
  }
  out.push(flag | most)
  let rest = value - most
  for (; rest >= 128; rest >>>= 7) out.push((rest & 127) | 128)
  out.push(rest)
}

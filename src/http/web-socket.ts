import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { TakenConnection, Transport } from '../machinery/exchange.ts'

/** A part of a message, as it came in. */
export interface MessagePart {
  /** Whether a message begins with it. */
  readonly first: boolean
  readonly data: Buffer
}

const HANDSHAKE_ID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10
export const NORMAL = 1000
const PROTOCOL_ERROR = 1002
const LARGEST_CONTROL = 125
const EMPTY = Buffer.alloc(0)
/** How long a client may take to close its side, in ms. */
const LINGER_MS = 10_000

/** Whether a client asks for a WebSocket. */
export const isWebSocket = ({ headers }: Transport): boolean =>
  /\bupgrade\b/i.test(String(headers.connection ?? '')) && String(headers.upgrade ?? '').toLowerCase() === 'websocket'

/** Why a client's WebSocket can't be accepted; undefined when it can. */
export function badHandshake(transport: Transport): string | undefined {
  const { method, headers } = transport
  if (method !== 'GET' || !isWebSocket(transport)) return 'not websocket protocol'
  if (headers['sec-websocket-version'] !== '13') return 'missing or bad WebSocket Version'
  if (!headers['sec-websocket-key']) return 'missing Sec-WebSocket-Key'
  return undefined
}

/**
 * The server's end of a WebSocket (RFC 6455). Messages come and go in pieces, none of which is kept: they are as fast as who reads them.
 */
export class WebSocket {
  readonly #stream: Duplex
  readonly #head: Buffer
  #closed = false

  /**
   * Agrees to it.
   *
   * @param key the client's `Sec-WebSocket-Key`
   * @param protocol what is spoken over it, of what the client offered
   */
  constructor({ stream, head }: TakenConnection, key: string, protocol: string | undefined) {
    this.#stream = stream
    this.#head = head
    const accept = createHash('sha1').update(`${key}${HANDSHAKE_ID}`).digest('base64')
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
        `${protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ''}\r\n`,
    )
  }

  /** What the client says until it closes its side, however it does that. Call it once. */
  async *parts(): AsyncGenerator<MessagePart, void> {
    const reader = new FrameReader()
    try {
      if (this.#head.length) yield* this.#take(reader.read(this.#head))
      for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) yield* this.#take(reader.read(chunk as Buffer))
    } catch (error) {
      if (error instanceof ProtocolError) this.close(PROTOCOL_ERROR)
      else if (!(error instanceof Closed) && !this.#stream.destroyed) throw error
    }
  }

  *#take(frames: Iterable<Frame>): Generator<MessagePart, void> {
    for (const { opcode, first, data } of frames) {
      if (opcode === PING) this.#write(PONG, data)
      else if (opcode === CLOSE) {
        this.close(NORMAL)
        throw new Closed()
      } else if (opcode < CLOSE) yield { first, data }
    }
  }

  /** Sends a message. @returns what to wait for before the next one, if anything */
  send(...parts: readonly Buffer[]): Promise<void> | undefined {
    return this.#send(BINARY, parts)
  }

  sendText(text: string): Promise<void> | undefined {
    return this.#send(TEXT, [Buffer.from(text)])
  }

  #send(opcode: number, parts: readonly Buffer[]): Promise<void> | undefined {
    if (this.#closed || this.#stream.destroyed) return undefined
    if (this.#write(opcode, ...parts)) return undefined
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.off('drain', done).off('close', done)
        resolve()
      }
      this.#stream.on('drain', done).on('close', done)
    })
  }

  /**
   * Says that nothing more comes, and gives the client a while to do the same. Any call but the first does nothing.
   *
   * @param lingerMs for how long it may still take what was sent
   */
  close(code: number = NORMAL, lingerMs: number = LINGER_MS): void {
    if (this.#closed) return
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code)
    this.#write(CLOSE, payload)
    this.#closed = true
    const stream = this.#stream
    stream.end()
    const timer = setTimeout(() => stream.destroy(), lingerMs).unref()
    stream.once('close', () => clearTimeout(timer))
    stream.once('end', () => stream.destroy())
  }

  destroy(): void {
    this.#closed = true
    this.#stream.destroy()
  }

  #write(opcode: number, ...parts: readonly Buffer[]): boolean {
    if (this.#closed || this.#stream.writableEnded) return true
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const stream = this.#stream
    stream.cork()
    let more = stream.write(frameHead(opcode, length))
    for (const part of parts) if (part.length) more = stream.write(part)
    stream.uncork()
    return more
  }
}

class ProtocolError extends Error {}
class Closed extends Error {}

function frameHead(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | opcode, length])
  if (length < 65_536) return Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff])
  const head = Buffer.alloc(10)
  head[0] = 0x80 | opcode
  head[1] = 127
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

interface Frame extends MessagePart {
  readonly opcode: number
}

/** Takes frames apart. Of a frame with data it gives what there is of it; one that controls is given whole. */
class FrameReader {
  /** A head, or a frame that controls, that isn't whole yet. */
  #pending: Buffer = EMPTY
  #opcode = 0
  #first = false
  #left = 0
  #mask: Buffer = EMPTY
  #masked = 0

  read(chunk: Buffer): Iterable<Frame> {
    return this.#frames(chunk)
  }

  *#frames(chunk: Buffer): Generator<Frame, void> {
    let bytes = this.#pending.length ? Buffer.concat([this.#pending, chunk]) : chunk
    this.#pending = EMPTY
    for (;;) {
      if (this.#left > 0) {
        if (bytes.length === 0) return
        const data = this.#unmask(bytes.subarray(0, Math.min(bytes.length, this.#left)))
        bytes = bytes.subarray(data.length)
        this.#left -= data.length
        yield { opcode: this.#opcode, first: this.#first, data }
        this.#first = false
        continue
      }
      const head = this.#head(bytes)
      if (head === undefined) {
        this.#pending = Buffer.from(bytes)
        return
      }
      bytes = bytes.subarray(head)
      if (this.#opcode >= CLOSE || this.#left === 0) {
        const data = this.#unmask(bytes.subarray(0, this.#left))
        bytes = bytes.subarray(this.#left)
        this.#left = 0
        yield { opcode: this.#opcode, first: this.#first, data }
      }
    }
  }

  /** Reads a head. @returns its length; undefined when it isn't whole, or what it controls with isn't */
  #head(bytes: Buffer): number | undefined {
    if (bytes.length < 2) return undefined
    const opcode = bytes[0]! & 0x0f
    const short = bytes[1]! & 0x7f
    if ((bytes[0]! & 0x70) !== 0 || (bytes[1]! & 0x80) === 0)
      throw new ProtocolError('extensions and unmasked frames are not allowed')
    if (opcode >= CLOSE && short > LARGEST_CONTROL) throw new ProtocolError('a frame that controls is too long')
    const size = short === 126 ? 8 : short === 127 ? 14 : 6
    if (bytes.length < size) return undefined
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
    if (opcode >= CLOSE && bytes.length < size + length) return undefined
    this.#opcode = opcode
    this.#first = opcode !== 0
    this.#left = length
    this.#mask = Buffer.from(bytes.subarray(size - 4, size))
    this.#masked = 0
    return size
  }

  #unmask(data: Buffer): Buffer {
    for (let i = 0; i < data.length; i++) data[i]! ^= this.#mask[(this.#masked + i) & 3]!
    this.#masked += data.length
    return data
  }
}

import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

/** What a client begins a connection with. */
const MAGIC = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8 }
const FLAG = { end: 1, ack: 1, endHeaders: 4 }
const FRAME_HEAD = 9
/** So large that what a run sends fits in, and the windows need no tending. */
const WINDOW = 2 ** 31 - 1
const INITIAL_WINDOW = 4
/** `:status: 200`, as every encoder writes it. */
const STATUS_200 = 0x88
const NEWLINE = 10
const VERSION = '"resourceVersion":"'
const ZERO = 48

/** What one stream has told. */
export interface Watched {
  events: number
  /** The last resource version. */
  version: number
  /** Events that didn't come after the one before. */
  disordered: number
  open: boolean
  closed: boolean
}

/**
 * Many watches on one HTTP/2 connection, read as cheaply as can be: it knows only the few frames that a watch consists of, and looks for
 * line ends and resource versions, so that the client doesn't take the processor that the server is measured on.
 */
export class WatchConnection {
  readonly streams: Watched[]
  readonly #socket: TLSSocket
  readonly #rests: (Buffer | undefined)[]
  #rest: Buffer | undefined
  #failure: Error | undefined

  private constructor(socket: TLSSocket, count: number) {
    this.#socket = socket
    this.streams = Array.from({ length: count }, () => ({ events: 0, version: 0, disordered: 0, open: false, closed: false }))
    this.#rests = this.streams.map(() => undefined)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => {
      this.#failure = error
    })
    socket.on('close', () => {
      for (const stream of this.streams) stream.closed = true
    })
  }

  /** Connects, and sends as many watches of one path as asked for. */
  static async open(url: URL, token: string, path: string, count: number): Promise<WatchConnection> {
    const socket = connect({ host: url.hostname, port: Number(url.port), ALPNProtocols: ['h2'], rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const connection = new WatchConnection(socket, count)
    const window = Buffer.alloc(6)
    window.writeUInt16BE(INITIAL_WINDOW)
    window.writeUInt32BE(WINDOW, 2)
    const credit = Buffer.alloc(4)
    credit.writeUInt32BE(WINDOW - 65_535)
    const headers = requestHeaders(url.host, token, path)
    const requests = connection.streams.map((_, i) => frame(FRAME.headers, FLAG.end | FLAG.endHeaders, 2 * i + 1, headers))
    socket.write(
      Buffer.concat([Buffer.from(MAGIC), frame(FRAME.settings, 0, 0, window), frame(FRAME.window, 0, 0, credit), ...requests]),
    )
    return connection
  }

  /** Resolves once every watch was answered with 200. @throws Error when one never is */
  async opened(): Promise<void> {
    for (let tries = 0; !this.streams.every(({ open }) => open); tries++) {
      if (this.#failure) throw this.#failure
      if (tries > 600 || this.streams.some(({ closed }) => closed)) throw new Error('a watch was not answered')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Takes nothing more from the socket. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    const data = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    while (data.length - at >= FRAME_HEAD) {
      const end = at + FRAME_HEAD + data.readUIntBE(at, 3)
      if (end > data.length) break
      this.#onFrame(data[at + 3] as number, data[at + 4] as number, data.readUInt32BE(at + 5), data, at + FRAME_HEAD, end)
      at = end
    }
    this.#rest = at < data.length ? data.subarray(at) : undefined
  }

  #onFrame(type: number, flags: number, id: number, data: Buffer, start: number, end: number): void {
    const index = (id - 1) / 2
    const stream = this.streams[index]
    if (type === FRAME.data && stream) {
      this.#onData(stream, index, data, start, end)
      if (flags & FLAG.end) stream.closed = true
    } else if (type === FRAME.headers && stream) {
      if (data[start] === STATUS_200) stream.open = true
      else stream.closed = true
    } else if (type === FRAME.reset && stream) {
      stream.closed = true
    } else if (type === FRAME.settings && !(flags & FLAG.ack)) {
      this.#socket.write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)))
    } else if (type === FRAME.ping && !(flags & FLAG.ack)) {
      this.#socket.write(frame(FRAME.ping, FLAG.ack, 0, data.subarray(start, end)))
    }
  }

  /** An event may come in pieces, and several at once. */
  #onData(stream: Watched, index: number, data: Buffer, start: number, end: number): void {
    const rest = this.#rests[index]
    if (rest) {
      const whole = Buffer.concat([rest, data.subarray(start, end)])
      this.#rests[index] = undefined
      this.#onData(stream, index, whole, 0, whole.length)
      return
    }
    let at = start
    while (at < end) {
      const line = data.indexOf(NEWLINE, at)
      if (line < 0 || line >= end) {
        this.#rests[index] = Buffer.from(data.subarray(at, end))
        return
      }
      stream.events++
      const version = versionIn(data, at)
      if (version <= stream.version) stream.disordered++
      stream.version = version
      at = line + 1
    }
  }
}

function versionIn(data: Buffer, from: number): number {
  let at = data.indexOf(VERSION, from, 'latin1') + VERSION.length
  let version = 0
  for (let digit = (data[at] ?? 0) - ZERO; digit >= 0 && digit <= 9; digit = (data[at] ?? 0) - ZERO) {
    version = version * 10 + digit
    at++
  }
  return version
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const out = Buffer.alloc(FRAME_HEAD + payload.length)
  out.writeUIntBE(payload.length, 0, 3)
  out[3] = type
  out[4] = flags
  out.writeUInt32BE(stream, 5)
  payload.copy(out, FRAME_HEAD)
  return out
}

/** A GET in HPACK, each field literal and without an index: the numbers are those of RFC 7541's static table. */
function requestHeaders(authority: string, token: string, path: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x82, 0x87]),
    literal([0x04], path),
    literal([0x01], authority),
    literal([0x0f, 0x08], `Bearer ${token}`),
  ])
}

/** @throws Error when it doesn't fit in the one byte that its length has */
function literal(name: readonly number[], value: string): Buffer {
  if (value.length > 126) throw new Error(`${value} is too long`)
  return Buffer.from([...name, value.length, ...Buffer.from(value, 'latin1')])
}

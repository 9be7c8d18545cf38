import type { Socket } from 'node:net'
import {
  ACK,
  CONTINUATION,
  DATA,
  ENABLE_PUSH,
  END_HEADERS,
  END_STREAM,
  FRAME_HEAD,
  FRAME_SIZE,
  frame,
  GOAWAY,
  HEADER_TABLE_SIZE,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE,
  MOST_FRAME_SIZE,
  MOST_WINDOW,
  NEEDS_NO_STREAM,
  NEEDS_STREAM,
  NO_ERROR,
  PADDED,
  PING,
  PRIORITY,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW,
  WINDOW_UPDATE,
  windowWith,
  writeHead,
  writeSetting,
} from './frame.ts'
import { HeaderDecoder, HeaderEncoder, type Headers, TABLE_SIZE } from './hpack.ts'
import { Output } from './output.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** How far etcd may go ahead of us: what comes is taken at once, and bounded elsewhere. */
const STREAM_WINDOW = 4 << 20
const SESSION_WINDOW = 64 << 20
const MOST_HEADERS = 256 << 10
/** How much may wait to be sent when a peer asks for answers that aren't calls' own: one that doesn't read them gets no more. */
const MOST_UNREAD = 16 << 20
const LAST_STREAM = 2 ** 31 - 1

/** What one stream tells. */
export interface StreamEvents {
  onHeaders(headers: Headers): void
  /** Bytes of the body. The chunk is never used again: it may be kept. */
  onData(chunk: Buffer, start: number, end: number): void
  /** It is over: `reset` is the code with which etcd broke it off, `error` why the connection did. Called once, and last. */
  onClose(reset: number | undefined, error?: Error): void
}

/** A stream's whole body, which is written once there is a place for it. */
export interface Body {
  readonly size: number
  write(out: Buffer, at: number): void
}

/** Encodes a stream's header block. Called when its turn has come, since a block depends on those before. */
type EncodeHead = (encoder: HeaderEncoder) => Buffer

/** One stream of a session: a request's body on its way out, an answer's on its way in. */
export class SessionStream {
  /** 0 while it waits until fewer streams are open. */
  id = 0
  readonly events: StreamEvents
  /** How many bytes may still be sent. */
  window = 0
  /** How many came since etcd was last told that it may send more. */
  received = 0
  /** What waits for the windows, and whether the body is complete then. */
  waiting: Buffer[] = []
  ends = false
  endSent = false
  closed = false

  constructor(events: StreamEvents) {
    this.events = events
  }
}

/**
 * The client's side of an HTTP/2 connection (RFC 9113), as far as calls to one server need it. Node's own does a stream's work in a dozen
 * objects and as many crossings into native code, which is more than all the rest of a call takes; here what calls send in one turn of
 * the event loop goes out in one write, and what comes in is read where it lies.
 */
export class Session {
  /** Resolves with the first that the server says; rejects when it never does. */
  readonly opened: Promise<void>
  readonly #opened = Promise.withResolvers<void>()
  readonly #socket: Socket
  readonly #encoder = new HeaderEncoder()
  readonly #decoder = new HeaderDecoder()
  readonly #streams = new Map<number, SessionStream>()
  /** Streams that wait until fewer are open. */
  readonly #queue: { readonly stream: SessionStream; readonly head: EncodeHead; readonly body: Body | undefined }[] = []
  readonly #pings: (() => void)[] = []
  readonly #onClose: (() => void)[] = []
  #nextStream = 1
  #mostStreams = Number.POSITIVE_INFINITY
  /** How much may still be sent: on all streams, on a new stream, in a frame. */
  #window = WINDOW
  #streamWindow = WINDOW
  #frameSize = FRAME_SIZE
  #received = 0
  #leaving = false
  #error: Error | undefined

  readonly #out: Output
  /** What came of a frame that isn't whole. */
  #rest: Buffer | undefined
  /** A header block that goes on in the next frame. */
  #block: HeaderBlock | undefined

  /** @param socket connected or about to be; it is the session's from here on */
  constructor(socket: Socket) {
    this.#socket = socket
    this.#out = new Output(socket)
    this.opened = this.#opened.promise
    this.opened.catch(() => {})
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => (this.#error ??= error))
    socket.once('close', () => this.#closed())
    this.#out.send(PREFACE)
    const settings = frame(SETTINGS, 0, 0, 12)
    writeSetting(settings, 0, ENABLE_PUSH, 0)
    writeSetting(settings, 1, INITIAL_WINDOW_SIZE, STREAM_WINDOW)
    this.#out.send(settings)
    this.#grant(0, SESSION_WINDOW - WINDOW)
  }

  /** Whether new streams can be opened. */
  get usable(): boolean {
    return !this.#leaving && !this.#socket.destroyed && this.#nextStream <= LAST_STREAM
  }

  /** Calls back once when the connection is gone; at once when it is. */
  onClose(listener: () => void): void {
    if (this.#socket.destroyed && this.#streams.size === 0) listener()
    else this.#onClose.push(listener)
  }

  /**
   * Opens a stream, at once or when fewer are open.
   * @param body all that is sent; unset when more follows by `write`
   * @throws Error when the session isn't usable
   */
  request(head: EncodeHead, events: StreamEvents, body?: Body): SessionStream {
    if (!this.usable) throw this.#error ?? new Error('the connection is closed')
    const stream = new SessionStream(events)
    stream.ends = body !== undefined
    if (this.#streams.size < this.#mostStreams) this.#open(stream, head, body)
    else this.#queue.push({ stream, head, body })
    return stream
  }

  /** Sends more of a stream's body, as etcd has room for it. */
  write(stream: SessionStream, bytes: Buffer): void {
    if (stream.closed || stream.ends) return
    stream.waiting.push(bytes)
    if (stream.id > 0) this.#pump(stream)
  }

  /** Breaks a stream off; its `onClose` is called. */
  reset(stream: SessionStream, code: number): void {
    if (stream.closed) return
    if (stream.id > 0) this.#sendReset(stream.id, code)
    this.#finish(stream, undefined)
  }

  /** Asks for a sign of life. */
  ping(answered: () => void): void {
    this.#pings.push(answered)
    this.#out.send(frame(PING, 0, 0, 8).fill(0, FRAME_HEAD))
  }

  destroy(error?: Error): void {
    this.#error ??= error
    this.#leaving = true
    this.#socket.destroy()
  }

  // ---- sending ----------------------------------------------------------------------------------------

  #open(stream: SessionStream, head: EncodeHead, body: Body | undefined): void {
    if (stream.closed) return
    stream.id = this.#nextStream
    stream.window = this.#streamWindow
    this.#nextStream += 2
    this.#streams.set(stream.id, stream)
    const block = head(this.#encoder)
    const at = this.#out.room(FRAME_HEAD + block.length)
    writeHead(this.#out.bytes, at, HEADERS, END_HEADERS, stream.id, block.length)
    block.copy(this.#out.bytes, at + FRAME_HEAD)
    if (!body) return
    // Nearly all bodies have room, and are written where they go out from.
    if (body.size <= Math.min(this.#window, stream.window, this.#frameSize)) {
      const start = this.#data(stream, body.size)
      body.write(this.#out.bytes, start)
    } else {
      const bytes = Buffer.allocUnsafe(body.size)
      body.write(bytes, 0)
      stream.waiting.push(bytes)
      this.#pump(stream)
    }
  }

  /** A frame of a stream's body. @returns where its bytes go */
  #data(stream: SessionStream, length: number): number {
    const at = this.#out.room(FRAME_HEAD + length)
    this.#window -= length
    stream.window -= length
    stream.endSent = stream.ends && stream.waiting.length === 0
    writeHead(this.#out.bytes, at, DATA, stream.endSent ? END_STREAM : 0, stream.id, length)
    return at + FRAME_HEAD
  }

  /** Sends what the windows have room for. */
  #pump(stream: SessionStream): void {
    const { waiting } = stream
    while (waiting.length > 0) {
      const next = waiting[0]!
      const room = Math.min(this.#window, stream.window, this.#frameSize)
      if (next.length > room && room <= 0) return
      const part = next.length <= room ? next : next.subarray(0, room)
      if (part === next) waiting.shift()
      else waiting[0] = next.subarray(room)
      const start = this.#data(stream, part.length)
      part.copy(this.#out.bytes, start)
    }
  }

  #pumpAll(): void {
    for (const stream of this.#streams.values()) if (stream.waiting.length > 0) this.#pump(stream)
  }

  /** Sends what the peer asked for. @throws Error when it doesn't read such answers */
  #answer(bytes: Buffer): void {
    if (this.#socket.writableLength > MOST_UNREAD) throw new Error('the server asks for answers that it does not read')
    this.#out.send(bytes)
  }

  #sendReset(stream: number, code: number): void {
    const bytes = frame(RST_STREAM, 0, stream, 4)
    bytes.writeUInt32BE(code, FRAME_HEAD)
    this.#out.send(bytes)
  }

  #grant(stream: number, bytes: number): void {
    const update = frame(WINDOW_UPDATE, 0, stream, 4)
    update.writeUInt32BE(bytes, FRAME_HEAD)
    this.#out.send(update)
  }

  // ---- receiving --------------------------------------------------------------------------------------

  #read(chunk: Buffer): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = undefined
    let at = 0
    try {
      while (at + FRAME_HEAD <= bytes.length) {
        const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
        if (length > FRAME_SIZE) throw new Error(`a frame of ${length} bytes`)
        const end = at + FRAME_HEAD + length
        if (end > bytes.length) break
        this.#frame(bytes, at + FRAME_HEAD, end, bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5) & MOST_WINDOW)
        at = end
      }
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    if (at < bytes.length) this.#rest = at === 0 ? bytes : bytes.subarray(at)
  }

  /** @throws Error when it breaks the protocol */
  #frame(bytes: Buffer, start: number, end: number, type: number, flags: number, stream: number): void {
    if (stream === 0 ? NEEDS_STREAM.has(type) : NEEDS_NO_STREAM.has(type))
      throw new Error(`a frame of type ${type} on stream ${stream}`)
    if (this.#block && (type !== CONTINUATION || stream !== this.#block.stream)) throw new Error('a header block is interrupted')
    switch (type) {
      case DATA:
        this.#take(bytes, start, end, flags, stream)
        break
      case HEADERS:
        this.#header(bytes, start, end, flags, stream)
        break
      case CONTINUATION:
        this.#continuation(bytes.subarray(start, end), flags)
        break
      case RST_STREAM: {
        const found = this.#streams.get(stream)
        if (found) this.#finish(found, uint32(bytes, start, end))
        break
      }
      case SETTINGS:
        this.#settings(bytes, start, end, flags)
        break
      case PING:
        this.#ping(bytes.subarray(start, end), flags)
        break
      case GOAWAY:
        this.#goAway(uint32(bytes, start, end) & MOST_WINDOW)
        break
      case WINDOW_UPDATE:
        this.#windowUpdate(stream, uint32(bytes, start, end) & MOST_WINDOW)
        break
      case PUSH_PROMISE:
        throw new Error('a push that nobody asked for')
    }
  }

  #ping(asked: Buffer, flags: number): void {
    if (asked.length !== 8) throw new Error('a ping frame of the wrong size')
    if (flags & ACK) {
      this.#pings.shift()?.()
      return
    }
    const pong = frame(PING, ACK, 0, asked.length)
    asked.copy(pong, FRAME_HEAD)
    this.#answer(pong)
  }

  #take(bytes: Buffer, start: number, end: number, flags: number, id: number): void {
    this.#received += end - start
    if (this.#received >= SESSION_WINDOW / 4) {
      this.#grant(0, this.#received)
      this.#received = 0
    }
    const stream = this.#streams.get(id)
    // What still comes on a stream that we broke off.
    if (!stream) return
    stream.received += end - start
    if (stream.received >= STREAM_WINDOW / 4 && !(flags & END_STREAM)) {
      this.#grant(id, stream.received)
      stream.received = 0
    }
    const padding = flags & PADDED ? 1 + (bytes[start] ?? 0) : 0
    if (padding > end - start) throw new Error('a frame is all padding')
    const first = padding ? start + 1 : start
    const last = padding ? end - padding + 1 : end
    if (last > first) stream.events.onData(bytes, first, last)
    if (flags & END_STREAM) this.#ended(stream)
  }

  #header(bytes: Buffer, start: number, end: number, flags: number, stream: number): void {
    const padding = flags & PADDED ? bytes[start]! : 0
    const first = start + (flags & PADDED ? 1 : 0) + (flags & PRIORITY ? 5 : 0)
    const last = end - padding
    if (first > last) throw new Error('a header frame is too short')
    if (flags & END_HEADERS) {
      this.#headers(this.#decoder.decode(bytes, first, last), flags, stream)
      return
    }
    this.#block = { stream, flags, parts: [bytes.subarray(first, last)], size: last - first }
  }

  #continuation(part: Buffer, flags: number): void {
    const block = this.#block
    if (!block) throw new Error('a header block goes on that never began')
    block.parts.push(part)
    // Frames count by themselves: there is no end of empty ones.
    block.size += FRAME_HEAD + part.length
    if (block.size > MOST_HEADERS) throw new Error(`more than ${MOST_HEADERS} bytes of headers`)
    if (!(flags & END_HEADERS)) return
    this.#block = undefined
    this.#headers(this.#decoder.decode(Buffer.concat(block.parts)), block.flags, block.stream)
  }

  #headers(headers: Headers, flags: number, id: number): void {
    const stream = this.#streams.get(id)
    if (!stream) return
    stream.events.onHeaders(headers)
    if (flags & END_STREAM) this.#ended(stream)
  }

  #settings(bytes: Buffer, start: number, end: number, flags: number): void {
    if (flags & ACK) return
    if ((end - start) % 6 !== 0) throw new Error('a settings frame is cut off')
    for (let at = start; at < end; at += 6) this.#setting(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2))
    this.#answer(frame(SETTINGS, ACK, 0, 0))
    this.#opened.resolve()
  }

  #setting(name: number, value: number): void {
    if (name === HEADER_TABLE_SIZE && value < TABLE_SIZE) this.#encoder.useNoTable()
    else if (name === MAX_CONCURRENT_STREAMS) {
      this.#mostStreams = value
      this.#unqueue()
    } else if (name === MAX_FRAME_SIZE) {
      if (value < FRAME_SIZE || value > MOST_FRAME_SIZE) throw new Error(`frames of at most ${value} bytes`)
      this.#frameSize = value
    } else if (name === INITIAL_WINDOW_SIZE) {
      if (value > MOST_WINDOW) throw new Error(`a window of ${value} bytes`)
      const more = value - this.#streamWindow
      this.#streamWindow = value
      for (const stream of this.#streams.values()) stream.window = windowWith(stream.window, more)
      this.#pumpAll()
    }
  }

  #windowUpdate(id: number, more: number): void {
    if (more === 0) throw new Error('a window grows by nothing')
    if (id === 0) {
      this.#window = windowWith(this.#window, more)
      this.#pumpAll()
      return
    }
    const stream = this.#streams.get(id)
    if (!stream) return
    stream.window = windowWith(stream.window, more)
    this.#pump(stream)
  }

  /** The server takes no new streams, and has never seen those after `last`. */
  #goAway(last: number): void {
    this.#leaving = true
    // Those that wait first: the end of others would open them, on a connection that takes none.
    for (const { stream } of this.#queue.splice(0)) this.#finish(stream, REFUSED_STREAM)
    for (const stream of [...this.#streams.values()]) if (stream.id > last) this.#finish(stream, REFUSED_STREAM)
    this.#leaveIfIdle()
  }

  /** The server has said all of a stream. */
  #ended(stream: SessionStream): void {
    // It doesn't want the rest of what we had to say.
    if (!stream.endSent) this.#sendReset(stream.id, NO_ERROR)
    this.#finish(stream, undefined)
  }

  #finish(stream: SessionStream, reset: number | undefined, error?: Error): void {
    if (stream.closed) return
    stream.closed = true
    stream.waiting = []
    if (stream.id > 0) this.#streams.delete(stream.id)
    else this.#forget(stream)
    stream.events.onClose(reset, error)
    this.#unqueue()
    this.#leaveIfIdle()
  }

  /** Takes a stream out of those that wait, which may be forever. */
  #forget(stream: SessionStream): void {
    const at = this.#queue.findIndex((waiting) => waiting.stream === stream)
    if (at >= 0) this.#queue.splice(at, 1)
  }

  #unqueue(): void {
    while (this.#queue.length > 0 && this.#streams.size < this.#mostStreams) {
      const { stream, head, body } = this.#queue.shift()!
      this.#open(stream, head, body)
    }
  }

  #leaveIfIdle(): void {
    if (this.#leaving && this.#streams.size === 0) this.#socket.destroySoon()
  }

  #closed(): void {
    this.#leaving = true
    const error = this.#error ?? new Error('the connection was lost')
    this.#opened.reject(error)
    for (const { stream } of this.#queue.splice(0)) this.#finish(stream, REFUSED_STREAM)
    for (const stream of [...this.#streams.values()]) this.#finish(stream, undefined, error)
    for (const listener of this.#onClose.splice(0)) listener()
  }
}

interface HeaderBlock {
  readonly stream: number
  /** Of the frame that began it. */
  readonly flags: number
  readonly parts: Buffer[]
  size: number
}

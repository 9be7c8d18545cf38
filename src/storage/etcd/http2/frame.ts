/** Types of frames, their flags, settings and error codes (RFC 9113, sections 6 and 7). */
export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
export const PADDED = 8
export const PRIORITY = 0x20

export const NEEDS_STREAM: ReadonlySet<number> = new Set([DATA, HEADERS, RST_STREAM, CONTINUATION])
export const NEEDS_NO_STREAM: ReadonlySet<number> = new Set([SETTINGS, PING, GOAWAY])

export const HEADER_TABLE_SIZE = 1
export const ENABLE_PUSH = 2
export const MAX_CONCURRENT_STREAMS = 3
export const INITIAL_WINDOW_SIZE = 4
export const MAX_FRAME_SIZE = 5

export const NO_ERROR = 0
export const REFUSED_STREAM = 7
export const CANCEL = 8

/** Bytes of a frame before what it carries. */
export const FRAME_HEAD = 9
/** What a peer may send at most in a frame, and how far it may go ahead, when nobody says otherwise. */
export const FRAME_SIZE = 16_384
export const WINDOW = 65_535
export const MOST_WINDOW = 2 ** 31 - 1
export const MOST_FRAME_SIZE = 2 ** 24 - 1

/** A frame's head, with room for what it carries. */
export function frame(type: number, flags: number, stream: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD + length)
  writeHead(bytes, 0, type, flags, stream, length)
  return bytes
}

export function writeHead(bytes: Buffer, at: number, type: number, flags: number, stream: number, length: number): void {
  bytes[at] = length >> 16
  bytes[at + 1] = (length >> 8) & 255
  bytes[at + 2] = length & 255
  bytes[at + 3] = type
  bytes[at + 4] = flags
  bytes.writeUInt32BE(stream, at + 5)
}

export function writeSetting(settings: Buffer, index: number, name: number, value: number): void {
  settings.writeUInt16BE(name, FRAME_HEAD + index * 6)
  settings.writeUInt32BE(value, FRAME_HEAD + index * 6 + 2)
}

/** Windows above the limit would let one side send what the other has no count for. @throws Error */
export function windowWith(window: number, more: number): number {
  if (window + more > MOST_WINDOW) throw new Error(`a window of ${window + more} bytes`)
  return window + more
}

export function uint32(bytes: Buffer, start: number, end: number): number {
  if (end - start < 4) throw new Error('a frame is too short')
  return bytes.readUInt32BE(start)
}

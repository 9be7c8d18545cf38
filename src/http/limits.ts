/** What a client may ask of a connection. The defaults are the reference's. */
export interface HttpLimits {
  /** Request line and headers together, in bytes. */
  maxHeaderBytes: number
  /** Header fields in one request. */
  maxHeaders: number
  /** How long the TLS handshake, and then the headers of a request, may take, in ms. */
  headerTimeoutMs: number
  /** How long a connection may stay without a request, in ms. */
  idleTimeoutMs: number
  /** How long a client may take over a body that nobody reads, in ms. Whoever reads one has the request's deadline. */
  bodyTimeoutMs: number
  /** Requests open at once on one HTTP/2 connection. */
  maxStreams: number
  /** What a client may send on one HTTP/2 stream before the server takes it, in bytes; also the largest frame. */
  streamWindow: number
  /** Streams that a client may reset at once, and then per second, before its HTTP/2 connection is closed. */
  resetBurst: number
  resetsPerSecond: number
  /** How long an HTTP/2 client of which a stream was given up may take to answer a ping, in ms. One that reads nothing loses its connection. */
  pingTimeoutMs: number
}

export const DEFAULT_LIMITS: Readonly<HttpLimits> = {
  maxHeaderBytes: 1 << 20,
  maxHeaders: 2_000,
  headerTimeoutMs: 32_000,
  idleTimeoutMs: 90_000,
  bodyTimeoutMs: 300_000,
  maxStreams: 100,
  // Most objects fit in one frame, and 100 such windows are still a bearable buffer for one connection.
  streamWindow: 256 * 1024,
  resetBurst: 1_000,
  resetsPerSecond: 100,
  pingTimeoutMs: 30_000,
}

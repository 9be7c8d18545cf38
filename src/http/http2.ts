import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Connection, Shared } from './connection.ts'
import { Http2Transport } from './http2-transport.ts'
import type { HttpLimits } from './limits.ts'

/** One HTTP/2 connection, and what its requests share. */
export class Http2Connection implements Connection {
  readonly socket: Socket
  readonly #session: ServerHttp2Session
  readonly #shared: Shared
  readonly #goaway: () => boolean
  #inFlight = 0
  #probe: NodeJS.Timeout | undefined

  /** @param goaway tells for each request whether it is the last that the client may send on this connection */
  constructor(socket: Socket, shared: Shared, goaway: () => boolean) {
    const { limits } = shared
    this.socket = socket
    this.#shared = shared
    this.#goaway = goaway
    const session = performServerHandshake(socket, sessionOptions(limits))
    this.#session = session
    session.setLocalWindowSize(limits.streamWindow * limits.maxStreams)
    session.on('stream', (stream, headers, _flags, rawHeaders) => this.#onStream(stream, headers, rawHeaders))
    // Whatever is wrong with a connection, its streams close and it is gone.
    session.on('error', ignore)
    session.setTimeout(limits.idleTimeoutMs, () => {
      if (this.#inFlight === 0) session.close()
    })
  }

  get gzip(): Shared['gzip'] {
    return this.#shared.gzip
  }

  gather(): Promise<void> {
    return this.#shared.gather()
  }

  answered(): void {
    this.#inFlight--
    this.#shared.answered()
  }

  leave(): void {
    if (!this.#session.closed) this.#session.close()
  }

  /**
   * Asks whether the client still reads, and closes the connection if it doesn't: the end of a stream that was given up can't be told
   * then, and what waited on it would be kept as long as the connection.
   */
  probe(): void {
    if (this.#probe || this.#session.destroyed) return
    this.#probe = setTimeout(() => this.socket.destroy(), this.#shared.limits.pingTimeoutMs)
    // Also called when the connection ends before an answer.
    this.#session.ping(() => {
      clearTimeout(this.#probe)
      this.#probe = undefined
    })
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    this.#inFlight++
    if (this.#goaway()) this.leave()
    this.#shared.dispatch(new Http2Transport(stream, headers, rawHeaders, this))
  }
}

function sessionOptions(limits: Readonly<HttpLimits>): object {
  return {
    settings: {
      maxConcurrentStreams: limits.maxStreams,
      initialWindowSize: limits.streamWindow,
      maxFrameSize: limits.streamWindow,
      maxHeaderListSize: limits.maxHeaderBytes,
      enablePush: false,
    },
    maxHeaderListPairs: limits.maxHeaders,
    // In MB: what the windows allow, and as much again for headers and answers.
    maxSessionMemory: Math.ceil((2 * limits.streamWindow * limits.maxStreams) / 1e6) + 10,
    // Padding only hides lengths.
    paddingStrategy: constants.PADDING_STRATEGY_NONE,
    streamResetBurst: limits.resetBurst,
    streamResetRate: limits.resetsPerSecond,
  }
}

const ignore = (): void => {}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { answerClientError } from './bad-requests.ts'
import type { Connection, Shared } from './connection.ts'
import { Http1Transport } from './http1-transport.ts'
import { http } from './node-http.ts'

/** How long a connection is kept for the client to read the last answer while it still sends, in ms. Go's value. */
const LINGER_MS = 500

/** Turns TLS sockets into HTTP/1.1 requests. */
export class Http1 {
  readonly #shared: Shared
  readonly #server
  readonly #connections = new WeakMap<Socket, Http1Connection>()

  /** @param mayUpgrade tells by a URL whether its requests may turn a connection into one of another protocol */
  constructor(shared: Shared, mayUpgrade: (url: string) => boolean) {
    const { limits } = shared
    this.#shared = shared
    this.#server = http.createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.bodyTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      // Without it Node sets up and takes down a reader for a body that isn't there.
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: (request) => mayUpgrade(request.url!) && wantsUpgrade(request),
      connectionsCheckingInterval: Math.min(5_000, limits.headerTimeoutMs),
    })
    // Node would drop what is over the number and say nothing: one more is let in, to be refused.
    this.#server.maxHeadersCount = limits.maxHeaders + 1
    // Else it ends a connection as soon as the client has said its last, with a request that is still to be dispatched.
    Object.assign(this.#server, { httpAllowHalfOpen: true })
    this.#server.on('request', (request, response) => this.#onRequest(request, response))
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response, { expectsContinue: true }))
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket as Socket, head))
    this.#server.on('clientError', answerClientError)
    // It never listens itself, and only looks for slow clients once it does.
    this.#server.emit('listening')
  }

  adopt(socket: Socket): Connection {
    const connection = new Http1Connection(socket, this.#shared)
    this.#connections.set(socket, connection)
    this.#server.emit('connection', socket)
    socket.allowHalfOpen = true
    socket.once('end', () => void this.#endAfterCohort(socket))
    return connection
  }

  close(): void {
    this.#server.close()
  }

  /** Requests that came with the end are answered if that takes no waiting; others find that their client is gone. */
  async #endAfterCohort(socket: Socket): Promise<void> {
    await this.#shared.gather()
    await this.#shared.gather()
    if (!this.#connections.get(socket)?.takenOver) socket.end()
  }

  /** Node has done with the connection. Unless it is taken over, the request gets an answer like any other, and then the connection ends. */
  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', ignore)
    socket.setTimeout(0)
    const response = new http.ServerResponse(request)
    response.assignSocket(socket)
    const connection = this.#connections.get(socket)!
    connection.leaving = true
    response.once('finish', () => {
      response.detachSocket(socket)
      response.emit('close')
    })
    this.#onRequest(request, response, { head })
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, special?: { expectsContinue?: boolean; head?: Buffer }): void {
    const connection = this.#connections.get(request.socket)!
    if (request.rawHeaders.length > 2 * this.#shared.limits.maxHeaders) {
      response.writeHead(431, { connection: 'close' }).end()
      return
    }
    connection.inFlight++
    this.#shared.dispatch(new Http1Transport(request, response, connection, special))
  }
}

/** Whether the client asks for another protocol on this connection: not with a body, nor for HTTP/2, which it gets by its handshake. */
function wantsUpgrade({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  if ((length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined) return false
  return !/^h2c?$/i.test(headers.upgrade ?? '')
}

const ignore = (): void => {}

/** What the requests of one HTTP/1.1 connection share. */
export class Http1Connection implements Connection {
  readonly socket: Socket
  /** More than one only when requests are pipelined. */
  inFlight = 0
  /** Whether answers tell the client to open another connection. */
  leaving = false
  /** Whether it isn't HTTP any more. */
  takenOver = false
  readonly #shared: Shared

  constructor(socket: Socket, shared: Shared) {
    this.socket = socket
    this.#shared = shared
  }

  get gzip(): Shared['gzip'] {
    return this.#shared.gzip
  }

  gather(): Promise<void> {
    return this.#shared.gather()
  }

  answered(): void {
    this.inFlight--
    this.#shared.answered()
    // An answer that had started before the server began to stop couldn't say that it is the last.
    if (this.leaving && this.inFlight === 0) this.linger()
  }

  leave(): void {
    this.leaving = true
    if (this.inFlight === 0) this.socket.destroy()
  }

  /**
   * Ends the connection after what was written to it. Closing it while the client still sends would reset it, and the
   * client might never see the answer.
   */
  linger(): void {
    const { socket } = this
    if (socket.destroyed) return
    socket.end()
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
    socket.once('close', () => clearTimeout(timer))
  }
}

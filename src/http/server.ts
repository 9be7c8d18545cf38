import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, createServer, type Server as NodeTlsServer, type SecureContext, type TLSSocket } from 'node:tls'
import type { Transport } from '../machinery/exchange.ts'
import { Cohort } from '../util/cohort.ts'
import { answerPlainHttp } from './bad-requests.ts'
import type { Connection, Shared } from './connection.ts'
import { Gzip } from './gzip.ts'
import { Http1 } from './http1.ts'
import { Http2Connection } from './http2.ts'
import { DEFAULT_LIMITS, type HttpLimits } from './limits.ts'
import { byServerName, forServerName } from './server-names.ts'
import { secureContext, type TlsMaterial, tlsOptions } from './tls.ts'

export interface ListenDeps {
  tls: TlsMaterial
  host: string
  /** 0 for any that is free. */
  port: number
  /** Called once per request. What it throws is logged, and drops the request. */
  handler: (transport: Transport) => void
  limits?: Partial<HttpLimits>
  /** Whether large answers are compressed for clients that ask for it. On by default. */
  compression?: boolean
  /** Chance from 0 to 1 that a request makes its HTTP/2 client open another connection, so that load is balanced anew. */
  goawayChance?: number
  random?: () => number
  /**
   * Tells by a URL whether its requests may turn a connection into one of another protocol, as `Transport.takeOver` does. Elsewhere it
   * isn't heard when a client asks for one.
   */
  mayUpgrade?: (url: string) => boolean
  logger?: { debug(message: string, fields?: object): void; error(message: string, fields?: object): void }
}

export interface HttpServer {
  readonly address: AddressInfo
  readonly openConnections: number
  readonly requestsInFlight: number
  /** Serves new connections with another certificate, or other authorities of clients. */
  setTls(tls: TlsMaterial): void
  /**
   * Stops: takes no new connections, closes idle ones, asks the clients of the others to leave, waits for the requests
   * in flight, and after `graceMs` drops what is left. Another call can only shorten the wait.
   */
  close(options: { graceMs: number }): Promise<void>
}

/**
 * Serves HTTP/1.1 and HTTP/2 over TLS on one port.
 *
 * @throws Error when the port can't be bound or the certificate can't be used
 */
export async function listen(deps: ListenDeps): Promise<HttpServer> {
  const server = new Server(deps)
  await server.bind()
  return server
}

class Server implements HttpServer, Shared {
  readonly limits: Readonly<HttpLimits>
  readonly gzip: Gzip | undefined
  requestsInFlight = 0
  address!: AddressInfo
  readonly #deps: ListenDeps
  readonly #tls: NodeTlsServer
  readonly #http1: Http1
  /** TCP sockets before their handshake, TLS sockets after it. */
  readonly #connections = new Map<Socket, Connection | undefined>()
  readonly #goaway: () => boolean
  readonly #cohort = new Cohort()
  #names: ReadonlyMap<string, SecureContext>
  #leaving = false
  readonly #gone = Promise.withResolvers<void>()

  constructor(deps: ListenDeps) {
    this.#deps = deps
    this.limits = { ...DEFAULT_LIMITS, ...deps.limits }
    this.gzip = deps.compression === false ? undefined : new Gzip()
    const { goawayChance = 0, random = Math.random } = deps
    this.#goaway = () => goawayChance > 0 && random() < goawayChance
    this.#http1 = new Http1(this, deps.mayUpgrade ?? (() => false))
    this.#names = contexts(deps.tls)
    this.#tls = createServer({
      ...tlsOptions(deps.tls),
      SNICallback: (name, done) => done(null, forServerName(this.#names, name)),
      handshakeTimeout: this.limits.headerTimeoutMs,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 180_000,
    })
    this.#tls.on('connection', (socket: Socket) => this.#track(socket, undefined))
    this.#tls.on('secureConnection', (socket) => this.#onSecureConnection(socket))
    this.#tls.on('tlsClientError', (error, socket) => this.#onHandshakeError(error, socket))
  }

  async bind(): Promise<void> {
    this.#tls.listen(this.#deps.port, this.#deps.host, 4096)
    await once(this.#tls, 'listening')
    this.address = this.#tls.address() as AddressInfo
    this.#tls.on('error', (error) => this.#deps.logger?.error('can not accept connections', { error }))
  }

  get openConnections(): number {
    return this.#connections.size
  }

  setTls(tls: TlsMaterial): void {
    const names = contexts(tls)
    this.#tls.setSecureContext(secureContext(tls))
    this.#names = names
  }

  close({ graceMs }: { graceMs: number }): Promise<void> {
    if (!this.#leaving) this.#leave()
    const deadline = setTimeout(() => this.#drop(), graceMs)
    return this.#gone.promise.finally(() => clearTimeout(deadline))
  }

  gather(): Promise<void> {
    return this.#cohort.gather()
  }

  dispatch(transport: Transport): void {
    this.requestsInFlight++
    void this.#cohort.gather().then(() => this.#handle(transport))
  }

  #handle(transport: Transport): void {
    try {
      this.#deps.handler(transport)
    } catch (error) {
      this.#deps.logger?.error('a request failed', { error })
      transport.destroy()
    }
  }

  answered(): void {
    this.requestsInFlight--
    this.#settle()
  }

  #leave(): void {
    this.#leaving = true
    this.#tls.close(() => this.#settle())
    for (const [socket, connection] of this.#connections) {
      if (connection) connection.leave()
      else socket.destroy()
    }
  }

  #drop(): void {
    for (const socket of this.#connections.keys()) socket.destroy()
    // Sockets close in a moment; whatever one of them may do, the bound holds.
    setTimeout(() => this.#gone.resolve(), 100).unref()
  }

  #settle(): void {
    if (!this.#leaving || this.#tls.listening || this.#connections.size > 0 || this.requestsInFlight > 0) return
    this.#http1.close()
    this.#gone.resolve()
  }

  #track(socket: Socket, connection: Connection | undefined): void {
    this.#connections.set(socket, connection)
    socket.once('close', () => {
      this.#connections.delete(socket)
      this.#settle()
    })
  }

  #onSecureConnection(socket: TLSSocket): void {
    const connection = socket.alpnProtocol === 'h2' ? new Http2Connection(socket, this, this.#goaway) : this.#http1.adopt(socket)
    this.#connections.delete(underlying(socket))
    this.#track(socket, connection)
    // A handshake can end while the server is stopping.
    if (this.#leaving) connection.leave()
  }

  #onHandshakeError(error: Error & { code?: string }, socket: TLSSocket): void {
    this.#deps.logger?.debug('TLS handshake error', { error: error.message, remoteAddress: underlying(socket).remoteAddress })
    if (error.code === 'ERR_SSL_HTTP_REQUEST') answerPlainHttp(underlying(socket))
    else underlying(socket).destroy()
  }
}

/** The other certificates by the names that clients may ask for. @throws Error when one can't be used */
const contexts = (tls: TlsMaterial): ReadonlyMap<string, SecureContext> =>
  byServerName(tls.sni ?? [], ({ cert, key }) => createSecureContext(secureContext({ ...tls, cert, key })))

/** The TCP socket below a TLS socket. Node has no public name for it. */
const underlying = (socket: TLSSocket): Socket => (socket as TLSSocket & { _parent?: Socket })._parent ?? socket

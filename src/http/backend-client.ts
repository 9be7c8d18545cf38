import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2'
import https from 'node:https'
import { type Duplex, Readable } from 'node:stream'
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import { RecentMap } from '../util/recent-map.ts'
import { connectionError } from './client-errors.ts'
import type { AnswerHeaders } from './headers.ts'
import { http } from './node-http.ts'

/** How a backend proves who it is, and we who we are; all in PEM. */
export interface BackendTls {
  /** Authorities to trust instead of the usual ones. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name that its certificate must have, when it isn't the host. */
  readonly serverName?: string | undefined
  /** Takes whatever certificate it has. */
  readonly insecure?: boolean | undefined
}

/** Where a backend listens. Two that are alike share connections. */
export interface BackendTarget {
  readonly host: string
  readonly port: number
  /** Unset for plain HTTP. */
  readonly tls?: BackendTls | undefined
}

export interface BackendRequest {
  readonly method: string
  /** Path and query, as they are sent. */
  readonly path: string
  /** Lower-case names; `host` is the target's when unset. */
  readonly headers: AnswerHeaders
  readonly body?: AsyncIterable<Buffer> | undefined
  /** Ends the request, at any time until its answer is complete. */
  readonly signal?: AbortSignal | undefined
}

export interface BackendAnswer {
  readonly code: number
  /** Lower-case names, without those of the connection. */
  readonly headers: AnswerHeaders
  readonly body: AsyncIterable<Buffer>
}

/** A connection on which the backend speaks another protocol from now on. */
export interface UpgradedBackend {
  readonly stream: Duplex
  /** What came of it already. */
  readonly head: Buffer
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[]
}

/** There is no answer. The message is what Go's HTTP client says of it. */
export class BackendError extends Error {
  override readonly name = 'BackendError'
}

/** Headers that are a connection's, and not for who is behind it. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const ONLY_ASKS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
/** How long connections are kept that nobody uses, in ms. */
const IDLE_MS = 90_000
const DIAL_MS = 30_000
/** An HTTP/2 connection that was silent for so long, in ms, is asked whether it still is one, */
const SILENT_MS = 30_000
/** and given up when nothing comes for this long. */
const PING_MS = 15_000
/** What a backend may send on a stream before we take it, in bytes. */
const WINDOW = 256 * 1024
/** Targets whose connections are kept. */
const MAX_PEERS = 1000
/** Streams on one HTTP/2 connection, of a backend that names no number. */
const MAX_STREAMS = 100

/** Calls other servers: over HTTP/2 where they speak it, and else over HTTP/1.1, on connections that are kept. */
export class BackendClient {
  /** Those that aren't used any more lose their connections by and by. */
  readonly #peers = new RecentMap<Peer>(MAX_PEERS)
  readonly #all = new Set<WeakRef<Peer>>()

  /** @throws BackendError (rejects) when there is no answer */
  async request(target: BackendTarget, request: BackendRequest): Promise<BackendAnswer> {
    const peer = this.#peer(target)
    try {
      return await peer.request(request)
    } catch (error) {
      // A connection that had been kept, but not by the other side: what only asks may be sent again.
      if (!(error instanceof StaleError) || request.body || !ONLY_ASKS.has(request.method)) throw told(error)
    }
    try {
      return await peer.request(request)
    } catch (error) {
      throw told(error)
    }
  }

  /** Asks for another protocol by the headers `connection` and `upgrade`. @throws BackendError (rejects) when there is no answer */
  async upgrade(target: BackendTarget, request: BackendRequest): Promise<BackendAnswer | UpgradedBackend> {
    try {
      return await this.#peer(target).upgrade(request)
    } catch (error) {
      throw told(error)
    }
  }

  /** Lets go of what isn't in use; what is, ends by itself. */
  close(): void {
    for (const peer of this.#all) peer.deref()?.close()
  }

  #peer(target: BackendTarget): Peer {
    const key = JSON.stringify([target.host, target.port, target.tls])
    let peer = this.#peers.find(key)
    if (!peer) {
      peer = new Peer(target)
      this.#peers.keep(key, peer)
      for (const one of this.#all) if (!one.deref()) this.#all.delete(one)
      this.#all.add(new WeakRef(peer))
    }
    return peer
  }
}

/** The other side had closed the connection before it took the request. */
class StaleError extends Error {}

function told(error: unknown): BackendError {
  const text = error instanceof StaleError ? 'EOF' : connectionError(error as Error)
  return new BackendError(text, { cause: error })
}

function tlsOptions({ ca, cert, key, serverName, insecure }: BackendTls): ConnectionOptions {
  return {
    rejectUnauthorized: !insecure,
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(serverName ? { servername: serverName } : {}),
    checkServerIdentity: (host, cert) => (cert.subjectaltname ? checkServerIdentity(host, cert) : new Error(NO_NAMES)),
  }
}

/** Node would take such a certificate, Go doesn't. */
const NO_NAMES = 'tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead'

/** The connections to one target. */
class Peer {
  readonly #target: BackendTarget
  readonly #tls: ConnectionOptions
  readonly #agent: HandedAgent | Agent
  #sessions: ClientHttp2Session[] = []
  readonly #streams = new WeakMap<ClientHttp2Session, number>()
  #speaksHttp1: boolean
  #dialing: Promise<void> | undefined

  constructor(target: BackendTarget) {
    this.#target = target
    this.#speaksHttp1 = !target.tls
    this.#tls = target.tls ? tlsOptions(target.tls) : {}
    const kept = { keepAlive: true, timeout: IDLE_MS }
    this.#agent = target.tls ? new HandedAgent({ ...this.#tls, ...kept, ALPNProtocols: ['http/1.1'] }) : new http.Agent(kept)
  }

  get #host(): string {
    const { host, port } = this.#target
    return `${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  close(): void {
    for (const session of this.#sessions) session.close()
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    if (this.#agent instanceof HandedAgent) this.#agent.drop()
  }

  async request(request: BackendRequest): Promise<BackendAnswer> {
    for (;;) {
      if (this.#speaksHttp1) return await this.#overHttp1(request)
      const session = this.#freeSession()
      if (session) return await this.#overHttp2(session, request)
      // Whoever comes while one dials takes what comes of it.
      this.#dialing ??= this.#dial().finally(() => {
        this.#dialing = undefined
      })
      await this.#dialing
    }
  }

  #freeSession(): ClientHttp2Session | undefined {
    return this.#sessions.find((session) => {
      const most = session.remoteSettings?.maxConcurrentStreams ?? MAX_STREAMS
      return !session.closed && !session.destroyed && (this.#streams.get(session) ?? 0) < most
    })
  }

  async #dial(): Promise<void> {
    const socket = await dial(this.#target, { ...this.#tls, ALPNProtocols: ['h2', 'http/1.1'] })
    if (socket.alpnProtocol !== 'h2') {
      this.#speaksHttp1 = true
      ;(this.#agent as HandedAgent).hand(socket)
      return
    }
    const session = connectHttp2(`https://${this.#host}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW },
    })
    const forget = (): void => {
      this.#sessions = this.#sessions.filter((one) => one !== session)
    }
    session.on('error', forget).on('close', forget).on('goaway', forget)
    session.setTimeout(SILENT_MS, () => this.#wake(session))
    // How many streams it takes is known with its settings.
    await new Promise<void>((resolve, reject) => {
      session.once('remoteSettings', () => resolve())
      session.once('close', () => reject(new StaleError()))
    })
    this.#sessions.push(session)
  }

  #wake(session: ClientHttp2Session): void {
    if ((this.#streams.get(session) ?? 0) === 0) {
      session.close()
      return
    }
    const timer = setTimeout(() => session.destroy(), PING_MS).unref()
    session.ping(() => clearTimeout(timer))
  }

  #overHttp2(session: ClientHttp2Session, { method, path, headers, body, signal }: BackendRequest): Promise<BackendAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<BackendAnswer>()
    const { host = this.#host, ...others } = headers
    const pseudo = { ':method': method, ':path': path, ':scheme': 'https', ':authority': String(host) }
    const stream = session.request({ ...pseudo, ...ofMessage(others) }, { endStream: !body })
    this.#streams.set(session, (this.#streams.get(session) ?? 0) + 1)
    const abort = (): void => stream.close(constants.NGHTTP2_CANCEL)
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    stream.on('response', ({ ':status': code = 0, ...rest }) =>
      resolve({ code, headers: ofMessage(rest), body: complete(stream) }),
    )
    stream.on('error', (error) => {
      const isRefused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || session.destroyed
      reject(isRefused ? new StaleError() : error)
    })
    stream.on('close', () => {
      this.#streams.set(session, (this.#streams.get(session) ?? 1) - 1)
      signal?.removeEventListener('abort', abort)
      if (signal?.aborted) reject(new Error('context canceled'))
      else reject(session.closed || session.destroyed ? new StaleError() : new Error('EOF'))
    })
    if (body) send(body, stream)
    return promise
  }

  #overHttp1(request: BackendRequest): Promise<BackendAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<BackendAnswer>()
    const sent = this.#send(request, this.#agent, (answer) => resolve(answerOf(answer)))
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (request.signal?.aborted) reject(new Error('context canceled'))
      else if (sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) reject(new StaleError())
      else reject(error)
    })
    if (request.body) send(request.body, sent)
    else sent.end()
    return promise
  }

  upgrade(request: BackendRequest): Promise<BackendAnswer | UpgradedBackend> {
    const { promise, resolve, reject } = Promise.withResolvers<BackendAnswer | UpgradedBackend>()
    const sent = this.#send(request, false, (answer) => resolve(answerOf(answer)))
    sent.on('upgrade', ({ rawHeaders }: IncomingMessage, stream: Duplex, head: Buffer) => {
      // Until somebody listens, its end says all.
      stream.on('error', ignore)
      resolve({ rawHeaders, stream, head })
    })
    sent.on('error', (error) => reject(request.signal?.aborted ? new Error('context canceled') : error))
    sent.end()
    return promise
  }

  #send(
    { method, path, headers, signal }: BackendRequest,
    agent: Agent | false,
    answered: (answer: IncomingMessage) => void,
  ): ClientRequest {
    const { host, port } = this.#target
    const options = {
      host,
      port,
      method,
      path,
      agent,
      headers: { ...headers, host: String(headers.host ?? this.#host) },
      ...(signal ? { signal } : {}),
    }
    if (!this.#target.tls) return http.request(options, answered)
    const secured: https.RequestOptions & ConnectionOptions = { ...options, ...this.#tls, ALPNProtocols: ['http/1.1'] }
    return https.request(secured, answered)
  }
}

/** Sends a body as fast as it is taken; a client that breaks off breaks off here, too. */
function send(body: AsyncIterable<Buffer>, to: Duplex | ClientRequest): void {
  const from = Readable.from(body, { objectMode: false })
  from.on('error', () => to.destroy())
  to.on('close', () => from.destroy())
  from.pipe(to)
}

function answerOf(answer: IncomingMessage): BackendAnswer {
  return { code: answer.statusCode ?? 0, headers: ofMessage(answer.headers), body: answer }
}

/** A stream that is reset ends like any other: only its code tells. */
async function* complete(stream: ClientHttp2Stream): AsyncGenerator<Buffer, void> {
  yield* stream as AsyncIterable<Buffer>
  if (stream.rstCode || stream.aborted) throw new Error('unexpected EOF')
}

/** Those that aren't the connection's. */
function ofMessage(headers: Readonly<Record<string, string | string[] | undefined>>): AnswerHeaders {
  const named = String(headers.connection ?? '')
    .toLowerCase()
    .split(/\s*,\s*/)
  const kept: AnswerHeaders = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named.includes(name)) kept[name] = value
  return kept
}

function dial({ host, port }: BackendTarget, tls: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...tls, host, port })
    const timer = setTimeout(() => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)), DIAL_MS)
    const failed = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    const closed = (): void => failed(new Error('EOF'))
    socket.once('error', failed).once('close', closed)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', failed).off('close', closed)
      resolve(socket)
    })
  })
}

/** An agent that may be given a connection which was made to find out what the backend speaks. */
class HandedAgent extends https.Agent {
  #handed: TLSSocket | undefined

  hand(socket: TLSSocket): void {
    this.#handed = socket
    // Until a request takes it there is nobody to tell of its end.
    socket.on('error', ignore)
  }

  drop(): void {
    this.#handed?.destroy()
  }

  override createConnection(
    options: Parameters<https.Agent['createConnection']>[0],
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const handed = this.#handed
    this.#handed = undefined
    return handed && !handed.destroyed ? handed : super.createConnection(options, done)
  }
}

const ignore = (): void => {}

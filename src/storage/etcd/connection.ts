import { readFile } from 'node:fs/promises'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Cohort } from '../../util/cohort.ts'
import { answeredError, code, RpcError } from './errors.ts'
import { Frames, framed } from './frames.ts'
import type { Method } from './messages.ts'
import type { Decoded, Fields, Given } from './wire.ts'

/** PEM files for etcd's TLS; empty when not used. They are read anew for each connection, so that they can be replaced. */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A stream of messages in both directions. */
export interface Stream<Request extends Fields> {
  send(message: Given<Request>): void
  close(): void
}

export interface StreamHandler<Response extends Fields> {
  onMessage(message: Decoded<Response>): void
  /** The stream is over, by whatever cause. Not called after `close()`. */
  onEnd(error: RpcError): void
}

const connectTimeout = 5_000
/** A connection is asked for a sign of life this often, and given up when none comes by the next time. */
const aliveInterval = 10_000
const streamWindow = 4 << 20
const connectionWindow = 64 << 20

/**
 * One HTTP/2 connection to one member of etcd, speaking gRPC: as much of it as etcd needs, since a general client takes longer for a
 * call than this server takes for the whole request around it.
 */
export class Connection {
  readonly endpoint: string
  readonly #session: ClientHttp2Session
  readonly #alive: NodeJS.Timeout
  readonly #cohort = new Cohort()
  #retired = false
  #calls = 0

  private constructor(endpoint: string, session: ClientHttp2Session) {
    this.endpoint = endpoint
    this.#session = session
    let answered = true
    this.#alive = setInterval(() => {
      if (!answered) {
        session.destroy(new Error(`${endpoint} gives no sign of life`))
        return
      }
      answered = false
      if (!session.destroyed) session.ping(() => (answered = true))
    }, aliveInterval).unref()
    session.once('close', () => clearInterval(this.#alive))
  }

  /** @throws RpcError when there is no connection within 5 s */
  static async open(endpoint: string, tls: TlsFiles): Promise<Connection> {
    const unreachable = (reason: string) => new RpcError(code.unavailable, `can't connect to ${endpoint}: ${reason}`, false)
    const url = new URL(endpoint)
    const secure = url.protocol === 'https:'
    const port = Number(url.port || (secure ? 443 : 80))
    const socket = secure
      ? connectTls({ host: hostOf(url), port, ...nameOf(url), ALPNProtocols: ['h2'], ...(await readTls(tls)) })
      : connectTcp({ host: hostOf(url), port })
    socket.setNoDelay(true)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // The socket's own events, since a session whose socket breaks off at once tells nothing.
    socket.on('error', (error: Error & { reason?: string }) => reject(unreachable(error.reason ?? error.message)))
    socket.once('close', () => {
      reject(unreachable('it hung up'))
      session.destroy()
    })
    const session = connect(endpoint, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindow },
      // In MB, for all streams together; our own bounds are elsewhere.
      maxSessionMemory: 1024,
    })
    // The streams report what happened to them.
    session.on('error', () => {})
    const timer = setTimeout(() => reject(unreachable('no answer')), connectTimeout)
    // The settings are the first thing that a server of HTTP/2 says, which a stalled network doesn't let through.
    session.once('remoteSettings', () => resolve())
    try {
      await promise
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
    session.setLocalWindowSize(connectionWindow)
    return new Connection(endpoint, session)
  }

  get usable(): boolean {
    return !this.#retired && !this.#session.closed && !this.#session.destroyed
  }

  /** @throws RpcError */
  call<Request extends Fields, Response extends Fields>(
    method: Method<Request, Response>,
    request: Given<Request>,
    timeout: number,
  ): Promise<Decoded<Response>> {
    return new Promise((resolve, reject) => {
      let answer: Decoded<Response> | undefined
      const stream = this.#open(
        method,
        { 'grpc-timeout': `${Math.ceil(timeout)}m` },
        (message) => (answer = message),
        async (error) => {
          clearTimeout(timer)
          // Calls that end at about the same time go on together.
          await this.#cohort.gather()
          if (error) reject(error)
          else if (answer) resolve(answer)
          else reject(new RpcError(code.unavailable, `${this.endpoint} answered nothing`, true))
        },
      )
      const timer = setTimeout(() => {
        reject(new RpcError(code.deadlineExceeded, `${this.endpoint} did not answer in time`, true))
        stream.close(constants.NGHTTP2_CANCEL)
      }, timeout)
      stream.end(framed(method.request, request))
    })
  }

  /**
   * Opens a stream, which ends with an error when the member loses its leader.
   * @throws RpcError
   */
  stream<Request extends Fields, Response extends Fields>(
    method: Method<Request, Response>,
    handler: StreamHandler<Response>,
  ): Stream<Request> {
    let closed = false
    const stream = this.#open(
      method,
      { hasleader: 'true' },
      (message) => {
        if (!closed) handler.onMessage(message)
      },
      (error) => {
        if (!closed) handler.onEnd(error ?? new RpcError(code.unavailable, `${this.endpoint} ended the stream`, true))
      },
    )
    return {
      send: (message) => void stream.write(framed(method.request, message)),
      close: () => {
        closed = true
        stream.close(constants.NGHTTP2_CANCEL)
      },
    }
  }

  #open<Request extends Fields, Response extends Fields>(
    method: Method<Request, Response>,
    headers: OutgoingHttpHeaders,
    onMessage: (message: Decoded<Response>) => void,
    onEnd: (error: RpcError | undefined) => void | Promise<void>,
  ): ClientHttp2Stream {
    let stream: ClientHttp2Stream
    try {
      stream = this.#session.request({
        ':method': 'POST',
        ':path': method.path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
    } catch (error) {
      throw new RpcError(code.unavailable, `${this.endpoint}: ${(error as Error).message}`, false)
    }
    this.#calls++
    let status: RpcError | 'ok' | undefined
    const frames = new Frames((message) => onMessage(method.response.decode(message)))
    const onHeaders = (received: IncomingHttpHeaders) => {
      status ??= statusOf(received)
    }
    stream.on('response', onHeaders)
    stream.on('trailers', onHeaders)
    stream.on('data', (chunk: Buffer) => {
      try {
        frames.add(chunk)
      } catch (error) {
        status = new RpcError(code.unknown, `${this.endpoint} sent what can't be read: ${(error as Error).message}`, true)
        stream.close(constants.NGHTTP2_CANCEL)
      }
    })
    stream.on('error', (error) => {
      status ??= lost(this.endpoint, stream, error)
    })
    stream.once('close', () => {
      this.#calls--
      this.#closeIfIdle()
      void onEnd(status === 'ok' ? undefined : (status ?? lost(this.endpoint, stream)))
    })
    return stream
  }

  /** Takes no more calls, and goes when those that run are done. */
  retire(): void {
    this.#retired = true
    this.#closeIfIdle()
  }

  /** Ends it at once. */
  close(): void {
    this.#retired = true
    clearInterval(this.#alive)
    this.#session.destroy()
  }

  #closeIfIdle(): void {
    if (this.#retired && this.#calls === 0) this.close()
  }
}

/** Without the brackets that a URL has around an IPv6 address. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')

/** The name to ask for in TLS, where there is one. */
const nameOf = (url: URL): { servername?: string } => (isIP(hostOf(url)) ? {} : { servername: url.hostname })

async function readTls({ ca, cert, key }: TlsFiles): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  const [caPem, certPem, keyPem] = await Promise.all(
    [ca, cert, key].map((file) =>
      file === ''
        ? undefined
        : readFile(file).catch((error: Error) => {
            throw new RpcError(code.failedPrecondition, `can't read ${file}: ${error.message}`, false)
          }),
    ),
  )
  return { ...(caPem ? { ca: caPem } : {}), ...(certPem ? { cert: certPem } : {}), ...(keyPem ? { key: keyPem } : {}) }
}

/** What headers or trailers say of the call's end; undefined when it goes on. */
function statusOf(headers: IncomingHttpHeaders): RpcError | 'ok' | undefined {
  const http = headers[':status'] as number | undefined
  const status = headers['grpc-status'] as string | undefined
  if (status === '0') return 'ok'
  if (status !== undefined)
    return answeredError(Number(status), decodeText(String(headers['grpc-message'] ?? `status ${status}`)))
  if (http !== undefined && http !== 200) return new RpcError(code.unavailable, `answer with HTTP status ${http}`, true)
  return undefined
}

function decodeText(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

function lost(endpoint: string, stream: ClientHttp2Stream, error?: Error): RpcError {
  const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
  return new RpcError(code.unavailable, `${endpoint}: ${error?.message ?? 'the connection was lost'}`, !refused)
}

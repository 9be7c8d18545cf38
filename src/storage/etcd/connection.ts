import { readFile } from 'node:fs/promises'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Cohort } from '../../util/cohort.ts'
import { answeredError, code, RpcError } from './errors.ts'
import { Frames, framed, type Outgoing, onlyMessage, outgoing } from './frames.ts'
import { CANCEL, REFUSED_STREAM } from './http2/frame.ts'
import type { Field, HeaderEncoder, Headers } from './http2/hpack.ts'
import { Session, type SessionStream, type StreamEvents } from './http2/session.ts'
import type { Method } from './messages.ts'
import type { Decoded, Fields, Given, Message } from './wire.ts'

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
/** How often calls are looked through for those that have waited too long. */
const sweepInterval = 250

/**
 * One HTTP/2 connection to one member of etcd, speaking gRPC: as much of it as etcd needs, since a general client takes longer for a
 * call than this server takes for the whole request around it.
 */
export class Connection {
  readonly endpoint: string
  readonly #session: Session
  readonly #alive: NodeJS.Timeout
  readonly #sweep: NodeJS.Timeout
  readonly #cohort = new Cohort()
  readonly #authority: string
  readonly #scheme: string
  /** Header blocks of calls by their path, as they are once the peer remembers all of their fields. */
  readonly #heads = new Map<string, { readonly block: Buffer; readonly generation: number }>()
  readonly #calls = new Set<AnyCall>()
  /** Calls that are over, until those who wait are told. */
  #over: AnyCall[] = []
  #streams = 0
  #retired = false

  private constructor(endpoint: string, url: URL, session: Session) {
    this.endpoint = endpoint
    this.#session = session
    this.#authority = url.host
    this.#scheme = url.protocol.slice(0, -1)
    let answered = true
    this.#alive = setInterval(() => {
      if (!answered) {
        session.destroy(new Error(`${endpoint} gives no sign of life`))
        return
      }
      answered = false
      session.ping(() => (answered = true))
    }, aliveInterval).unref()
    this.#sweep = setInterval(() => this.#endOverdue(), sweepInterval).unref()
    session.onClose(() => {
      clearInterval(this.#alive)
      clearInterval(this.#sweep)
    })
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
    const session = new Session(socket)
    const { promise, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => reject(unreachable('no answer')), connectTimeout)
    try {
      // The settings are the first thing that a server of HTTP/2 says, which a stalled network doesn't let through.
      await Promise.race([session.opened, promise])
    } catch (error) {
      socket.destroy()
      if (error instanceof RpcError) throw error
      const { reason, message } = error as Error & { reason?: string }
      throw unreachable(reason ?? message)
    } finally {
      clearTimeout(timer)
    }
    return new Connection(endpoint, url, session)
  }

  get usable(): boolean {
    return !this.#retired && this.#session.usable
  }

  /** @throws RpcError */
  call<Request extends Fields, Response extends Fields>(
    method: Method<Request, Response>,
    request: Given<Request>,
    timeout: number,
  ): Promise<Decoded<Response>> {
    const call = new Call(this.endpoint, method.response, performance.now() + timeout, () => this.#called(call))
    call.stream = this.#open(call, (encoder) => this.#callHead(encoder, method.path), outgoing(method.request, request))
    this.#calls.add(call)
    return call.answer
  }

  #called(call: AnyCall): void {
    this.#calls.delete(call)
    // Calls that end at about the same time go on together.
    if (this.#over.push(call) === 1) void this.#cohort.gather().then(() => this.#settle())
    this.#streamOver()
  }

  #settle(): void {
    const over = this.#over
    this.#over = []
    for (const call of over) call.settle()
  }

  #endOverdue(): void {
    const now = performance.now()
    for (const call of this.#calls) {
      if (call.deadline > now || !call.stream) continue
      call.fail(new RpcError(code.deadlineExceeded, `${this.endpoint} did not answer in time`, true))
      this.#session.reset(call.stream, CANCEL)
    }
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
    const frames = new Frames((message) => {
      if (!closed) handler.onMessage(method.response.decode(message) as Decoded<Response>)
    })
    let status: RpcError | 'ok' | undefined
    const stream = this.#open(
      {
        onHeaders: (headers) => {
          status ??= statusOf(headers)
        },
        onData: (chunk, start, end) => {
          try {
            frames.add(chunk, start, end)
          } catch (error) {
            status = unreadable(this.endpoint, error)
            this.#session.reset(stream, CANCEL)
          }
        },
        onClose: (reset, error) => {
          this.#streamOver()
          if (closed) return
          const end = new RpcError(code.unavailable, `${this.endpoint} ended the stream`, true)
          handler.onEnd(status === 'ok' ? end : (status ?? lost(this.endpoint, reset, error)))
        },
      },
      (encoder) => encoder.encode(this.#fields(method.path), [['hasleader', 'true']]),
    )
    return {
      send: (message) => this.#session.write(stream, framed(method.request, message)),
      close: () => {
        closed = true
        this.#session.reset(stream, CANCEL)
      },
    }
  }

  #open(events: StreamEvents, head: (encoder: HeaderEncoder) => Buffer, body?: Outgoing): SessionStream {
    try {
      const stream = this.#session.request(head, events, body)
      this.#streams++
      return stream
    } catch (error) {
      throw new RpcError(code.unavailable, `${this.endpoint}: ${(error as Error).message}`, false)
    }
  }

  #callHead(encoder: HeaderEncoder, path: string): Buffer {
    const known = this.#heads.get(path)
    if (known?.generation === encoder.generation) return known.block
    const { generation } = encoder
    const block = encoder.encode(this.#fields(path))
    // What was encoded now may be what makes the peer remember; only the next one is short, and can be used again.
    if (encoder.generation === generation) this.#heads.set(path, { block, generation })
    return block
  }

  #fields(path: string): readonly Field[] {
    return [
      [':method', 'POST'],
      [':scheme', this.#scheme],
      [':authority', this.#authority],
      [':path', path],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ]
  }

  /** Takes no more calls, and goes when those that run are done. */
  retire(): void {
    this.#retired = true
    this.#closeIfIdle()
  }

  /** Ends it at once. */
  close(): void {
    this.#retired = true
    this.#session.destroy()
  }

  #streamOver(): void {
    this.#streams--
    this.#closeIfIdle()
  }

  #closeIfIdle(): void {
    if (this.#retired && this.#streams === 0) this.close()
  }
}

type AnyCall = Pick<Call<Fields>, 'stream' | 'deadline' | 'fail' | 'settle'>

/** One call on its way: what came of its answer. */
class Call<Response extends Fields> implements StreamEvents {
  stream: SessionStream | undefined
  readonly deadline: number
  /** Rejects with an RpcError. */
  readonly answer: Promise<Decoded<Response>>
  readonly #endpoint: string
  readonly #response: Message<Response>
  readonly #onOver: () => void
  readonly #resolve: (answer: Decoded<Response>) => void
  readonly #reject: (error: RpcError) => void
  #parts: Buffer[] = []
  #status: RpcError | 'ok' | undefined

  /** @param deadline by `performance.now()` */
  constructor(endpoint: string, response: Message<Response>, deadline: number, onOver: () => void) {
    const { promise, resolve, reject } = Promise.withResolvers<Decoded<Response>>()
    this.#endpoint = endpoint
    this.#response = response
    this.deadline = deadline
    this.#onOver = onOver
    this.answer = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  onHeaders(headers: Headers): void {
    this.#status ??= statusOf(headers)
  }

  onData(chunk: Buffer, start: number, end: number): void {
    this.#parts.push(chunk.subarray(start, end))
  }

  onClose(reset: number | undefined, error?: Error): void {
    this.#status ??= lost(this.#endpoint, reset, error)
    this.#onOver()
  }

  fail(error: RpcError): void {
    this.#status = error
  }

  /** Tells the caller what came of it. */
  settle(): void {
    if (this.#status !== 'ok') {
      this.#reject(this.#status ?? lost(this.#endpoint, undefined))
      return
    }
    try {
      const body = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
      this.#resolve(this.#response.decode(onlyMessage(body)))
    } catch (error) {
      this.#reject(unreadable(this.#endpoint, error))
    }
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
function statusOf(headers: Headers): RpcError | 'ok' | undefined {
  const status = headers['grpc-status']
  if (status === '0') return 'ok'
  if (status !== undefined) return answeredError(Number(status), decodeText(headers['grpc-message'] ?? `status ${status}`))
  const http = headers[':status']
  if (http !== undefined && http !== '200') return new RpcError(code.unavailable, `answer with HTTP status ${http}`, true)
  return undefined
}

function decodeText(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

const unreadable = (endpoint: string, error: unknown): RpcError =>
  new RpcError(code.unknown, `${endpoint} sent what can't be read: ${(error as Error).message}`, true)

function lost(endpoint: string, reset: number | undefined, error?: Error): RpcError {
  const why = error?.message ?? (reset === undefined ? 'the connection was lost' : `the stream was reset with code ${reset}`)
  return new RpcError(code.unavailable, `${endpoint}: ${why}`, reset !== REFUSED_STREAM)
}

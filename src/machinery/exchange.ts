import type { Duplex } from 'node:stream'
import type { JsonObject } from './json.ts'
import type { KubeObject } from './object.ts'
import type { RequestInfo } from './request-info.ts'
import type { Status } from './status.ts'
import type { UserInfo } from './user.ts'
import { warningHeaders } from './warning-headers.ts'

/** Whether a request may be made, with what allowed or forbade it. */
export interface AccessDecision {
  readonly verdict: 'allow' | 'deny' | 'no opinion'
  readonly reason: string
  readonly error?: string
}

/** How a request came in and how its answer goes out: HTTP/1.1, HTTP/2, or a call within the process. */
export interface Transport {
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Names and values in turn, as sent; what tells repeated headers apart. */
  readonly rawHeaders: readonly string[]
  /** `HTTP/1.1` or `HTTP/2.0`. */
  readonly protocol: string
  readonly remoteAddress: string
  /** The TLS socket, for authenticators that look at certificates; undefined within the process. */
  readonly socket: unknown
  /**
   * The whole body; call it once. Rejects with a 413 StatusError past `limit` bytes, and with another Error when the
   * client goes away first.
   */
  readBody(limit: number): Promise<Buffer>
  /**
   * The body bit by bit, in place of `readBody`; nothing is read before it is asked for. Undefined when the request has none. Unset where
   * bodies can't be had like this.
   */
  body?(): AsyncIterable<Buffer> | undefined
  /**
   * Ends HTTP on the connection of a client that asked for another protocol: what is said from here on, the 101 first, is the caller's.
   * Undefined when the client didn't ask, or an answer has begun. Unset where there is no connection of one's own to take.
   */
  takeOver?(): TakenConnection | undefined
  /** Answers in one piece. Does nothing when the client is gone or an answer has started. */
  respond(code: number, headers: Record<string, string | string[]>, body: Buffer | string): void
  /** Starts an answer in pieces; its headers go out at once. */
  stream(code: number, headers: Record<string, string | string[]>, options?: StreamOptions): BodyStream
  /** Calls back once when the client is gone or the answer is complete; any number of listeners. */
  onClose(listener: () => void): void
  /** Drops the connection, or resets the stream. */
  destroy(): void
}

/** What was a connection of HTTP. It is the caller's to end; what may go wrong with it before somebody listens does no harm. */
export interface TakenConnection {
  readonly stream: Duplex
  /** What the client sent after its request. */
  readonly head: Buffer
}

/** A share of the server that a request takes while it is served. */
export interface Held {
  /** Any call but the first does nothing. */
  release(): void
}

export interface StreamOptions {
  /** The exact number of bytes to come, when it is known: then they needn't be sent in chunks. */
  length?: number
  /** Whether they may be compressed, if they are many and the client asks for it. Not for a watch. */
  compressible?: boolean
}

/** The body of a streamed answer. */
export interface BodyStream {
  /**
   * Takes a chunk in any case; the chunk must not be changed before the next drain. Once closed it is dropped.
   *
   * @returns false when the caller should wait for `onDrain` before it writes more
   */
  write(chunk: Buffer | string): boolean
  /** Calls back each time that all of what was written is on its way, after a `write` returned false. One listener. */
  onDrain(listener: () => void): void
  /** Bytes written that haven't been handed to the operating system yet. */
  readonly pendingBytes: number
  end(): void
  /** Whether it was ended, or the client is gone. */
  readonly closed: boolean
}

/** What audit keeps of one request: told by the stages and endpoints, where there is something to tell. */
export interface AuditRecord {
  /** Whether objects are wanted: what isn't needn't be made. */
  readonly wantsObjects: boolean
  /** What the object that was sent says of which one it is. */
  identified(metadata: KubeObject['metadata']): void
  /** The object that was sent, with its defaults, before anything else changes it; and what it says of which one it is. */
  requested(object: JsonObject, metadata?: KubeObject['metadata']): void
  /** The body of a patch, as it was sent. */
  patched(body: Buffer): void
  /** The Status that is the answer. */
  concluded(status: Status): void
  /** An answer in one piece. @returns what it has to wait for, which never rejects */
  responded(code: number, contentType: string, body: Buffer | string): void | Promise<void>
  /** The handler failed with what nobody expected. */
  panicked(error: unknown): void
  /** An answer in pieces. @returns what takes them on their way, or `body` itself */
  streamed(code: number, contentType: string, body: BodyStream): BodyStream
}

/** One request on its way through the chain, with what each stage learned of it. */
export class Exchange {
  readonly transport: Transport
  /** When it came in, in ms since the epoch. */
  readonly received: number
  readonly path: string
  readonly rawQuery: string
  #query: URLSearchParams | undefined
  info!: RequestInfo
  user!: UserInfo
  /** Who sent it, when they act as `user`. */
  impersonator: UserInfo | undefined = undefined
  /** The verb that let them, such as `impersonate:user-info`; empty for plain `impersonate`. */
  impersonationConstraint = ''
  auditId = ''
  /** What authorization said of it, and why. */
  decision: AccessDecision | undefined = undefined
  /** Set where the request is audited. */
  audit: AuditRecord | undefined = undefined
  /** Whether annotations go anywhere. */
  takesAnnotations = false
  #annotations: Map<string, string> | undefined
  #abort: AbortController | undefined
  /** Texts for Warning headers. */
  readonly warnings: string[] = []
  /** Headers that every answer carries. */
  readonly answerHeaders: Record<string, string | string[]> = {}
  /** Set once an answer has started. */
  answeredCode = 0
  /** Bytes of an answer's body, before compression; what is known of it for streams. */
  answeredBytes = 0
  /** Whether the path led to a resource of this server. */
  isServed = false
  /** What is given back once the request has ended, or earlier by who knows that it needs it no longer. */
  held: Held | undefined = undefined

  constructor(transport: Transport, received: number) {
    this.transport = transport
    this.received = received
    const { url } = transport
    const mark = url.indexOf('?')
    this.rawQuery = mark < 0 ? '' : url.slice(mark + 1)
    this.path = decodePath(mark < 0 ? url : url.slice(0, mark))
  }

  get method(): string {
    return this.transport.method
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(readableQuery(this.rawQuery))
    return this.#query
  }

  /** Ends when the deadline passes or the server stops. Made when first asked for: most requests never wait. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  abort(reason: Error): void {
    this.#abort ??= new AbortController()
    this.#abort.abort(reason)
  }

  /** For the audit events of this request; of several of one key the first stays. */
  annotate(key: string, value: string): void {
    if (!this.takesAnnotations) return
    this.#annotations ??= new Map()
    if (!this.#annotations.has(key)) this.#annotations.set(key, value)
  }

  get annotations(): ReadonlyMap<string, string> | undefined {
    return this.#annotations
  }

  /** A header's value; several of one name are joined as HTTP says. */
  header(name: string): string | undefined {
    const value = this.transport.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  respond(code: number, contentType: string, body: Buffer | string, headers?: Record<string, string | string[]>): void {
    const sent = this.#headers(contentType, headers)
    const written = this.audit?.responded(code, contentType, body)
    if (written) void written.then(() => this.transport.respond(code, sent, body))
    else this.transport.respond(code, sent, body)
    this.answeredCode = code
    this.answeredBytes = body.length
  }

  stream(code: number, contentType: string, headers?: Record<string, string | string[]>, options?: StreamOptions): BodyStream {
    this.answeredCode = code
    const body = this.transport.stream(code, this.#headers(contentType, headers), options)
    return this.audit ? this.audit.streamed(code, contentType, body) : body
  }

  /** Ends HTTP on this request's connection, as `Transport.takeOver`. */
  takeOver(): TakenConnection | undefined {
    const taken = this.transport.takeOver?.()
    if (!taken) return undefined
    this.answeredCode = 101
    this.audit?.streamed(101, '', UNSEEN)
    return taken
  }

  #headers(contentType: string, more: Record<string, string | string[]> | undefined): Record<string, string | string[]> {
    const headers = this.answerHeaders
    if (contentType) headers['content-type'] = contentType
    if (more) Object.assign(headers, more)
    if (this.warnings.length) headers.warning = warningHeaders(this.warnings)
    return headers
  }
}

/** What goes over a connection that was taken over is nobody's to see. */
const UNSEEN: BodyStream = { write: () => true, onDrain: () => {}, pendingBytes: 0, end: () => {}, closed: false }

/** Pairs with broken escapes or semicolons don't count: Go leaves them out. */
function readableQuery(query: string): string {
  if (!/%(?![0-9A-Fa-f]{2})|;/.test(query)) return query
  return query
    .split('&')
    .filter((pair) => !/%(?![0-9A-Fa-f]{2})|;/.test(pair))
    .join('&')
}

/** `%2F` and the like are decoded before routing, as the reference does it. */
function decodePath(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { BodyStream, StreamOptions, TakenConnection, Transport } from '../machinery/exchange.ts'
import { type AnswerHeaders, bodiless, fitHeaders } from './headers.ts'
import type { Http1Connection } from './http1.ts'
import { readBody } from './read-body.ts'
import { WritableBody } from './writable-body.ts'

/** What is left of a body that nobody wants is taken up to this size, so that the connection can be used again. */
const SKIPPED_AT_MOST = 256 * 1024
const EMPTY = Buffer.alloc(0)
const NOTHING_SPECIAL = {}
const SLASH = 47
/** Where Go's words are others than Node's. */
const STATUS_TEXTS: Record<number, string | undefined> = { 413: 'Request Entity Too Large' }

/** One HTTP/1.1 request and its answer. */
export class Http1Transport implements Transport {
  readonly protocol: string
  readonly method: string
  readonly url: string
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #connection: Http1Connection
  readonly #expectsContinue: boolean
  /** What came after a request for another protocol; undefined for any other request. */
  readonly #head: Buffer | undefined
  #bodyTaken = false
  #closed = false
  #listeners: (() => void)[] | undefined

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    connection: Http1Connection,
    { expectsContinue, head }: { expectsContinue?: boolean; head?: Buffer } = NOTHING_SPECIAL,
  ) {
    this.method = request.method!
    this.url = originForm(request.url!)
    this.protocol = request.httpVersionMinor === 0 ? 'HTTP/1.0' : 'HTTP/1.1'
    this.#request = request
    this.#response = response
    this.#connection = connection
    this.#expectsContinue = expectsContinue ?? false
    this.#head = head
    response.on('close', () => this.#close())
    if (head) connection.socket.on('readable', noticeEnd)
  }

  get headers(): Transport['headers'] {
    return this.#request.headers
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders
  }

  get socket(): Socket {
    return this.#connection.socket
  }

  get remoteAddress(): string {
    return this.#connection.socket.remoteAddress ?? ''
  }

  async readBody(limit: number): Promise<Buffer> {
    if (!this.#hasBody()) return EMPTY
    const length = this.#declaredLength()
    if (this.#expectsContinue && (length === undefined || length <= limit)) this.#response.writeContinue()
    const here = this.#request.complete
    const body = await readBody(this.#request, length, limit)
    this.#bodyTaken = true
    // What came with the headers is read without leaving the cohort.
    if (!here) await this.#connection.gather()
    return body
  }

  body(): AsyncIterable<Buffer> | undefined {
    if (!this.#hasBody()) return undefined
    this.#bodyTaken = true
    if (this.#expectsContinue) this.#response.writeContinue()
    return this.#request.iterator({ destroyOnReturn: false })
  }

  takeOver(): TakenConnection | undefined {
    const response = this.#response
    const { socket } = this.#connection
    if (!this.#head || this.#closed || response.headersSent || socket.destroyed) return undefined
    response.detachSocket(socket)
    socket.off('readable', noticeEnd)
    this.#connection.takenOver = true
    socket.once('close', () => this.#close())
    return { stream: socket, head: this.#head }
  }

  respond(code: number, headers: AnswerHeaders, body: Buffer | string): void {
    const length = bodiless(code) ? 0 : Buffer.byteLength(body)
    const gzip = this.#connection.gzip
    if (gzip?.wanted(this, headers, length)) {
      gzip.respond(this, code, headers, body)
      return
    }
    if (!this.#writeHead(code, headers, bodiless(code) ? undefined : length)) return
    if (length === 0) this.#response.end()
    // With text Node would send the headers as UTF-8 too.
    else this.#response.end(typeof body === 'string' ? Buffer.from(body) : body)
  }

  stream(code: number, headers: AnswerHeaders, options?: StreamOptions): BodyStream {
    const gzip = options?.compressible ? this.#connection.gzip : undefined
    if (gzip?.wanted(this, headers, options?.length)) return gzip.stream(this, code, headers)
    if (this.#writeHead(code, headers, options?.length)) this.#response.flushHeaders()
    return new WritableBody(this.#response)
  }

  onClose(listener: () => void): void {
    if (this.#closed) queueMicrotask(listener)
    else if (this.#listeners) this.#listeners.push(listener)
    else this.#listeners = [listener]
  }

  destroy(): void {
    this.#connection.socket.destroy()
  }

  /** @returns false when there is nobody left to answer */
  #writeHead(code: number, headers: AnswerHeaders, length: number | undefined): boolean {
    const response = this.#response
    if (this.#closed || response.headersSent || response.destroyed || this.#connection.takenOver) return false
    const sent = fitHeaders(headers)
    if (length !== undefined) sent['content-length'] = String(length)
    if (!this.#bodyTaken && this.#hasBody() && !this.#skippable()) this.#connection.leaving = true
    if (this.#connection.leaving) sent.connection = 'close'
    response.writeHead(code, STATUS_TEXTS[code], sent)
    return true
  }

  #hasBody(): boolean {
    const { headers } = this.#request
    const length = headers['content-length']
    return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined
  }

  #declaredLength(): number | undefined {
    const length = this.#request.headers['content-length']
    return length === undefined ? undefined : Number(length)
  }

  /** Whether the rest of the request is short enough to be read for nothing. A client that waits may never send it. */
  #skippable(): boolean {
    if (this.#request.complete) return true
    return !this.#expectsContinue && (this.#declaredLength() ?? Number.POSITIVE_INFINITY) <= SKIPPED_AT_MOST
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#connection.answered()
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners) for (const listener of listeners) listener()
  }
}

/** Nobody reads from a connection that may be taken over, but that its client has gone must be seen. What the client says stays for who takes it. */
function noticeEnd(this: Socket): void {
  if (this.readableLength === 0) this.read()
}

/** Path and query also of a URL with scheme and host, which clients may send and proxies do. */
function originForm(url: string): string {
  if (url.charCodeAt(0) === SLASH) return url
  const host = url.indexOf('://')
  if (host < 0) return url
  const path = url.slice(host + 3).search(/[/?]/)
  if (path < 0) return '/'
  const rest = url.slice(host + 3 + path)
  return rest.startsWith('/') ? rest : `/${rest}`
}

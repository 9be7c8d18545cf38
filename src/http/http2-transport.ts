import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { BodyStream, StreamOptions, Transport } from '../machinery/exchange.ts'
import { type AnswerHeaders, bodiless, fitHeaders } from './headers.ts'
import type { Http2Connection } from './http2.ts'
import { readBody } from './read-body.ts'
import { WritableBody } from './writable-body.ts'

const EMPTY = Buffer.alloc(0)

/** One HTTP/2 request and its answer. */
export class Http2Transport implements Transport {
  readonly protocol = 'HTTP/2.0'
  readonly method: string
  readonly url: string
  readonly headers: Transport['headers']
  readonly rawHeaders: readonly string[]
  readonly #stream: ServerHttp2Stream
  readonly #connection: Http2Connection
  #closed = false
  #listeners: (() => void)[] | undefined

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    connection: Http2Connection,
  ) {
    this.method = headers[':method'] as string
    this.url = (headers[':path'] as string | undefined) ?? ''
    headers.host ??= headers[':authority'] as string | undefined
    this.headers = headers
    this.rawHeaders = rawHeaders
    this.#stream = stream
    this.#connection = connection
    // A stream that the client resets has an error; that it closes says all that matters.
    stream.on('error', ignore)
    stream.on('close', () => this.#close())
  }

  get socket(): Socket {
    return this.#connection.socket
  }

  get remoteAddress(): string {
    return this.#connection.socket.remoteAddress ?? ''
  }

  async readBody(limit: number): Promise<Buffer> {
    if (this.#stream.endAfterHeaders) return EMPTY
    const declared = this.headers['content-length']
    const body = await readBody(this.#stream, declared === undefined ? undefined : Number(declared), limit)
    await this.#connection.gather()
    return body
  }

  body(): AsyncIterable<Buffer> | undefined {
    return this.#stream.endAfterHeaders ? undefined : this.#stream.iterator({ destroyOnReturn: false })
  }

  respond(code: number, headers: AnswerHeaders, body: Buffer | string): void {
    const length = bodiless(code) ? 0 : Buffer.byteLength(body)
    const gzip = this.#connection.gzip
    if (gzip?.wanted(this, headers, length)) {
      gzip.respond(this, code, headers, body)
      return
    }
    const endStream = length === 0 || this.method === 'HEAD'
    if (!this.#writeHead(code, headers, bodiless(code) ? undefined : length, endStream)) return
    if (!endStream) this.#stream.end(body)
  }

  stream(code: number, headers: AnswerHeaders, options?: StreamOptions): BodyStream {
    const gzip = options?.compressible ? this.#connection.gzip : undefined
    if (gzip?.wanted(this, headers, options?.length)) return gzip.stream(this, code, headers)
    this.#writeHead(code, headers, options?.length, this.method === 'HEAD')
    return new WritableBody(this.#stream)
  }

  onClose(listener: () => void): void {
    if (this.#closed) queueMicrotask(listener)
    else if (this.#listeners) this.#listeners.push(listener)
    else this.#listeners = [listener]
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    this.#connection.probe()
  }

  /** @returns false when there is nobody left to answer */
  #writeHead(code: number, headers: AnswerHeaders, length: number | undefined, endStream: boolean): boolean {
    const stream = this.#stream
    if (this.#closed || stream.destroyed || stream.closed || stream.headersSent) return false
    const sent: Record<string, string | string[] | number> = fitHeaders(headers)
    sent[':status'] = code
    if (length !== undefined) sent['content-length'] = length
    stream.respond(sent, { endStream })
    // The rest of the request is of no use any more; without this the stream would wait for it.
    if (stream.readableFlowing === false) stream.once('finish', stopSending)
    return true
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

const ignore = (): void => {}

function stopSending(this: ServerHttp2Stream): void {
  this.close()
  // What had arrived and nobody read would keep Node from letting the stream go.
  this.resume()
}

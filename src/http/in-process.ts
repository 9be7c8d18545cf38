import type { BodyStream, StreamOptions, Transport } from '../machinery/exchange.ts'
import { requestEntityTooLarge } from '../machinery/status.ts'
import { type AnswerHeaders, bodiless } from './headers.ts'

export interface InProcessRequest {
  method?: string
  /** Path and query. */
  url: string
  /** Lower-case names. */
  headers?: Record<string, string | string[]>
  body?: Buffer | string
}

export interface InProcessAnswer {
  code: number
  headers: AnswerHeaders
  body: Buffer
}

/** An answer whose body is read as it comes. Leaving the loop early, or `abort`, tells the server that the client is gone. */
export interface InProcessStream extends AsyncIterable<Buffer> {
  code: number
  headers: AnswerHeaders
  abort(): void
}

type Handler = (transport: Transport) => void

/**
 * Makes a request of a handler in this process, without sockets.
 *
 * @throws Error when the handler drops the request
 */
export async function call(handler: Handler, request: InProcessRequest): Promise<InProcessAnswer> {
  const answer = await open(handler, request)
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return { code: answer.code, headers: answer.headers, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) }
}

/**
 * Makes a request whose answer is read piece by piece, such as a watch. Resolves with the answer's head.
 *
 * @throws Error when the handler drops the request
 */
export function open(handler: Handler, request: InProcessRequest): Promise<InProcessStream> {
  return new Promise((resolve, reject) => handler(new InProcessTransport(request, resolve, reject)))
}

/** What may be written before `write` tells to wait, in bytes: about what a socket takes. */
const HIGH_WATER = 64 * 1024
const EMPTY = Buffer.alloc(0)

class InProcessTransport implements Transport {
  readonly method: string
  readonly url: string
  readonly headers: Transport['headers']
  readonly protocol = 'HTTP/2.0'
  readonly remoteAddress = '127.0.0.1'
  readonly socket = undefined
  readonly #body: Buffer
  readonly #resolve: (stream: InProcessStream) => void
  readonly #reject: (error: Error) => void
  #answer: Pipe | undefined
  #closed = false
  readonly #listeners: (() => void)[] = []

  constructor(request: InProcessRequest, resolve: (stream: InProcessStream) => void, reject: (error: Error) => void) {
    const { method = 'GET', url, headers = {}, body = EMPTY } = request
    this.method = method
    this.url = url
    this.headers = headers
    this.#body = toBuffer(body)
    this.#resolve = resolve
    this.#reject = reject
  }

  get rawHeaders(): readonly string[] {
    return Object.entries(this.headers).flatMap(([name, value]) => [value ?? []].flat().flatMap((item) => [name, item]))
  }

  async readBody(limit: number): Promise<Buffer> {
    if (this.#body.length > limit) throw requestEntityTooLarge(`Request entity too large: limit is ${limit}`)
    return this.#body
  }

  body(): AsyncIterable<Buffer> | undefined {
    return this.#body.length ? chunks(this.#body) : undefined
  }

  respond(code: number, headers: AnswerHeaders, body: Buffer | string): void {
    const length = Buffer.byteLength(body)
    const pipe = this.#start(code, bodiless(code) ? headers : { ...headers, 'content-length': String(length) })
    pipe.write(body)
    pipe.end()
  }

  stream(code: number, headers: AnswerHeaders, _options?: StreamOptions): BodyStream {
    return this.#start(code, { ...headers })
  }

  onClose(listener: () => void): void {
    if (this.#closed) queueMicrotask(listener)
    else this.#listeners.push(listener)
  }

  destroy(): void {
    if (this.#answer) this.#answer.fail()
    else this.#reject(new Error('the request was dropped'))
    this.#close()
  }

  #start(code: number, headers: AnswerHeaders): Pipe {
    // Of two answers the first counts, as on a connection.
    if (this.#answer) return new Pipe(code, headers, false, () => {})
    const silent = this.method === 'HEAD' || bodiless(code)
    this.#answer = new Pipe(code, headers, silent, () => this.#close())
    if (!this.#closed) this.#resolve(this.#answer)
    return this.#answer
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const listener of this.#listeners.splice(0)) listener()
  }
}

/** An answer's body on its way from the handler to the caller. */
class Pipe implements BodyStream, InProcessStream {
  readonly code: number
  readonly headers: AnswerHeaders
  pendingBytes = 0
  readonly #silent: boolean
  readonly #onClose: () => void
  #chunks: Buffer[] = []
  #state: 'open' | 'ended' | 'failed' | 'aborted' = 'open'
  #full = false
  #drain: (() => void) | undefined
  #wake: (() => void) | undefined

  /** @param silent whether what is written is dropped, as for HEAD */
  constructor(code: number, headers: AnswerHeaders, silent: boolean, onClose: () => void) {
    this.code = code
    this.headers = headers
    this.#silent = silent
    this.#onClose = onClose
  }

  get closed(): boolean {
    return this.#state !== 'open'
  }

  write(chunk: Buffer | string): boolean {
    if (this.#state !== 'open' || this.#silent || chunk.length === 0) return true
    // A caller may keep its chunks, and the writer may use them again.
    const bytes = Buffer.from(chunk)
    this.#chunks.push(bytes)
    this.pendingBytes += bytes.length
    this.#full = this.pendingBytes >= HIGH_WATER
    this.#wake?.()
    return !this.#full
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  end(): void {
    this.#finish('ended')
  }

  /** The server drops the answer: the caller sees an error after what was written. */
  fail(): void {
    this.#finish('failed')
  }

  abort(): void {
    this.#chunks = []
    this.pendingBytes = 0
    this.#finish('aborted')
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift()
        if (chunk) {
          this.#taken(chunk.length)
          yield chunk
        } else if (this.#state === 'open') {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        } else if (this.#state === 'failed') throw new Error('the answer was dropped')
        else return
      }
    } finally {
      this.abort()
    }
  }

  #taken(bytes: number): void {
    this.pendingBytes -= bytes
    if (!this.#full || this.pendingBytes > 0) return
    this.#full = false
    // Not from within the caller's loop, as a socket wouldn't either.
    setImmediate(() => this.#drain?.())
  }

  #finish(state: 'ended' | 'failed' | 'aborted'): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#wake?.()
    // Not before the handler has returned, as with a socket.
    setImmediate(this.#onClose)
  }
}

async function* chunks(body: Buffer): AsyncGenerator<Buffer, void> {
  yield body
}

const toBuffer = (data: Buffer | string): Buffer => (typeof data === 'string' ? Buffer.from(data) : data)

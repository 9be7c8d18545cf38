import { promisify } from 'node:util'
import { constants, createGzip, gzip } from 'node:zlib'
import type { BodyStream, Transport } from '../machinery/exchange.ts'
import type { AnswerHeaders } from './headers.ts'

/** The reference's: below it compressing costs more than it saves. */
const THRESHOLD = 128 * 1024
/** The reference's as well: the fastest, and hardly worse for objects, which are much alike. */
const LEVEL = constants.Z_BEST_SPEED

const compress = promisify(gzip)

/** Compresses large answers for clients that take it, on zlib's threads. */
export class Gzip {
  /**
   * Whether an answer is to be compressed.
   *
   * @param length of the body in bytes; undefined when it isn't known
   */
  wanted(request: Transport, answer: AnswerHeaders, length: number | undefined): boolean {
    if (length !== undefined && length <= THRESHOLD) return false
    if (answer['content-encoding'] !== undefined || request.method === 'HEAD') return false
    return acceptsGzip(request.headers['accept-encoding'])
  }

  /** Answers with the compressed body. */
  respond(transport: Transport, code: number, headers: AnswerHeaders, body: Buffer | string): void {
    compress(body, { level: LEVEL }).then(
      (compressed) => transport.respond(code, encoded(headers), compressed),
      () => transport.respond(code, { ...headers, 'content-encoding': 'identity' }, body),
    )
  }

  /** Starts an answer whose body is compressed on its way. */
  stream(transport: Transport, code: number, headers: AnswerHeaders): BodyStream {
    return new GzipBodyStream(transport, transport.stream(code, encoded(headers)))
  }
}

/** As the reference reads the header: a bare `gzip` counts, one with a quality doesn't. */
export function acceptsGzip(accepted: string | string[] | undefined): boolean {
  if (accepted === undefined) return false
  const list = typeof accepted === 'string' ? accepted : accepted.join(',')
  return list === 'gzip' || list.split(',').some((token) => token.trim() === 'gzip')
}

function encoded(headers: AnswerHeaders): AnswerHeaders {
  const { vary } = headers
  const varies = vary === undefined ? 'Accept-Encoding' : [...(typeof vary === 'string' ? [vary] : vary), 'Accept-Encoding']
  return { ...headers, 'content-encoding': 'gzip', vary: varies }
}

class GzipBodyStream implements BodyStream {
  readonly #gzip = createGzip({ level: LEVEL, chunkSize: 64 * 1024 })
  readonly #out: BodyStream
  #drain: (() => void) | undefined

  constructor(transport: Transport, out: BodyStream) {
    this.#out = out
    const gzip = this.#gzip
    gzip.on('data', (chunk: Buffer) => {
      if (!out.write(chunk)) gzip.pause()
    })
    out.onDrain(() => gzip.resume())
    gzip.on('end', () => out.end())
    gzip.on('drain', () => this.#drain?.())
    gzip.on('error', () => transport.destroy())
    transport.onClose(() => gzip.destroy())
  }

  get closed(): boolean {
    return this.#out.closed || this.#gzip.writableEnded
  }

  get pendingBytes(): number {
    return this.#gzip.writableLength + this.#gzip.readableLength + this.#out.pendingBytes
  }

  write(chunk: Buffer | string): boolean {
    if (this.closed || this.#gzip.destroyed) return true
    return this.#gzip.write(chunk)
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  end(): void {
    if (!this.#gzip.destroyed) this.#gzip.end()
  }
}

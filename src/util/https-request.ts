import { type RequestOptions, request } from 'node:https'

/** How a server is reached, and how we show it who we are. All in PEM. */
export interface HttpsPeer {
  /** Authorities to trust instead of the usual ones. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name that the server's certificate must have, when it isn't the URL's. */
  readonly servername?: string | undefined
  /** False to trust whoever answers. */
  readonly rejectUnauthorized?: boolean | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface HttpsLimits {
  readonly timeoutMs: number
  /** Bytes of the answer that are taken at most. */
  readonly bytes: number
  /** Ends the request, with its reason. */
  readonly signal?: AbortSignal
}

/** The server answered, but not with what was asked for. */
export class HttpsStatusError extends Error {
  override readonly name = 'HttpsStatusError'
  readonly code: number

  constructor(code: number) {
    super(`answered with ${code}`)
    this.code = code
  }
}

/**
 * Fetches a document, or has one answered to another that is sent as JSON. Redirects aren't followed.
 *
 * @throws HttpsStatusError (rejects) for any code but 200 and 201, another Error when there is no answer or too long a one;
 *   neither holds the document or a header
 */
export function httpsRequest(url: string, peer: HttpsPeer, limits: HttpsLimits, body?: unknown): Promise<string> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const signal = AbortSignal.any([AbortSignal.timeout(limits.timeoutMs), ...(limits.signal ? [limits.signal] : [])])
  const { headers, ...tls } = peer
  const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
  const options: RequestOptions = {
    ...given,
    method: payload ? 'POST' : 'GET',
    headers: {
      accept: 'application/json',
      ...(payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {}),
      ...headers,
    },
    signal,
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (answer) => {
      const chunks: Buffer[] = []
      let length = 0
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > limits.bytes) sent.destroy(new Error(`the answer is longer than ${limits.bytes} bytes`))
        else chunks.push(chunk)
      })
      answer.on('error', reject)
      answer.on('end', () => {
        const code = answer.statusCode ?? 0
        if (code === 200 || code === 201) resolve(Buffer.concat(chunks).toString())
        else reject(new HttpsStatusError(code))
      })
    })
    sent.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error))
    sent.end(payload)
  })
}

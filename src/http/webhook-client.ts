import type { Agent } from 'node:http'
import https from 'node:https'
import { connectionError } from './client-errors.ts'
import { http } from './node-http.ts'

export interface WebhookClientOptions {
  url: string
  /** PEM. */
  ca?: string
  cert?: string
  key?: string
  serverName?: string
  /** Takes whatever certificate the server has. */
  insecure?: boolean
  /** Asked for each request, since tokens in files change. */
  authorization?: () => string | undefined | Promise<string | undefined>
  /** Where to connect to, when it isn't where the URL says; asked for each request. */
  address?: () => Address | Promise<Address>
  userAgent?: string
  timeoutMs: number
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface PostOptions {
  /** When it is to end, at the latest; the client's own limit when unset. */
  timeoutMs?: number
  /** After the URL's `?`. */
  query?: string
  /** Ends it before its time. */
  signal?: AbortSignal | undefined
}

export interface WebhookClient {
  /** @throws Error (rejects) when there is no answer, in the words of Go's HTTP client: `Post "https://…": …` */
  post(body: string, options?: PostOptions): Promise<{ code: number; body: string; type?: string | undefined }>
  close(): void
}

const MAX_ANSWER_BYTES = 3 << 20
/** How long connections are kept that nobody uses, in ms. */
const IDLE = 90_000

/** Asks another server by POST requests with JSON bodies, over connections that are kept. */
export function webhookClient(options: WebhookClientOptions): WebhookClient {
  const agent = agentFor(options)
  return {
    async post(body, { timeoutMs = options.timeoutMs, query, signal } = {}) {
      const url = query ? `${options.url}?${query}` : options.url
      const deadline = Date.now() + timeoutMs
      try {
        const [credentials, address] = await Promise.all([options.authorization?.(), options.address?.()])
        const asked = { url, agent, body, credentials, address, userAgent: options.userAgent, signal }
        const first = await ask({ ...asked, timeoutMs })
        if (first !== 'stale') return first
        const second = await ask({ ...asked, timeoutMs: Math.max(deadline - Date.now(), 1) })
        if (second === 'stale') throw new Error('EOF')
        return second
      } catch (error) {
        throw new Error(`Post ${JSON.stringify(url)}: ${connectionError(error as Error)}`, { cause: error })
      }
    },
    close: () => agent.destroy(),
  }
}

function agentFor({ url, ca, cert, key, serverName, insecure }: WebhookClientOptions): Agent {
  if (new URL(url).protocol !== 'https:') return new http.Agent({ keepAlive: true, timeout: IDLE })
  return new https.Agent({
    keepAlive: true,
    timeout: IDLE,
    rejectUnauthorized: !insecure,
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(serverName ? { servername: serverName } : {}),
  })
}

interface Asked {
  readonly url: string
  readonly agent: Agent
  readonly body: string
  readonly credentials: string | undefined
  readonly address: Address | undefined
  readonly userAgent: string | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
}

interface Answer {
  code: number
  body: string
  type: string | undefined
}

/** @returns `stale` when the connection had been kept, but not by the other side */
async function ask({ url, agent, body, credentials, address, userAgent, signal, timeoutMs }: Asked): Promise<Answer | 'stale'> {
  const [, scheme, host = ''] = /^(https?):\/\/([^/?#]*)/.exec(url) ?? []
  const request = scheme === 'https' ? https.request : http.request
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, */*',
    'content-length': Buffer.byteLength(body),
    ...(credentials ? { authorization: credentials } : {}),
    ...(userAgent ? { 'user-agent': userAgent } : {}),
    ...(address ? { host } : {}),
  }
  const { promise, resolve, reject } = Promise.withResolvers<Answer | 'stale'>()
  const end = (reason: string): void => {
    reject(new Error(reason))
    sent.destroy()
  }
  const target = address ? { hostname: address.host, port: address.port } : {}
  const sent = request(url, { method: 'POST', agent, headers, ...target, ...(signal ? { signal } : {}) }, (answer) => {
    const chunks: Buffer[] = []
    let size = 0
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) end('the answer is too large')
    })
    answer.on('end', () =>
      resolve({ code: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString(), type: answer.headers['content-type'] }),
    )
    answer.on('error', reject)
  })
  const timer = setTimeout(() => end('context deadline exceeded'), timeoutMs)
  sent.on('error', (error: NodeJS.ErrnoException) => {
    const isStale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    if (isStale) resolve('stale')
    else reject(error)
  })
  sent.end(body)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

import http from 'node:http'
import https from 'node:https'

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
  timeoutMs: number
}

export interface WebhookClient {
  post(body: string): Promise<{ code: number; body: string }>
  close(): void
}

const MAX_ANSWER_BYTES = 3 << 20

/** Asks another server by POST requests with JSON bodies, over connections that are kept. */
export function webhookClient(options: WebhookClientOptions): WebhookClient {
  const { url, ca, cert, key, serverName, insecure, authorization, timeoutMs } = options
  const secure = new URL(url).protocol === 'https:'
  const agent = secure
    ? new https.Agent({
        keepAlive: true,
        rejectUnauthorized: !insecure,
        ...(ca ? { ca } : {}),
        ...(cert && key ? { cert, key } : {}),
        ...(serverName ? { servername: serverName } : {}),
      })
    : new http.Agent({ keepAlive: true })
  const request = secure ? https.request : http.request
  return {
    async post(body) {
      const credentials = await authorization?.()
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(credentials ? { authorization: credentials } : {}),
      }
      return await new Promise((resolve, reject) => {
        const sent = request(url, { method: 'POST', agent, headers, timeout: timeoutMs }, (answer) => {
          const chunks: Buffer[] = []
          let size = 0
          answer.on('data', (chunk: Buffer) => {
            chunks.push(chunk)
            size += chunk.length
            if (size > MAX_ANSWER_BYTES) sent.destroy(new Error(`Post ${JSON.stringify(url)}: the answer is too large`))
          })
          answer.on('end', () => resolve({ code: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
          answer.on('error', reject)
        })
        sent.on('timeout', () => sent.destroy(new Error(`Post ${JSON.stringify(url)}: context deadline exceeded`)))
        sent.on('error', reject)
        sent.end(body)
      })
    },
    close: () => agent.destroy(),
  }
}

import https from 'node:https'

export interface Answer {
  status: number
  body: string
}

/** A plain client with a few kept-alive connections, for what isn't measured. */
export class Client {
  readonly #url: URL
  readonly #token: string
  readonly #agent = new https.Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false })

  constructor(url: string, token: string) {
    this.#url = new URL(url)
    this.#token = token
  }

  request(method: string, path: string, body?: string, type = 'application/json'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = https.request({
        host: this.#url.hostname,
        port: this.#url.port,
        method,
        path,
        agent: this.#agent,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
        },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      })
      request.end(body)
    })
  }

  /** @throws Error when the answer isn't 200 or 201 */
  async demand(method: string, path: string, body?: unknown, type?: string): Promise<string> {
    const answer = await this.request(method, path, body === undefined ? undefined : JSON.stringify(body), type)
    if (answer.status !== 200 && answer.status !== 201) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`)
    return answer.body
  }

  close(): void {
    this.#agent.destroy()
  }
}

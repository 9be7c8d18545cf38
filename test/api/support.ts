import { startTestServer, type TestServer } from '../../src/testing/start-test-server.ts'

export interface Answer {
  code: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came, and fail when it isn't there
  body: any
}

/** A server in this process, in which nothing happens by itself, and short ways to talk to it. */
export class Api implements AsyncDisposable {
  readonly server: TestServer

  private constructor(server: TestServer) {
    this.server = server
  }

  static async start(): Promise<Api> {
    return new Api(await startTestServer({ flags: { controllers: [] } }))
  }

  async call(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.server.request(url, { method, headers, ...(body === undefined ? {} : { body }) })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.startsWith('application/json')
    return { code: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }

  get(url: string, headers?: Record<string, string>): Promise<Answer> {
    return this.call('GET', url, undefined, headers)
  }

  post(url: string, body: unknown): Promise<Answer> {
    return this.call('POST', url, body)
  }

  put(url: string, body: unknown): Promise<Answer> {
    return this.call('PUT', url, body)
  }

  merge(url: string, body: unknown): Promise<Answer> {
    return this.call('PATCH', url, body, { 'content-type': 'application/merge-patch+json' })
  }

  delete(url: string, body?: unknown): Promise<Answer> {
    return this.call('DELETE', url, body)
  }

  /** Makes a namespace of its own for a test, and gives the path of its config maps. */
  async configMaps(namespace: string): Promise<string> {
    await this.post('/api/v1/namespaces', { metadata: { name: namespace } })
    return `/api/v1/namespaces/${namespace}/configmaps`
  }

  /** Follows a watch; `next` resolves with its next event. */
  async watch(url: string): Promise<Watch> {
    const abort = new AbortController()
    const answer = await this.server.request(url, { signal: abort.signal })
    return new Watch(answer, abort)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close()
  }
}

interface WatchEvent {
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: as above
  object: any
}

export class Watch implements Disposable {
  readonly code: number
  readonly #lines: AsyncGenerator<string>
  readonly #abort: AbortController

  constructor(answer: Response, abort: AbortController) {
    this.code = answer.status
    this.#abort = abort
    this.#lines = lines(answer)
  }

  /** @throws Error when the watch ends instead */
  async next(): Promise<WatchEvent> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the watch has ended')
    return JSON.parse(value) as WatchEvent
  }

  /** The next `count` events as `TYPE name`. */
  async take(count: number): Promise<string[]> {
    const seen: string[] = []
    while (seen.length < count) {
      const { type, object } = await this.next()
      seen.push(`${type} ${object.metadata?.name ?? ''}`.trim())
    }
    return seen
  }

  /** Whether the stream ends by itself. */
  async ended(): Promise<boolean> {
    return (await this.#lines.next()).done === true
  }

  [Symbol.dispose](): void {
    this.#abort.abort()
  }
}

async function* lines(answer: Response): AsyncGenerator<string> {
  let rest = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      rest += decoder.decode(chunk, { stream: true })
      const parts = rest.split('\n')
      rest = parts.pop() ?? ''
      yield* parts.filter((line) => line !== '')
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error
  }
}

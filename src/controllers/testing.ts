import assert from 'node:assert/strict'
import type { MetaV1ObjectMeta } from '../generated/types.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../testing/start-test-server.ts'

interface Answer {
  code: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came, and fail when it isn't there
  body: any
}

/** A server with its controllers, and short ways to talk to it and to wait for what they do. */
export class ControlledServer implements AsyncDisposable {
  readonly server: TestServer

  private constructor(server: TestServer) {
    this.server = server
  }

  /** Resolves when the garbage collector is at work. */
  static async start(options: TestServerOptions = {}): Promise<ControlledServer> {
    const server = await startTestServer(options)
    await server.server.controllers.settled()
    return new ControlledServer(server)
  }

  async call(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.server.request(url, { method, headers, ...(body === undefined ? {} : { body }) })
    return { code: answer.status, body: JSON.parse(await answer.text()) }
  }

  async get(url: string): Promise<Answer['body']> {
    const { code, body } = await this.call('GET', url)
    assert.equal(code, 200, `${url}: ${body.message}`)
    return body
  }

  /** The metadata of what was made. */
  async post(url: string, body: unknown): Promise<MetaV1ObjectMeta> {
    const answer = await this.call('POST', url, body)
    assert.equal(answer.code, 201, `${url}: ${answer.body.message}`)
    return answer.body.metadata
  }

  async merge(url: string, body: unknown): Promise<void> {
    const answer = await this.call('PATCH', url, body, { 'content-type': 'application/merge-patch+json' })
    assert.equal(answer.code, 200, `${url}: ${answer.body.message}`)
  }

  async delete(url: string, options?: object): Promise<Answer> {
    const answer = await this.call('DELETE', url, options)
    assert.ok(answer.code < 300, `${url}: ${answer.body.message}`)
    return answer
  }

  async names(url: string): Promise<string[]> {
    const { items } = await this.get(url)
    return items.map(({ metadata }: { metadata: MetaV1ObjectMeta }) => metadata.name)
  }

  /**
   * Follows one object until it is as wanted, which is asked first of what it is now.
   * @param wanted asked of each state; of undefined when there is none
   */
  async until(url: string, wanted: (object: Answer['body'] | undefined) => boolean): Promise<Answer['body'] | undefined> {
    const at = url.lastIndexOf('/')
    const name = url.slice(at + 1)
    const signal = AbortSignal.timeout(10_000)
    const list = await this.get(`${url.slice(0, at)}?fieldSelector=metadata.name=${name}`)
    let seen = list.items[0]
    if (wanted(seen)) return seen
    const from = list.metadata.resourceVersion
    const watch = await this.server.request(
      `${url.slice(0, at)}?watch=1&resourceVersion=${from}&fieldSelector=metadata.name=${name}`,
      { signal },
    )
    try {
      let rest = ''
      for await (const chunk of watch.body as unknown as AsyncIterable<Uint8Array>) {
        const lines = (rest + Buffer.from(chunk).toString()).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const { type, object } = JSON.parse(line)
          seen = type === 'DELETED' ? undefined : object
          if (wanted(seen)) return seen
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    assert.fail(`${url} stayed ${JSON.stringify(seen)}`)
  }

  async untilGone(url: string): Promise<void> {
    await this.until(url, (object) => object === undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close()
  }
}

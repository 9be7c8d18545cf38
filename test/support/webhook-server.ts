import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Authority, authority, serving } from './certificates.ts'

export interface Asked {
  path: string
  /** With its query. */
  url: string
  headers: Record<string, string | string[] | undefined>
  review: {
    apiVersion: string
    kind: string
    request: Record<string, unknown> & { uid: string; object: unknown; oldObject: unknown }
  }
}

/** What a webhook does: its response (without the uid), a whole answer as text, or nothing for no answer at all. */
export type Webhook = (asked: Asked) => object | string | undefined

/** An HTTPS server with admission webhooks, by their paths, which keeps what it was asked. */
export class WebhookServer implements AsyncDisposable {
  readonly caBundle: string
  readonly asked: Asked[] = []
  readonly webhooks = new Map<string, Webhook>()
  /** Connections that were made. */
  connections = 0
  readonly #server: Server

  private constructor(server: Server, ca: Authority) {
    this.#server = server
    this.caBundle = Buffer.from(ca.certificatePem).toString('base64')
    server.on('secureConnection', () => this.connections++)
    server.on('request', (request, response) => {
      void (async () => {
        const chunks: Buffer[] = []
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
        const url = request.url ?? ''
        const path = url.replace(/\?.*/, '')
        const review = JSON.parse(Buffer.concat(chunks).toString()) as Asked['review']
        const asked = { path, url, headers: request.headers, review }
        this.asked.push(asked)
        const webhook = this.webhooks.get(path)
        if (!webhook) {
          response.writeHead(500, { 'content-type': 'text/plain' }).end('no such webhook\n')
          return
        }
        const answer = webhook(asked)
        if (answer === undefined) return
        const { apiVersion, kind, request: about } = review
        const body =
          typeof answer === 'string' ? answer : JSON.stringify({ apiVersion, kind, response: { uid: about.uid, ...answer } })
        response.writeHead(200, { 'content-type': 'application/json' }).end(body)
      })()
    })
  }

  /** @param dnsNames those that its certificate has, besides 127.0.0.1 */
  static async start(dnsNames: readonly string[] = ['localhost']): Promise<WebhookServer> {
    const ca = authority('webhook-ca')
    const server = createServer(serving(ca, dnsNames))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new WebhookServer(server, ca)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Adds a webhook. @returns a client configuration that leads to it */
  serve(path: string, webhook: Webhook): { url: string; caBundle: string } {
    this.webhooks.set(path, webhook)
    return { url: `https://localhost:${this.port}${path}`, caBundle: this.caBundle }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

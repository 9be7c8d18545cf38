import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { ServerProcess } from './server-process.ts'

export interface Answer {
  code: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came, and fail when it isn't there
  json: any
  text: string
}

/** An HTTP/1.1 client with the admin's certificate, which keeps its connections. */
export class AdminClient implements Disposable {
  readonly #server: ServerProcess
  readonly #agent: Agent

  constructor(server: ServerProcess) {
    this.#server = server
    this.#agent = new Agent({ keepAlive: true, ...server.admin })
  }

  /** @param body sent as JSON unless it is text already */
  async call(method: string, url: string, body?: unknown, contentType = 'application/json'): Promise<Answer> {
    const answer = await this.open(method, url, body, contentType)
    const content = await text(answer)
    return { code: answer.statusCode ?? 0, text: content, json: parsed(content) }
  }

  /** Resolves with the answer's head; its body is to be read. */
  open(method: string, url: string, body?: unknown, contentType = 'application/json'): Promise<IncomingMessage> {
    const headers = body === undefined ? {} : { 'content-type': contentType }
    return new Promise((resolve, reject) => {
      // In parts: a URL would be tidied up, and tests send untidy ones.
      const target = { host: '127.0.0.1', port: this.#server.port, path: url }
      const outgoing = request({ ...target, agent: this.#agent, method, headers }, resolve)
      outgoing.on('error', reject)
      outgoing.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function parsed(text: string): Answer['json'] {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A ConfigMap with one value. */
export function configMap(name: string, value = name): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } }
}

export const configMaps = '/api/v1/namespaces/default/configmaps'

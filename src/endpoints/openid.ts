import type { Exchange } from '../machinery/exchange.ts'
import { StatusError } from '../machinery/status.ts'

interface Document {
  readonly type: string
  readonly body: string
}

/** Serves the documents by which others can verify service account tokens. They change with a restart only. */
export class OpenIdEndpoints {
  readonly #documents = new Map<string, Document>()

  /** @param metadata the documents as JSON, without which there are no such paths */
  constructor(metadata: { configuration: string; keys: string } | undefined) {
    if (!metadata) return
    this.#documents.set('/.well-known/openid-configuration', { type: 'application/json', body: metadata.configuration })
    this.#documents.set('/openid/v1/jwks', { type: 'application/jwk-set+json', body: metadata.keys })
  }

  /** Every path served, for the list at `/`. */
  paths(): string[] {
    return [...this.#documents.keys()]
  }

  /** @returns false when the path is none of these @throws StatusError 405, 406 */
  handle(exchange: Exchange): boolean {
    const document = this.#documents.get(exchange.path.replace(/\/$/, ''))
    if (!document) return false
    if (exchange.method !== 'GET')
      throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
    if (!accepts(exchange.header('accept'), document.type))
      throw new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${document.type}`, {})
    exchange.respond(200, document.type, document.body, { 'cache-control': 'public, max-age=3600' })
    return true
  }
}

const accepts = (header: string | undefined, type: string): boolean =>
  header === undefined ||
  header.split(',').some((range) => {
    const wanted = range.split(';')[0]!.trim()
    return wanted === '*/*' || wanted === type
  })

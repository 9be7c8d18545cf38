import type { Exchange } from '../machinery/exchange.ts'
import type { RemoteApi } from './remote-api.ts'
import type { RemoteApis } from './remote-apis.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface AggregatorProxyDeps {
  readonly apis: RemoteApis
  /** @throws Error (rejects) when there is no way to the service */
  resolve(api: RemoteApi): Promise<Address>
  /** Passes the request on, as its user. @throws Error (rejects) as long as nothing was answered */
  forward(exchange: Exchange, api: RemoteApi, address: Address, path: string): Promise<void>
}

/**
 * Passes requests for what other servers serve on to them. Who sends them and that they may was decided before; the other server decides
 * again by itself.
 *
 * @see https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
 */
export class AggregatorProxy {
  readonly #deps: AggregatorProxyDeps

  constructor(deps: AggregatorProxyDeps) {
    this.#deps = deps
  }

  /** @returns undefined when the request isn't for another server */
  handle(exchange: Exchange): Promise<void> | undefined {
    const api = this.#deps.apis.find(exchange.info)
    return api && this.#forward(exchange, api)
  }

  async #forward(exchange: Exchange, api: RemoteApi): Promise<void> {
    if (!api.available) return refuse(exchange, 'service unavailable')
    let address: Address
    try {
      address = await this.#deps.resolve(api)
    } catch {
      return refuse(exchange, 'service unavailable')
    }
    // How long it lasts is the other server's business, which has seats of its own for it.
    if (exchange.info.verb === 'watch') {
      exchange.held?.release()
      exchange.held = undefined
    }
    await this.#deps.forward(exchange, api, address, sentPath(exchange))
  }
}

/** What was authorized is what is asked for: escapes that mean something else to the other server don't get through. */
function sentPath({ path, transport: { url }, rawQuery }: Exchange): string {
  if (!url.includes('%')) return url
  const escaped = encodeURI(path).replace(/[?#]/g, encodeURIComponent)
  return rawQuery ? `${escaped}?${rawQuery}` : escaped
}

/** The plain answer when another server can't be asked. */
export function refuse(exchange: Exchange, text: string): void {
  if (exchange.answeredCode) return
  exchange.respond(503, 'text/plain; charset=utf-8', `${text}\n`, { 'x-content-type-options': 'nosniff' })
}

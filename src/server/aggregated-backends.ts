import { refuse } from '../aggregator/proxy.ts'
import type { RemoteApi } from '../aggregator/remote-api.ts'
import type { Told } from '../aggregator/remote-documents.ts'
import { isUserHeader, userHeaders } from '../aggregator/user-headers.ts'
import { type BackendAnswer, BackendClient, BackendError, type BackendTarget } from '../http/backend-client.ts'
import { asksForUpgrade, forward, forwardedHeaders, forwardUpgrade } from '../http/reverse-proxy.ts'
import type { Address } from '../http/webhook-client.ts'
import type { Exchange } from '../machinery/exchange.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { ProxyIdentity } from './proxy-identity.ts'

export interface AggregatedBackendsDeps {
  readonly identity: ProxyIdentity
  /** Whether redirects of servers are kept from clients. */
  readonly rejectsRedirects: boolean
  /** @throws Error (rejects) when there is no way to the service */
  resolve(api: RemoteApi): Promise<Address>
  /** Told of certificates without names. */
  onMissingNames(): void
}

/** What a server may take to say what it serves, in ms. */
const ASK_MS = 5_000
/** How often a server that doesn't answer is asked again at once. */
const MORE_PROBES = 4
const MAX_DOCUMENT_BYTES = 64 << 20

/** What the server has said already of every answer. */
const OURS = new Set(['audit-id', 'x-kubernetes-pf-flowschema-uid', 'x-kubernetes-pf-prioritylevel-uid'])
const REDIRECTED = 'the backend attempted to redirect this request, which is not permitted'

/** The way to servers behind this one, for their clients' requests and for our own. */
export class AggregatedBackends {
  readonly #deps: AggregatedBackendsDeps
  readonly #client = new BackendClient()

  constructor(deps: AggregatedBackendsDeps) {
    this.#deps = deps
  }

  /** Passes a client's request on, as its user. */
  async forward(exchange: Exchange, api: RemoteApi, address: Address, path: string): Promise<void> {
    const isUpgrade = asksForUpgrade(exchange.transport)
    try {
      const host = hostOf(address)
      const given = forwardedHeaders(exchange.transport)
      const headers = {
        ...Object.fromEntries(Object.entries(given).filter(([name]) => !isUserHeader(name))),
        host,
        'audit-id': exchange.auditId,
        'x-forwarded-host': host,
        'x-forwarded-proto': 'https',
        'x-forwarded-uri': path.replace(/\?.*/, ''),
        ...userHeaders(exchange.user),
      }
      const target = this.#target(api, address)
      if (isUpgrade) await forwardUpgrade(exchange, this.#client, { target, path, headers })
      else await forward(exchange, this.#client, { target, path, headers, rewrite: (answer) => this.#rewrite(answer, host) })
    } catch (error) {
      if (exchange.answeredCode) throw error
      const { message } = error as Error
      if (message.includes('legacy Common Name field')) this.#deps.onMissingNames()
      refuse(exchange, isUpgrade ? message : `error trying to reach service: ${message}`)
    }
  }

  #rewrite(answer: BackendAnswer, host: string): BackendAnswer {
    const { code, headers, body } = answer
    const { location } = headers
    if (code >= 300 && code <= 399 && location && this.#deps.rejectsRedirects) {
      void drop(body)
      return { code: 502, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: one(Buffer.from(REDIRECTED)) }
    }
    const kept = Object.entries(headers).filter(
      ([name]) => !OURS.has(name) && !/^access-control-allow-(?:credentials|headers|methods|origin)$/.test(name),
    )
    const passed = Object.fromEntries(kept)
    if (typeof location === 'string' && /^\/(?!\/)/.test(location)) passed.location = `https://${host}${location}`
    return { code, headers: passed, body }
  }

  /**
   * Asks a server for a document of its own.
   *
   * @param options `trusting` takes whatever certificate it has
   * @throws Error (rejects) when there is no answer in time, or it is too long
   */
  async ask(
    api: RemoteApi,
    path: string,
    user: UserInfo,
    headers: Readonly<Record<string, string>>,
    { trusting = false, address = undefined as Address | undefined } = {},
  ): Promise<Told> {
    const to = address ?? (await this.#deps.resolve(api))
    const signal = AbortSignal.timeout(ASK_MS)
    const target = trusting ? this.#trusting(to) : this.#target(api, to)
    try {
      const sent = { ...headers, host: hostOf(to), ...userHeaders(user) }
      const { code, headers: told, body } = await this.#client.request(target, { method: 'GET', path, headers: sent, signal })
      return { code, headers: told, body: await whole(body) }
    } catch (error) {
      if (signal.aborted) throw new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
      throw error
    }
  }

  /** Whether a server answers at all. @throws Error (rejects) in the reference's words */
  async probe(api: RemoteApi, path: string, user: UserInfo): Promise<void> {
    try {
      await this.#probe(api, path, user)
    } catch {
      // Of several endpoints another one may answer.
      const more = Array.from({ length: MORE_PROBES }, () => this.#probe(api, path, user))
      await Promise.any(more).catch((error: AggregateError) => Promise.reject(error.errors.at(-1)))
    }
  }

  async #probe(api: RemoteApi, path: string, user: UserInfo): Promise<void> {
    const address = await this.#deps.resolve(api)
    const url = `https://${hostOf(address)}${path}`
    try {
      // Who can put themselves in its place can only make it seem available.
      const { code } = await this.ask(api, path, user, {}, { trusting: true, address })
      if (code < 200 || code >= 300) throw new Error(`bad status from ${url}: ${code}`)
    } catch (error) {
      const { message } = error as Error
      const said = error instanceof BackendError || /^context deadline/.test(message) ? `Get "${url}": ${message}` : message
      throw new Error(`failing or missing response from ${url}: ${said}`)
    }
  }

  #target({ ca, insecure, service }: RemoteApi, { host, port }: Address): BackendTarget {
    const tls = { ...this.#deps.identity.current, ca, insecure, serverName: `${service.name}.${service.namespace}.svc` }
    return { host, port, tls }
  }

  #trusting({ host, port }: Address): BackendTarget {
    return { host, port, tls: { ...this.#deps.identity.current, insecure: true } }
  }

  close(): void {
    this.#client.close()
  }
}

const hostOf = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

async function* one(body: Buffer): AsyncGenerator<Buffer, void> {
  yield body
}

/** Lets go of a body that nobody wants. */
async function drop(body: AsyncIterable<Buffer>): Promise<void> {
  const iterator = body[Symbol.asyncIterator]()
  try {
    await iterator.next()
    await iterator.return?.()
  } catch {
    // It went by itself.
  }
}

async function whole(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_DOCUMENT_BYTES) throw new Error('the answer is too large')
  }
  return Buffer.concat(chunks)
}

import { lookup } from 'node:dns/promises'
import { posix } from 'node:path'
import type { Connections } from '../endpoints/connect.ts'
import type { CoreV1Node } from '../generated/types.ts'
import { type BackendAnswer, type BackendClient, BackendError, type BackendTarget } from '../http/backend-client.ts'
import { fitAnswer } from '../http/proxied-answer.ts'
import { translateCommand, WEB_SOCKET_PROTOCOL } from '../http/remote-command.ts'
import {
  asksForUpgrade,
  clientSignal,
  type Forwarding,
  forward,
  forwardedHeaders,
  forwardUpgrade,
  passOn,
  subprotocols,
} from '../http/reverse-proxy.ts'
import { tunnelSpdy, wantsTunnel } from '../http/spdy-tunnel.ts'
import { isWebSocket } from '../http/web-socket.ts'
import { streamToWebSocket } from '../http/web-socket-stream.ts'
import { isGlobalUnicast, numericPort } from '../kinds/core/proxy.ts'
import type { Exchange } from '../machinery/exchange.ts'
import type { KubeObject } from '../machinery/object.ts'
import { badRequest, StatusError, serviceUnavailable } from '../machinery/status.ts'
import type { Options } from '../options/table.ts'
import type { AddressTarget, KubeletTarget, NodeTarget } from '../registry/kind.ts'
import type { KubeletAccess } from './kubelet-access.ts'
import { logRefusal } from './kubelet-answers.ts'

export interface ClusterConnectionsDeps {
  readonly client: BackendClient
  readonly kubelets: KubeletAccess
  /** Whether a header, in lower case, is one in which proxies name users to us: those go no further. */
  namesUsers(header: string): boolean
  feature(name: string): boolean
}

/** Of what a kubelet says when it has no log. */
const MAX_REFUSAL_BYTES = 50_000
/** By which a kubelet says that it speaks WebSockets, all of their protocols. */
const SPEAKS_WEB_SOCKETS = 'ExtendWebSocketsToKubelet'

/** Connects clients to kubelets, pods, services and nodes. */
export class ClusterConnections implements Connections {
  readonly #deps: ClusterConnectionsDeps

  constructor(deps: ClusterConnectionsDeps) {
    this.#deps = deps
  }

  async stream(exchange: Exchange, { node, path, stream }: KubeletTarget): Promise<void> {
    const { client, kubelets, feature } = this.#deps
    const { transport } = exchange
    const insecure = stream.kind === 'log' && stream.insecure
    const target = await kubelets.target(node, { insecure })
    if (stream.kind === 'log') return await this.#log(exchange, target, path)
    if (!asksForUpgrade(transport)) throw badRequest('Upgrade request required')
    const forwarding: Forwarding = { target, path, headers: this.#headers(exchange) }
    const translates = isWebSocket(transport) && !(feature(SPEAKS_WEB_SOCKETS) && speaksWebSockets(node))
    try {
      if (stream.kind === 'command') {
        const speaksV5 = translates && subprotocols(transport).includes(WEB_SOCKET_PROTOCOL)
        if (speaksV5 && feature('TranslateStreamCloseWebsocketRequests')) {
          return await translateCommand(exchange, client, forwarding, stream)
        }
      } else if (translates && wantsTunnel(exchange) && feature('PortForwardWebsockets')) {
        return await tunnelSpdy(exchange, client, forwarding)
      }
      await forwardUpgrade(exchange, client, forwarding)
    } catch (error) {
      throw upgradeError(error)
    }
  }

  async proxy(exchange: Exchange, asked: AddressTarget | NodeTarget, askedPath: string): Promise<void> {
    const { client } = this.#deps
    const path = askedPath && posix.normalize(askedPath)
    const { rawQuery, transport } = exchange
    const target = asked.to === 'node' ? await this.#onNode(asked) : addressOf(asked)
    const query = rawQuery ? `?${rawQuery}` : ''
    const headers = this.#headers(exchange)
    const forwarding: Forwarding = { target, path: `${escapePath(path) || '/'}${query}`, headers }
    if (asksForUpgrade(transport)) {
      try {
        return await forwardUpgrade(exchange, client, forwarding)
      } catch (error) {
        throw upgradeError(error)
      }
    }
    // Links on a page are relative to a folder.
    if (path === '' && (exchange.method === 'GET' || exchange.method === 'HEAD')) {
      const location = `${transport.url.split('?', 1)[0]}/${query}`
      return exchange.respond(301, '', '', { location })
    }
    headers['x-forwarded-uri'] = escapePath(exchange.path)
    const place = { prefix: prefixOf(exchange.path, path), hosts: [hostOf(target), String(headers.host ?? '')] }
    try {
      await forward(exchange, client, { ...forwarding, rewrite: (answer) => fitAnswer(answer, place) })
    } catch (error) {
      if (error instanceof BackendError) throw serviceUnavailable(`error trying to reach service: ${error.message}`)
      throw error
    }
  }

  #headers(exchange: Exchange): Forwarding['headers'] {
    return forwardedHeaders(exchange.transport, this.#deps.namesUsers)
  }

  async #log(exchange: Exchange, target: BackendTarget, path: string): Promise<void> {
    const signal = clientSignal(exchange)
    let answer: BackendAnswer
    try {
      answer = await this.#deps.client.request(target, { method: 'GET', path, headers: {}, signal })
    } catch (error) {
      if (signal.aborted) return exchange.transport.destroy()
      throw new StatusError(500, '', `Get "https://${hostOf(target)}${path}": ${(error as Error).message}`)
    }
    const { code, body } = answer
    if (code < 200 || code > 206) throw logRefusal(code, await textOf(body), exchange.info.name)
    if (isWebSocket(exchange.transport)) return await streamToWebSocket(exchange, body, signal)
    await passOn(exchange, { code: 200, headers: { 'content-type': 'text/plain' }, body }, signal)
  }

  /** The kubelet itself, or something else on its node. Both only where that isn't this machine. */
  async #onNode({ node, port, scheme }: NodeTarget): Promise<BackendTarget> {
    const kubelet = await this.#deps.kubelets.target(node)
    await requireProxyable(kubelet.host)
    if (port === '' || port === String(kubelet.port)) return kubelet
    return addressOf({ to: 'address', scheme, host: kubelet.host, port: numericPort(port) })
  }
}

/** Certificates of pods are for nobody in particular, so that they aren't looked at. */
function addressOf({ scheme, host, port }: AddressTarget): BackendTarget {
  if (scheme === 'https') return { host, port: port ?? 443, tls: { insecure: true } }
  return { host, port: port ?? 80 }
}

const speaksWebSockets = (node: KubeObject): boolean =>
  (node as CoreV1Node).status?.declaredFeatures?.includes(SPEAKS_WEB_SOCKETS) ?? false

const hostOf = ({ host, port }: BackendTarget): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

const prefixOf = (whole: string, path: string): string =>
  whole.endsWith(path) ? whole.slice(0, whole.length - path.length) : whole

async function requireProxyable(host: string): Promise<void> {
  const found = await lookup(host, { all: true }).catch(() => {
    throw badRequest(`lookup ${host}: no such host`)
  })
  if (!found.every(({ address }) => isGlobalUnicast(address))) throw badRequest('address not allowed')
}

const upgradeError = (error: unknown): unknown =>
  error instanceof BackendError ? new StatusError(500, '', `error dialing backend: ${error.message}`) : error

/** As Go sends a path that was decoded. */
const escapePath = (path: string): string =>
  path.replace(/[^A-Za-z0-9\-_.~$&+,/:;=@]+/gu, (text) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= MAX_REFUSAL_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES).toString()
}

/** Whether what is at a URL may be more than HTTP: streams of containers, what is proxied, and what another server adds to this API. */
export const mayUpgrade = (url: string): boolean => /\/(?:log|exec|attach|portforward|proxy)(?:[/?]|$)|^\/apis\//.test(url)

/** The headers in which proxies name users, by the flags. */
export function userHeaders(
  options: Pick<
    Options,
    'requestheaderUsernameHeaders' | 'requestheaderUidHeaders' | 'requestheaderGroupHeaders' | 'requestheaderExtraHeadersPrefix'
  >,
): (header: string) => boolean {
  const { requestheaderUsernameHeaders, requestheaderUidHeaders, requestheaderGroupHeaders } = options
  const whole = [requestheaderUsernameHeaders, requestheaderUidHeaders, requestheaderGroupHeaders].flat()
  const names = new Set(whole.map((name) => name.toLowerCase()))
  const prefixes = options.requestheaderExtraHeadersPrefix.map((prefix) => prefix.toLowerCase())
  return (header) => names.has(header) || prefixes.some((prefix) => header.startsWith(prefix))
}

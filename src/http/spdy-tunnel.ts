import type { Exchange } from '../machinery/exchange.ts'
import { internalError } from '../machinery/status.ts'
import type { BackendClient } from './backend-client.ts'
import { clientSignal, type Forwarding, requestUpgrade, subprotocols } from './reverse-proxy.ts'
import { badHandshake, WebSocket } from './web-socket.ts'

const PREFIX = 'SPDY/3.1+'

/** Whether a client wants to speak SPDY through a WebSocket. */
export const wantsTunnel = (exchange: Exchange): boolean => protocolsOf(exchange).length > 0

/** What it wants to speak over SPDY. */
const protocolsOf = ({ transport }: Exchange): string[] =>
  subprotocols(transport).flatMap((name) =>
    name.startsWith(PREFIX) && name.endsWith('.k8s.io') ? name.slice(PREFIX.length) : [],
  )

/**
 * Lets a client speak SPDY with a backend through a WebSocket: the bytes of the one are the messages of the other. The WebSocket is
 * accepted once the backend has agreed; until then errors are ordinary answers.
 *
 * @throws as `forwardUpgrade`
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets
 */
export async function tunnelSpdy(exchange: Exchange, client: BackendClient, forwarding: Forwarding): Promise<void> {
  const bad = badHandshake(exchange.transport)
  if (bad) return exchange.respond(400, 'text/plain; charset=utf-8', `${bad}\n`)
  const kept = Object.entries(forwarding.headers).filter(([name]) => !name.startsWith('sec-websocket-'))
  const headers = {
    ...Object.fromEntries(kept),
    connection: 'Upgrade',
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': protocolsOf(exchange),
    'content-length': '0',
  }
  const backend = await requestUpgrade(exchange, client, { ...forwarding, method: 'POST', headers })
  if (!backend) return
  const { stream } = backend
  const isSpdy = /\bspdy\/3\.1\b/i.test(headerOf(backend.rawHeaders, 'upgrade') ?? '')
  const taken = isSpdy ? exchange.takeOver() : undefined
  if (!taken) {
    stream.destroy()
    throw internalError('unable to upgrade: missing upgrade headers in response')
  }
  const signal = clientSignal(exchange)
  const spoken = headerOf(backend.rawHeaders, 'x-stream-protocol-version')
  const key = String(exchange.transport.headers['sec-websocket-key'])
  const socket = new WebSocket(taken, key, spoken === undefined ? undefined : `${PREFIX}${spoken}`)
  const drop = (): void => {
    stream.destroy()
    taken.stream.destroy()
  }
  signal.addEventListener('abort', drop)
  const gone = new Promise<void>((resolve) => taken.stream.once('close', resolve))
  const up = async (): Promise<void> => {
    for await (const { data } of socket.parts()) {
      if (stream.destroyed) break
      if (stream.write(data)) continue
      await new Promise<void>((resolve) => {
        stream.once('drain', resolve)
        stream.once('close', resolve)
      })
    }
    stream.destroy()
  }
  const down = async (): Promise<void> => {
    if (backend.head.length) await socket.send(backend.head)
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) await socket.send(chunk as Buffer)
  }
  try {
    await Promise.allSettled([up(), down().finally(() => socket.close())])
    await gone
  } finally {
    signal.removeEventListener('abort', drop)
    drop()
  }
}

const headerOf = (rawHeaders: readonly string[], name: string): string | undefined =>
  rawHeaders.find((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name)

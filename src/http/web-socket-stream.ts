import type { Exchange } from '../machinery/exchange.ts'
import { subprotocols } from './reverse-proxy.ts'
import { badHandshake, WebSocket } from './web-socket.ts'

/** What a client may ask for a stream of bytes to come as: itself, or in base64 for those who can't take bytes. */
const PROTOCOLS = ['binary.k8s.io', 'base64.binary.k8s.io']

/**
 * Answers with a stream of bytes as the messages of a WebSocket, as browsers take them.
 *
 * @param signal ends it
 */
export async function streamToWebSocket(exchange: Exchange, body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  const { transport } = exchange
  const asked = subprotocols(transport)
  const protocol = asked.find((name) => PROTOCOLS.includes(name))
  const bad = badHandshake(transport) ?? (asked.length > 0 && !protocol ? 'unsupported protocols' : undefined)
  const taken = bad ? undefined : exchange.takeOver()
  if (!taken) return exchange.respond(400, 'text/plain; charset=utf-8', `${bad ?? 'not a connection of HTTP/1.1'}\n`)
  const socket = new WebSocket(taken, String(transport.headers['sec-websocket-key']), protocol)
  const gone = new Promise<void>((resolve) => taken.stream.once('close', resolve))
  void ignoreClient(socket)
  try {
    for await (const chunk of body) {
      const wait = protocol === PROTOCOLS[1] ? socket.sendText(chunk.toString('base64')) : socket.send(chunk)
      if (wait) await wait
      signal.throwIfAborted()
    }
    socket.close()
  } catch {
    // The log broke off, or the client is gone: either way there is nothing more to say.
    socket.destroy()
  }
  await gone
}

/** What it says is of no interest, but that it goes is. */
async function ignoreClient(socket: WebSocket): Promise<void> {
  try {
    for await (const _ of socket.parts());
    socket.destroy()
  } catch {
    socket.destroy()
  }
}

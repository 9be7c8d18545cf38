import type { Duplex } from 'node:stream'
import type { BodyStream, Exchange, TakenConnection, Transport } from '../machinery/exchange.ts'
import { StatusError } from '../machinery/status.ts'
import {
  type BackendAnswer,
  type BackendClient,
  type BackendRequest,
  type BackendTarget,
  HOP_BY_HOP,
  type UpgradedBackend,
} from './backend-client.ts'
import type { AnswerHeaders } from './headers.ts'

// The core of every reverse proxy here: to kubelets, pods and services, and to aggregated API servers. Use it like this:
//
//     const headers = forwardedHeaders(exchange.transport, isDropped)    // then add what the backend is to be told
//     if (asksForUpgrade(exchange.transport)) await forwardUpgrade(exchange, client, { target, path, headers })
//     else await forward(exchange, client, { target, path, headers })
//
// Both resolve when the answer is complete, the client is gone, or `exchange.signal` has ended it. They throw a BackendError as long as
// nothing was answered, for the caller to say what that means (`error trying to reach service: …`, a 503, for most). A backend's answer
// is passed on whatever its code is.

/** What is asked of a backend on behalf of a client. */
export interface Forwarding {
  readonly target: BackendTarget
  /** Path and query, as they are sent. */
  readonly path: string
  /** From `forwardedHeaders`. */
  readonly headers: AnswerHeaders
  /** The client's own when unset. */
  readonly method?: string
  /** Changes the answer before it is passed on. */
  rewrite?(answer: BackendAnswer): BackendAnswer
}

/** Those that say who the client is, to us: what backends must not get to see. */
const PRIVATE = /^(?:authorization|impersonate-.*)$/
/** A bearer token that a browser sent. */
const BEARER_PROTOCOL = /^base64url\.bearer\.authorization\.k8s\.io\./
/** How long one direction of a connection may go on after the other has ended, in ms. */
const LINGER_MS = 5_000

/**
 * The headers of a client's request that its backend gets: no credentials, none that belong to the connection, and the client's address
 * added to `X-Forwarded-For`. Those that ask for another protocol stay.
 *
 * @param isDropped tells by a name in lower case what else to leave out, such as headers in which proxies name users to us
 */
export function forwardedHeaders(transport: Transport, isDropped: (name: string) => boolean = () => false): AnswerHeaders {
  const { rawHeaders, headers: given } = transport
  const named = new Set(
    String(given.connection ?? '')
      .toLowerCase()
      .split(/\s*,\s*/),
  )
  const headers: AnswerHeaders = {}
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (name.startsWith(':') || name === 'expect' || HOP_BY_HOP.has(name) || named.has(name)) continue
    if (PRIVATE.test(name) || isDropped(name)) continue
    const before = headers[name]
    headers[name] = before === undefined ? rawHeaders[i + 1]! : [before, rawHeaders[i + 1]!].flat()
  }
  if (given.host !== undefined) headers.host = String(given.host)
  headers['x-forwarded-for'] = [headers['x-forwarded-for'] ?? [], transport.remoteAddress].flat().join(', ')
  if (asksForUpgrade(transport)) {
    headers.connection = 'Upgrade'
    headers.upgrade = String(given.upgrade ?? '')
    const protocols = subprotocols(transport).filter((protocol) => !BEARER_PROTOCOL.test(protocol))
    if (given['sec-websocket-protocol'] !== undefined) headers['sec-websocket-protocol'] = protocols.join(', ')
  }
  return headers
}

/** Whether the client asks for another protocol on its connection. */
export const asksForUpgrade = ({ headers }: Transport): boolean => /\bupgrade\b/i.test(String(headers.connection ?? ''))

/** What a client offers to speak over a WebSocket. */
export const subprotocols = ({ headers }: Transport): string[] =>
  String(headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter(Boolean)

/** Passes a request on to a backend, and its answer back. @throws BackendError (rejects) when there is no answer */
export async function forward(exchange: Exchange, client: BackendClient, forwarding: Forwarding): Promise<void> {
  const { transport } = exchange
  const { target, path, method = transport.method, rewrite } = forwarding
  const signal = clientSignal(exchange)
  const body = transport.body?.()
  // On some methods Node would send a body of unknown length as if it had none.
  const isUnmeasured = body && forwarding.headers['content-length'] === undefined
  const headers = isUnmeasured ? { ...forwarding.headers, 'transfer-encoding': 'chunked' } : forwarding.headers
  let answer: BackendAnswer
  try {
    answer = await client.request(target, { method, path, headers, body, signal })
  } catch (error) {
    if (!signal.aborted) throw error
    // Who ran out of time was told so.
    if (!exchange.answeredCode) transport.destroy()
    return
  }
  await passOn(exchange, rewrite ? rewrite(answer) : answer, signal)
}

/**
 * Passes a request for another protocol on to a backend, and then whatever both ends say. An answer that refuses it is passed back.
 *
 * @throws BackendError (rejects) when there is no answer; StatusError 500 for one that neither refuses nor agrees, or when the client's
 *   connection can't be taken over
 */
export async function forwardUpgrade(exchange: Exchange, client: BackendClient, forwarding: Forwarding): Promise<void> {
  const answer = await requestUpgrade(exchange, client, forwarding)
  if (!answer) return
  const taken = exchange.takeOver()
  if (!taken) {
    answer.stream.destroy()
    throw new StatusError(500, '', 'request connection cannot be hijacked')
  }
  const lines: string[] = []
  for (let i = 0; i < answer.rawHeaders.length; i += 2) lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}\r\n`)
  taken.stream.write(Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`, 'latin1'))
  await join(taken, answer, exchange.signal)
}

/**
 * Asks a backend for another protocol.
 *
 * @returns undefined when it refused, or the client is gone, which is answered then
 * @throws as `forwardUpgrade`
 */
export async function requestUpgrade(
  exchange: Exchange,
  client: BackendClient,
  { target, path, headers, method = exchange.method }: Forwarding,
): Promise<UpgradedBackend | undefined> {
  const signal = clientSignal(exchange)
  const request: BackendRequest = { method, path, headers, signal }
  let answer: BackendAnswer | UpgradedBackend
  try {
    answer = await client.upgrade(target, request)
  } catch (error) {
    if (!signal.aborted) throw error
    exchange.transport.destroy()
    return undefined
  }
  if ('stream' in answer) return answer
  if (answer.code < 400) throw new StatusError(500, '', `invalid upgrade response: status code ${answer.code}`)
  await passOn(exchange, answer, signal)
  return undefined
}

/** Ends when the client is gone, its answer is complete, or the request's time is over. */
export function clientSignal(exchange: Exchange): AbortSignal {
  const gone = new AbortController()
  exchange.transport.onClose(() => gone.abort())
  return AbortSignal.any([gone.signal, exchange.signal])
}

/**
 * Passes an answer on as fast as the client takes it. One that breaks off breaks off for the client, too.
 *
 * @param signal ends it
 */
export async function passOn(exchange: Exchange, answer: BackendAnswer, signal: AbortSignal): Promise<void> {
  const { 'content-type': type = '', ...headers } = answer.headers
  const out = exchange.stream(answer.code, String(type), headers)
  try {
    await pump(answer.body, out, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    exchange.transport.destroy()
  }
}

async function pump(body: AsyncIterable<Buffer>, out: BodyStream, signal: AbortSignal): Promise<void> {
  let wake: () => void = () => {}
  out.onDrain(() => wake())
  signal.addEventListener('abort', () => wake())
  for await (const chunk of body) {
    if (signal.aborted) throw signal.reason
    if (out.write(chunk)) continue
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  out.end()
}

/**
 * Passes on what two connections say to each other, as fast as they take it, until both have ended. When one side has, the other may
 * finish its last words, and not for long.
 */
export function join(client: TakenConnection, backend: TakenConnection, signal: AbortSignal): Promise<void> {
  const ends: readonly Duplex[] = [client.stream, backend.stream]
  if (client.head.length) backend.stream.write(client.head)
  if (backend.head.length) client.stream.write(backend.head)
  const { promise, resolve } = Promise.withResolvers<void>()
  let open = ends.length
  let linger: NodeJS.Timeout | undefined
  const drop = (): void => {
    for (const end of ends) end.destroy()
  }
  const finish = (): void => {
    linger ??= setTimeout(drop, LINGER_MS).unref()
  }
  for (const end of ends) {
    end.on('error', drop)
    end.once('end', finish)
    end.once('close', () => {
      finish()
      for (const other of ends) if (!other.writableEnded) other.end()
      if (--open > 0) return
      clearTimeout(linger)
      signal.removeEventListener('abort', drop)
      resolve()
    })
    if (end.closed) queueMicrotask(() => end.emit('close'))
  }
  if (signal.aborted) drop()
  signal.addEventListener('abort', drop)
  client.stream.pipe(backend.stream)
  backend.stream.pipe(client.stream)
  return promise
}

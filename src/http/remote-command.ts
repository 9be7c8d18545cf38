import { Socket } from 'node:net'
import type { Exchange, TakenConnection } from '../machinery/exchange.ts'
import { internalError, type Status, type StatusError } from '../machinery/status.ts'
import { type BackendClient, BackendError, type UpgradedBackend } from './backend-client.ts'
import { clientSignal, type Forwarding } from './reverse-proxy.ts'
import { SpdyConnection } from './spdy.ts'
import { badHandshake, NORMAL, WebSocket } from './web-socket.ts'

/** What a client wants of a command in a container. */
export interface CommandStreams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** What clients speak, and what kubelets understand of it over SPDY. */
export const WEB_SOCKET_PROTOCOL = 'v5.channel.k8s.io'
const SPDY_PROTOCOL = 'v4.channel.k8s.io'

const CHANNELS = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const
const CLOSE_CHANNEL = 255
const PING_MS = 5_000
/** A client that takes the output more slowly than it came may take this long for the rest, in ms; and one that says nothing, nor is told anything, this long. */
const FINISH_MS = 15 * 60_000
const IDLE_MS = 4 * 3_600_000
/** Of what a kubelet says when it refuses, and of a command's end. */
const MAX_STATUS_BYTES = 64 * 1024

/**
 * Runs a command for a client that speaks WebSockets, with a kubelet that speaks SPDY: each channel of the one is a stream of the other.
 * Once the client's connection is a WebSocket, errors go through its error channel.
 *
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets
 */
export async function translateCommand(
  exchange: Exchange,
  client: BackendClient,
  { target, path, headers }: Forwarding,
  streams: CommandStreams,
): Promise<void> {
  const bad = badHandshake(exchange.transport)
  const taken = bad ? undefined : exchange.takeOver()
  if (!taken) return exchange.respond(400, 'text/plain; charset=utf-8', `${bad ?? 'not a connection of HTTP/1.1'}\n`)
  const signal = clientSignal(exchange)
  if (taken.stream instanceof Socket) taken.stream.setTimeout(IDLE_MS, () => taken.stream.destroy())
  const socket = new WebSocket(taken, String(exchange.transport.headers['sec-websocket-key']), WEB_SOCKET_PROTOCOL)
  // Tells the client that it is connected.
  const first = streams.stdout ? CHANNELS.stdout : streams.stderr ? CHANNELS.stderr : CHANNELS.error
  void socket.send(Buffer.from([first]))
  let status: unknown
  try {
    const asked = { method: 'POST', path, headers: spdyHeaders(headers), signal }
    const backend = await client.upgrade(target, asked)
    if ('stream' in backend) status = await run(socket, backend, streams, signal)
    else status = await refusal(backend.body)
  } catch (error) {
    if (signal.aborted) return socket.destroy()
    const message = error instanceof BackendError ? `error dialing backend: ${error.message}` : String((error as Error).message)
    status = statusOf(internalError(message))
  }
  void socket.send(Buffer.from([CHANNELS.error]), Buffer.from(JSON.stringify(status)))
  socket.close(NORMAL, FINISH_MS)
  await closed(taken, signal)
}

function spdyHeaders(headers: Forwarding['headers']): Forwarding['headers'] {
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith('sec-websocket-') && name !== 'origin')
  return {
    ...Object.fromEntries(kept),
    connection: 'Upgrade',
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': SPDY_PROTOCOL,
    'content-length': '0',
  }
}

/** @returns the Status with which it ended */
async function run(socket: WebSocket, backend: UpgradedBackend, streams: CommandStreams, signal: AbortSignal): Promise<unknown> {
  const spdy = new SpdyConnection(backend)
  const stop = (): void => spdy.destroy()
  signal.addEventListener('abort', stop)
  const pings = setInterval(() => spdy.ping(), PING_MS).unref()
  try {
    const error = spdy.open({ streamtype: 'error' })
    const stdin = streams.stdin ? spdy.open({ streamtype: 'stdin' }) : undefined
    const stdout = streams.stdout ? spdy.open({ streamtype: 'stdout' }) : undefined
    const stderr = streams.stderr && !streams.tty ? spdy.open({ streamtype: 'stderr' }) : undefined
    const resize = streams.tty ? spdy.open({ streamtype: 'resize' }) : undefined
    void feed(socket, spdy, { stdin, resize }).finally(stop)
    const open = new Set([error, stdout, stderr].filter((id) => id !== undefined))
    const said: Buffer[] = []
    let length = 0
    for await (const event of spdy.events()) {
      const { streamId } = event
      if (event.type === 'end') {
        open.delete(streamId)
        if (open.size === 0) break
      } else if (event.type === 'data' && streamId === error) {
        length += event.data.length
        if (length <= MAX_STATUS_BYTES) said.push(event.data)
      } else if (event.type === 'data') {
        const channel = streamId === stdout ? CHANNELS.stdout : streamId === stderr ? CHANNELS.stderr : undefined
        if (channel !== undefined) await socket.send(Buffer.from([channel]), event.data)
      }
    }
    signal.throwIfAborted()
    return outcome(Buffer.concat(said))
  } finally {
    clearInterval(pings)
    signal.removeEventListener('abort', stop)
    stop()
  }
}

/** Passes on what the client says until it closes. */
async function feed(
  socket: WebSocket,
  spdy: SpdyConnection,
  { stdin, resize }: { stdin: number | undefined; resize: number | undefined },
): Promise<void> {
  let channel = -1
  const streamOf = (of: number): number | undefined =>
    of === CHANNELS.stdin ? stdin : of === CHANNELS.resize ? resize : undefined
  try {
    for await (const { first, data } of socket.parts()) {
      let rest = data
      if (first) {
        channel = data[0] ?? -1
        rest = data.subarray(1)
      }
      if (rest.length === 0) continue
      if (channel === CLOSE_CHANNEL) {
        const closing = streamOf(rest[0]!)
        if (closing !== undefined) spdy.end(closing)
        continue
      }
      const id = streamOf(channel)
      if (id !== undefined) await spdy.send(id, rest)
    }
  } catch {
    // A client that is gone has nothing more to say.
  }
}

/** How a command ended, by what its error stream says. */
function outcome(said: Buffer): unknown {
  if (said.length === 0) return { metadata: {}, status: 'Success' }
  let status: Status
  try {
    status = JSON.parse(said.toString()) as Status
  } catch (error) {
    return statusOf(
      internalError(`error stream protocol error: ${(error as Error).message} in ${JSON.stringify(said.toString())}`),
    )
  }
  if (status.status === 'Success') return { metadata: {}, status: 'Success' }
  if (status.reason !== 'NonZeroExitCode')
    return statusOf(internalError(status.message ?? 'error stream protocol error: unknown error'))
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message ?? ''
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: code }] },
  }
}

/** What a kubelet that doesn't want to answered. */
async function refusal(body: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_STATUS_BYTES) break
  }
  const text = Buffer.concat(chunks).toString()
  try {
    const status = JSON.parse(text) as Status
    if (status.kind === 'Status' && status.status === 'Failure') return status
  } catch {
    // Most say it in plain words.
  }
  return statusOf(internalError(`unable to upgrade connection: ${text}`))
}

function statusOf({ status }: StatusError): object {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = status
  return rest
}

/** Resolves when a client's connection has ended, which the WebSocket's closing sees to. */
function closed({ stream }: TakenConnection, signal: AbortSignal): Promise<void> {
  if (stream.closed) return Promise.resolve()
  return new Promise((resolve) => {
    stream.once('close', resolve)
    signal.addEventListener('abort', () => stream.destroy(), { once: true })
  })
}

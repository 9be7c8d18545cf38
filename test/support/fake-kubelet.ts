import { once } from 'node:events'
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { SpdyConnection } from '../../src/http/spdy.ts'
import { WebSocket } from '../../src/http/web-socket.ts'
import { type Authority, serving } from './certificates.ts'

const SUCCESS = '{"metadata":{},"status":"Success"}'

/**
 * Answers as a kubelet does, with containers that aren't there: logs of two lines that go on when they are followed, commands that
 * repeat their standard input, and ports that answer any request with a line of text.
 */
export class FakeKubelet {
  readonly #server: Server
  /** What it was asked for: method, path and query, and the protocol that was asked for. */
  readonly asked: string[] = []
  readonly headers: IncomingMessage['headers'][] = []
  /** Common names of the certificates that clients showed. */
  readonly clients: (string | undefined)[] = []
  /** Answers that are under way. */
  open = 0
  /** Set for a kubelet that refuses. */
  refuses: { code: number; text: string } | undefined
  /** Bytes that a flood of a log has sent. */
  flooded = 0

  constructor(issuer: Authority, clientCa: Authority) {
    const options = { ...serving(issuer), ca: clientCa.certificatePem, requestCert: true, rejectUnauthorized: true }
    this.#server = createServer(options, (request, response) => this.#onRequest(request, response))
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #note(request: IncomingMessage): URL {
    const { method, url, headers } = request
    this.asked.push(`${method} ${url}${headers.upgrade ? ` ${headers.upgrade}` : ''}`)
    this.headers.push(headers)
    this.clients.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN))
    return new URL(url!, 'https://kubelet')
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = this.#note(request)
    this.open++
    response.once('close', () => this.open--)
    const { refuses } = this
    if (refuses) {
      response.writeHead(refuses.code).end(refuses.text)
      return
    }
    if (pathname.endsWith('/flood')) {
      this.#flood(response)
      return
    }
    response.write('first line\n')
    response.write('second line\n')
    if (searchParams.get('follow') !== 'true') {
      response.end()
      return
    }
    let line = 2
    const timer = setInterval(() => response.write(`line ${++line}\n`), 20)
    response.once('close', () => clearInterval(timer))
  }

  /** As much as is taken. */
  #flood(response: ServerResponse): void {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const more = (): void => {
      while (!response.destroyed) {
        this.flooded += chunk.length
        if (!response.write(chunk)) return
      }
    }
    response.on('drain', more)
    more()
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { pathname, searchParams } = this.#note(request)
    stream.on('error', () => {})
    if (this.refuses) {
      const { code, text } = this.refuses
      stream.end(
        `HTTP/1.1 ${code} No\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
      )
      return
    }
    this.open++
    stream.once('close', () => this.open--)
    const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket'
    if (isWebSocket) void this.#webSocketCommand(request, { stream, head }, searchParams)
    else {
      const protocol = String(request.headers['x-stream-protocol-version']).split(',')[0]!.trim()
      const spoken = protocol.startsWith('v5') ? 'v4.channel.k8s.io' : protocol
      const said = `Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${spoken}\r\n`
      stream.write(`HTTP/1.1 101 Switching Protocols\r\n${said}\r\n`)
      const spdy = new SpdyConnection({ stream, head }, 'server')
      const serve = pathname.startsWith('/portForward/') ? this.#ports(spdy) : this.#command(spdy, searchParams)
      void serve.catch(() => stream.destroy())
    }
  }

  /** Streams come in the order in which every client opens them. */
  async #command(spdy: SpdyConnection, asked: URLSearchParams): Promise<void> {
    const names = [
      'error',
      asked.has('input') && 'stdin',
      asked.has('output') && 'stdout',
      asked.has('error') && 'stderr',
      'resize',
    ]
    const order = names.filter((name) => name !== false)
    const ids = new Map<string, number>()
    const fails = asked.getAll('command')[0] === 'false'
    const finish = (status: string): void => {
      const error = ids.get('error')!
      void spdy.send(error, Buffer.from(status))
      for (const name of ['stdout', 'stderr', 'error']) if (ids.has(name)) spdy.end(ids.get(name)!)
    }
    for await (const event of spdy.events()) {
      if (event.type === 'open') {
        ids.set(order[ids.size]!, event.streamId)
        spdy.reply(event.streamId)
        const last = asked.has('error') ? 'stderr' : asked.has('output') ? 'stdout' : 'error'
        if (!ids.has(last) || (asked.has('input') && !ids.has('stdin'))) continue
        if (order[ids.size - 1] !== last) continue
        if (fails) {
          const causes = '[{"reason":"ExitCode","message":"3"}]'
          const message = 'command terminated with non-zero exit code: exit status 3'
          finish(
            `{"metadata":{},"status":"Failure","message":"${message}","reason":"NonZeroExitCode","details":{"causes":${causes}}}`,
          )
        } else if (!asked.has('input')) {
          void spdy.send(ids.get('stdout')!, Buffer.from(`${asked.getAll('command').join(' ')}\n`))
          finish(SUCCESS)
        }
      } else if (event.type === 'data' && event.streamId === ids.get('stdin')) {
        await spdy.send(ids.get('stdout')!, event.data)
      } else if (event.type === 'end' && event.streamId === ids.get('stdin')) finish(SUCCESS)
    }
  }

  /** Of each pair of streams the second carries the data. */
  async #ports(spdy: SpdyConnection): Promise<void> {
    const opened: number[] = []
    const answered = new Set<number>()
    for await (const event of spdy.events()) {
      if (event.type === 'open') {
        opened.push(event.streamId)
        spdy.reply(event.streamId)
      } else if (event.type === 'data' && opened.indexOf(event.streamId) % 2 === 1 && !answered.has(event.streamId)) {
        answered.add(event.streamId)
        const text = 'hello from a port\n'
        void spdy.send(
          event.streamId,
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`),
        )
        spdy.end(event.streamId)
        spdy.end(opened[opened.indexOf(event.streamId) - 1]!)
      }
    }
  }

  /** Channels of a WebSocket, whichever version of them the client likes. */
  async #webSocketCommand(
    request: IncomingMessage,
    taken: { stream: Duplex; head: Buffer },
    asked: URLSearchParams,
  ): Promise<void> {
    const protocol = String(request.headers['sec-websocket-protocol']).split(',')[0]!.trim()
    const socket = new WebSocket(taken, String(request.headers['sec-websocket-key']), protocol)
    if (!asked.has('input')) {
      void socket.send(Buffer.from([1]), Buffer.from(`${asked.getAll('command').join(' ')}\n`))
      void socket.send(Buffer.from([3]), Buffer.from(SUCCESS))
      socket.close()
    }
    let channel = -1
    for await (const { first, data } of socket.parts()) {
      if (first) channel = data[0] ?? -1
      const rest = first ? data.subarray(1) : data
      if (channel === 0 && rest.length) await socket.send(Buffer.from([1]), rest)
      if (channel !== 255) continue
      void socket.send(Buffer.from([3]), Buffer.from(SUCCESS))
      socket.close()
    }
  }
}

/** A web server as pods have them. Speaks any protocol that repeats what it is told when it is asked for another one. */
export async function startPodServer(
  host: string,
): Promise<{ port: number; close(): void; asked: { url: string; headers: IncomingMessage['headers']; body: string }[] }> {
  const asked: { url: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createPlainServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      asked.push({ url: `${request.method} ${request.url}`, headers: request.headers, body })
      if (request.url === '/broken') {
        response.writeHead(200, { 'content-length': '100' }).write('some')
        setTimeout(() => response.destroy(), 20)
      } else if (request.url === '/moved') response.writeHead(302, { location: '/there?x=1' }).end()
      else if (request.url === '/page') {
        const html = '<html><body><a class=x href="/other">o</a><script>var a = \'<a href="/no">\'</script></body></html>'
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'access-control-allow-origin': '*' }).end(html)
      } else response.writeHead(request.url === '/missing' ? 404 : 200, { 'content-type': 'text/plain' }).end(`got ${body}`)
    })
  })
  server.on('upgrade', (_request, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    if (head.length) socket.write(head)
    socket.pipe(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

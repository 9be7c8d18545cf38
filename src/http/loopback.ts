import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Transport } from '../machinery/exchange.ts'
import { StatusError } from '../machinery/status.ts'
import { ensurePki, type Pki } from '../server/pki.ts'
import { type HttpServer, type ListenDeps, listen } from './server.ts'

// What the tests of this folder share: servers on loopback, and clients that send exactly what they are told.

export interface Loopback extends AsyncDisposable {
  server: HttpServer
  port: number
  pki: Pki
  errors: string[]
}

let made: Promise<Pki> | undefined

/** Certificates in a temporary folder, made once per process. */
export function testPki(): Promise<Pki> {
  made ??= mkdtemp(join(tmpdir(), 'http-')).then(async (dir) => {
    const pki = await ensurePki({ dir, hostnames: [], ips: [], clock: Date })
    await rm(dir, { recursive: true })
    return pki
  })
  return made
}

/** A server with the test's certificates, stopped at the end of the scope. */
export async function startLoopback(handler: (transport: Transport) => void, deps: Partial<ListenDeps> = {}): Promise<Loopback> {
  const pki = await testPki()
  const errors: string[] = []
  const server = await listen({
    tls: { key: pki.serving.key, cert: pki.serving.cert, clientCa: pki.ca.cert },
    host: '127.0.0.1',
    port: 0,
    handler,
    logger: { debug: () => {}, error: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`) },
    ...deps,
  })
  return {
    server,
    port: server.address.port,
    pki,
    errors,
    [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }),
  }
}

/** Answers with what was asked: method, URL, protocol and body. */
export function echo(transport: Transport): void {
  transport.readBody(3 * 1024 * 1024).then(
    (body) => {
      const { method, url, protocol } = transport
      transport.respond(
        200,
        { 'content-type': 'application/json' },
        JSON.stringify({ method, url, protocol, body: body.toString() }),
      )
    },
    (error: unknown) => {
      if (error instanceof StatusError) transport.respond(error.code, { 'content-type': 'text/plain' }, error.message)
      else transport.destroy()
    },
  )
}

/** A TLS connection that keeps all that it receives. */
export class RawClient {
  readonly socket: TLSSocket
  text = ''
  closed = false

  private constructor(socket: TLSSocket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.text += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
    })
  }

  static async connect(port: number, options: ConnectionOptions = {}): Promise<RawClient> {
    const pki = await testPki()
    const socket = connectTls({ port, host: '127.0.0.1', ca: pki.ca.cert, ALPNProtocols: ['http/1.1'], ...options })
    await once(socket, 'secureConnect')
    return new RawClient(socket)
  }

  send(text: string | Buffer): void {
    this.socket.write(text)
  }

  /** Waits until what was received matches. */
  async received(pattern: RegExp): Promise<string> {
    await until(() => pattern.test(this.text) || this.closed, `${pattern}`)
    assert.match(this.text, pattern)
    return this.text
  }

  async ended(): Promise<string> {
    await until(() => this.closed, 'the end of the connection')
    return this.text
  }
}

/** What a client can't send counts as its session's memory, which the tests want to have plenty of. */
export async function http2Client(port: number, options: object = {}): Promise<ClientHttp2Session> {
  const pki = await testPki()
  const session = connectHttp2(`https://localhost:${port}`, { ca: pki.ca.cert, maxSessionMemory: 200, ...options })
  session.on('error', () => {})
  await once(session, 'connect')
  return session
}

export interface Http2Answer {
  code: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const head = once(stream, 'response') as Promise<[IncomingHttpHeaders & { ':status': number }]>
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = once(stream, 'end')
  const [headers] = await head
  await ended
  return { code: headers[':status'], headers, body: Buffer.concat(chunks) }
}

/** Waits for something to become true; fails after 5 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > end) assert.fail(`waited 5 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

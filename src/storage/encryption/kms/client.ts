import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Frames, framed } from '../../etcd/frames.ts'
import type { Decoded, Fields, Given } from '../../etcd/wire.ts'
import type { KmsMethod } from './messages.ts'

/** gRPC's names of its status codes, by number. */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const

export type KmsCode = (typeof CODES)[number]

/** A call to a KMS plugin that failed. */
export class KmsError extends Error {
  override name = 'KmsError'
  readonly code: KmsCode
  constructor(code: KmsCode, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`)
    this.code = code
  }
}

export interface KmsClientDeps {
  /** Path of the plugin's Unix socket; a leading `@` means the abstract namespace. */
  readonly socket: string
  /** Milliseconds that a call may take, the wait for the plugin to be there included. */
  readonly timeout: number
  /** Told of every call. */
  readonly observe: (method: string, started: number, code: KmsCode) => void
}

const reconnectAfter = 100

/** Calls to one KMS plugin: gRPC over HTTP/2 on a Unix socket, with a connection that is made when it is needed. */
export class KmsClient {
  readonly #deps: KmsClientDeps
  #session: ClientHttp2Session | undefined
  #connecting: Promise<ClientHttp2Session> | undefined
  #closed = false

  constructor(deps: KmsClientDeps) {
    this.#deps = deps
  }

  /** @throws KmsError */
  async call<Request extends Fields, Response extends Fields>(
    method: KmsMethod<Request, Response>,
    request: Given<Request>,
  ): Promise<Decoded<Response>> {
    const { timeout, observe } = this.#deps
    const started = performance.now()
    let code: KmsCode = 'OK'
    try {
      const session = await this.#connected(started + timeout)
      return await this.#send(session, method, request, started + timeout - performance.now())
    } catch (error) {
      code = error instanceof KmsError ? error.code : 'Unknown'
      throw error
    } finally {
      observe(method.path, started, code)
    }
  }

  close(): void {
    this.#closed = true
    this.#session?.destroy()
  }

  /** The plugin may start after the server, so a call waits for it. */
  async #connected(deadline: number): Promise<ClientHttp2Session> {
    for (;;) {
      if (this.#closed) throw new KmsError('Canceled', 'grpc: the client connection is closing')
      if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session
      try {
        this.#connecting ??= this.#connect(deadline).finally(() => {
          this.#connecting = undefined
        })
        return await this.#connecting
      } catch (error) {
        if (performance.now() + reconnectAfter >= deadline) {
          const cause = `connection error: desc = "transport: Error while dialing: ${(error as Error).message}"`
          throw new KmsError(
            'DeadlineExceeded',
            `context deadline exceeded while waiting for connections to become ready: ${cause}`,
          )
        }
        await sleep(reconnectAfter)
      }
    }
  }

  async #connect(deadline: number): Promise<ClientHttp2Session> {
    const { socket } = this.#deps
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const session = connect('http://localhost', {
      createConnection: () => connectSocket({ path: socket.startsWith('@') ? `\0${socket.slice(1)}` : socket }),
      settings: { enablePush: false },
    })
    let cause = 'closed'
    session.on('error', (error) => {
      cause = error.message
    })
    session.once('close', () => reject(new Error(cause)))
    session.once('remoteSettings', () => resolve())
    const timer = setTimeout(() => session.destroy(new Error('no answer')), Math.max(1, deadline - performance.now()))
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
    if (this.#closed) session.destroy()
    // The process may end while nothing is asked of the plugin; a call keeps it by its own timer.
    session.unref()
    this.#session = session
    return session
  }

  #send<Request extends Fields, Response extends Fields>(
    session: ClientHttp2Session,
    method: KmsMethod<Request, Response>,
    request: Given<Request>,
    timeout: number,
  ): Promise<Decoded<Response>> {
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': method.path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': `${Math.max(1, Math.ceil(timeout))}m`,
      })
      const timer = setTimeout(
        () => {
          reject(new KmsError('DeadlineExceeded', 'context deadline exceeded'))
          stream.close(constants.NGHTTP2_CANCEL)
        },
        Math.max(1, timeout),
      )
      let answer: Decoded<Response> | undefined
      let failure: KmsError | undefined
      let ended = false
      const onHeaders = (headers: IncomingHttpHeaders) => {
        const found = statusOf(headers)
        if (found === 'ok') ended = true
        else failure ??= found
      }
      stream.on('response', onHeaders)
      stream.on('trailers', onHeaders)
      const frames = new Frames((message) => {
        answer = method.response.decode(message)
      })
      stream.on('data', (chunk: Buffer) => {
        try {
          frames.add(chunk)
        } catch (error) {
          failure = new KmsError('Internal', `the answer can't be read: ${(error as Error).message}`)
          stream.close(constants.NGHTTP2_CANCEL)
        }
      })
      stream.on('error', (error) => {
        failure ??= new KmsError('Unavailable', `error reading from server: ${error.message}`)
      })
      stream.once('close', () => {
        clearTimeout(timer)
        if (failure) reject(failure)
        else if (ended && answer) resolve(answer)
        else reject(new KmsError('Unavailable', 'error reading from server: EOF'))
      })
      stream.end(framed(method.request, request))
    })
  }
}

/** What headers or trailers say of the call's end; undefined when it goes on. */
function statusOf(headers: IncomingHttpHeaders): KmsError | 'ok' | undefined {
  const http = headers[':status'] as number | undefined
  const code = headers['grpc-status'] as string | undefined
  if (code === '0') return 'ok'
  if (code !== undefined) return new KmsError(CODES[Number(code)] ?? 'Unknown', decoded(String(headers['grpc-message'] ?? '')))
  if (http !== undefined && http !== 200)
    return new KmsError('Unavailable', `unexpected HTTP status code received from server: ${http}`)
  return undefined
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, type Stream, type StreamHandler, type TlsFiles } from './connection.ts'
import { code, isPassing, RpcError } from './errors.ts'
import type { Method } from './messages.ts'
import type { Decoded, Fields, Given } from './wire.ts'

export interface ClientDeps {
  /** Such as `http://127.0.0.1:2379`; at least one. */
  readonly endpoints: readonly string[]
  readonly tls: TlsFiles
  readonly log: (message: string, fields?: object) => void
}

export interface CallOptions {
  /** Whether it does no harm to carry the call out twice. If not, it is only repeated when etcd can't have seen it. */
  readonly repeatable: boolean
  /** Milliseconds for all attempts together. */
  readonly timeout?: number
}

const defaultTimeout = 20_000
/** Milliseconds after which another member is asked, where there is one. etcd gives up on a request of its own after about 7 s. */
const attemptTimeout = 8_000
const maxWait = 1_000
/** Milliseconds between two lines of the log about the same trouble. */
const logInterval = 5_000

/** Calls to whichever member of etcd answers. Stays with one until it fails. */
export class EtcdClient {
  readonly #deps: ClientDeps
  #next: number
  #current: Connection | undefined
  #connecting: Promise<Connection> | undefined
  #logged = Number.NEGATIVE_INFINITY
  #closed = false

  /** @param first index of the endpoint to begin with */
  constructor(deps: ClientDeps, first: number) {
    this.#deps = deps
    this.#next = first
  }

  /** @throws RpcError */
  async call<Request extends Fields, Response extends Fields>(
    method: Method<Request, Response>,
    request: Given<Request>,
    { repeatable, timeout = defaultTimeout }: CallOptions,
  ): Promise<Decoded<Response>> {
    const deadline = performance.now() + timeout
    const several = this.#deps.endpoints.length > 1
    for (let tries = 0; ; tries++) {
      let connection: Connection | undefined
      try {
        connection = this.#current?.usable ? this.#current : await this.#connect()
        const left = Math.max(1, deadline - performance.now())
        return await connection.call(method, request, several ? Math.min(left, attemptTimeout) : left)
      } catch (error) {
        if (!(error instanceof RpcError) || !isPassing(error)) throw error
        if (connection) this.#avoid(connection)
        const wait = backoff(tries)
        if (this.#closed || (error.inDoubt && !repeatable) || performance.now() + wait >= deadline) throw error
        await sleep(wait)
      }
    }
  }

  /** Opens a stream on the present connection. @throws RpcError */
  async stream<Request extends Fields, Response extends Fields>(
    method: Method<Request, Response>,
    handler: StreamHandler<Response>,
  ): Promise<Stream<Request>> {
    const connection = this.#current?.usable ? this.#current : await this.#connect()
    return connection.stream(method, {
      onMessage: handler.onMessage,
      onEnd: (error) => {
        this.#avoid(connection)
        handler.onEnd(error)
      },
    })
  }

  close(): void {
    this.#closed = true
    this.#current?.close()
  }

  #connect(): Promise<Connection> {
    this.#connecting ??= this.#connectToAny().finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  async #connectToAny(): Promise<Connection> {
    const { endpoints, tls } = this.#deps
    let failure = new RpcError(code.unavailable, 'the client is closed', false)
    for (let i = 0; i < endpoints.length && !this.#closed; i++) {
      const endpoint = endpoints[this.#next % endpoints.length]!
      try {
        const connection = await Connection.open(endpoint, tls)
        if (this.#closed) connection.close()
        else {
          this.#current = connection
          return connection
        }
      } catch (error) {
        if (!(error instanceof RpcError)) throw error
        failure = error
        this.#next++
        this.#log(endpoint, error)
      }
    }
    throw failure
  }

  #log(endpoint: string, { message }: RpcError): void {
    const now = performance.now()
    if (now - this.#logged < logInterval) return
    this.#logged = now
    this.#deps.log('etcd is not reached', { endpoint, error: message })
  }

  /** Goes on with another member, if there is one. */
  #avoid(connection: Connection): void {
    if (connection !== this.#current || (connection.usable && this.#deps.endpoints.length === 1)) return
    this.#current = undefined
    this.#next++
    connection.retire()
  }
}

/** Milliseconds before the next attempt: more each time, and not the same for all who wait. */
export function backoff(tries: number): number {
  return Math.min(maxWait, 20 * 2 ** Math.min(tries, 10)) * (0.5 + Math.random())
}

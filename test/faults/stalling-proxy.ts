import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Passes TCP on to another port, until it is told to hold everything back: connections stay, but nothing moves any more. */
export class StallingProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #stalled = false

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param target such as `http://127.0.0.1:2379` */
  static async start(target: string): Promise<StallingProxy> {
    const server = createServer()
    const proxy = new StallingProxy(server)
    server.on('connection', (incoming) => proxy.#join(incoming, connect(Number(new URL(target).port), '127.0.0.1')))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  stall(): void {
    this.#stalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#stalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  #join(incoming: Socket, outgoing: Socket): void {
    const pass = (from: Socket, to: Socket) => {
      this.#sockets.add(from)
      from.on('data', (chunk) => to.write(chunk))
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      if (this.#stalled) from.pause()
    }
    pass(incoming, outgoing)
    pass(outgoing, incoming)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

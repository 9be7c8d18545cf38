import { Exchange, type Transport } from '../machinery/exchange.ts'

export interface Answer {
  code: number
  headers: Record<string, string | string[]>
  body: Buffer
}

/** A request without a connection; `answer` holds what was answered. */
export function request(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): { exchange: Exchange; answer: Answer } {
  const answer: Answer = { code: 0, headers: {}, body: Buffer.alloc(0) }
  const transport: Transport = {
    method,
    url: path,
    headers,
    rawHeaders: [],
    protocol: 'HTTP/2.0',
    remoteAddress: '127.0.0.1',
    socket: undefined,
    readBody: async () => Buffer.alloc(0),
    respond(code, sent, body) {
      Object.assign(answer, { code, headers: { ...sent }, body: Buffer.from(body) })
    },
    stream() {
      throw new Error('discovery streams nothing')
    },
    onClose() {},
    destroy() {},
  }
  return { exchange: new Exchange(transport, 0), answer }
}

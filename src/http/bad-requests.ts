import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Answers what isn't HTTP/1.1, or too much of it, in the words of Go's server. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  const answer = answerTo(error.code)
  // After the first byte of an answer, another one would be taken for a part of it.
  const answering = (socket as { _httpMessage?: { headersSent: boolean } })._httpMessage?.headersSent
  if (answer === undefined || answering || !socket.writable) {
    socket.destroy()
    return
  }
  socket.end(`HTTP/1.1 ${answer}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${answer}`, () =>
    socket.destroy(),
  )
}

/** Tells a client that speaks HTTP without TLS, below TLS, what is wrong. */
export function answerPlainHttp(socket: Socket): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n', () => socket.destroy())
}

function answerTo(code: string | undefined): string | undefined {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return '413 Payload Too Large'
    case 'HPE_INVALID_VERSION':
      return '505 HTTP Version Not Supported: unsupported protocol version'
    default:
      return code?.startsWith('HPE_') ? '400 Bad Request' : undefined
  }
}

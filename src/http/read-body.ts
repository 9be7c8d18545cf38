import type { Readable } from 'node:stream'
import { requestEntityTooLarge } from '../machinery/status.ts'

/** The client went away before its request was complete. */
export class ClientGoneError extends Error {
  override name = 'ClientGoneError'
  constructor() {
    super('the client closed the connection before the request was complete')
  }
}

/**
 * Reads a request's body. It holds at most `limit` bytes and stops reading as soon as it is certain that there are more.
 *
 * @param declared what Content-Length says, in bytes; undefined when the client didn't say
 * @throws StatusError 413 when the body is larger than `limit`; ClientGoneError when it ends early
 */
export function readBody(source: Readable, declared: number | undefined, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (declared !== undefined && declared > limit) return reject(tooLarge(limit))
    // The end of a body without any bytes doesn't wait for readers.
    if (source.readableEnded) return resolve(Buffer.alloc(0))
    if (source.destroyed || source.readableAborted) return reject(new ClientGoneError())
    const chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer): void => {
      length += chunk.length
      if (length > limit) {
        source.pause()
        settle()
        reject(tooLarge(limit))
      } else chunks.push(chunk)
    }
    const onEnd = (): void => {
      settle()
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length))
    }
    const onGone = (): void => {
      settle()
      reject(new ClientGoneError())
    }
    const settle = (): void => {
      source.off('data', onData).off('end', onEnd).off('close', onGone).off('aborted', onGone)
    }
    source.on('data', onData).on('end', onEnd).on('close', onGone).on('aborted', onGone)
  })
}

const tooLarge = (limit: number): Error => requestEntityTooLarge(`Request entity too large: limit is ${limit}`)

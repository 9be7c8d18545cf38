import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ServerProcess } from './server-process.ts'

/** A connection that sends exactly what it is told. */
export function openTcp(server: ServerProcess): Promise<Socket> {
  return connected(connectTcp(server.port, '127.0.0.1'), 'connect')
}

/** The same above TLS, with the admin's certificate. */
export function openTls(server: ServerProcess, protocol: 'http/1.1' | 'h2' = 'http/1.1'): Promise<TLSSocket> {
  const options = { host: '127.0.0.1', port: server.port, ALPNProtocols: [protocol], ...server.admin }
  return connected(connectTls(options), 'secureConnect')
}

async function connected<T extends Socket>(socket: T, event: string): Promise<T> {
  await once(socket, event)
  // What happens to a connection that misbehaves is for the test to see in what came back.
  socket.on('error', () => {})
  return socket
}

/** Collects what comes until the server closes, at most for `ms`; then closes. */
export async function drain(socket: Socket, ms: number): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  await closed(socket, ms)
  return text
}

/** Waits for the server to close, at most for `ms`, then closes. @returns whether it did */
export async function closed(socket: Socket, ms: number): Promise<boolean> {
  if (socket.destroyed) return true
  const left = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => left.resolve(false), ms)
  socket.once('close', () => left.resolve(true))
  socket.resume()
  const result = await left.promise
  clearTimeout(timer)
  socket.destroy()
  return result
}

/** Numbers that look random and are the same in every run, so that what fails once fails again. */
export function randomBytes(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed * 2654435761 + 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

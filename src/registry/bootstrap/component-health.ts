import { connect } from 'node:tls'
import type { ComponentHealth } from '../context.ts'

const COMPONENTS: readonly (readonly [name: string, port: number])[] = [
  ['scheduler', 10_259],
  ['controller-manager', 10_257],
]
const TIMEOUT_MS = 3000

/**
 * Asks the scheduler and the controller manager on this machine how they are, as ComponentStatus has always done; the store is fine
 * if it answered.
 *
 * @param storeProblem why the store doesn't answer; undefined when it does
 */
export async function componentHealth(storeProblem: () => Promise<string | undefined>): Promise<ComponentHealth[]> {
  const [problem, ...others] = await Promise.all([storeProblem(), ...COMPONENTS.map(([name, port]) => probe(name, port))])
  return [...others, { name: 'etcd-0', healthy: problem === undefined, message: problem ?? 'ok' }]
}

/** A bare HTTP/1.0 request: the answer is a word. */
async function probe(name: string, port: number): Promise<ComponentHealth> {
  const address = `127.0.0.1:${port}`
  const failed = (cause: string): ComponentHealth => ({
    name,
    healthy: false,
    message: `Get "https://${address}/healthz": ${cause}`,
  })
  return await new Promise<ComponentHealth>((resolve) => {
    let answer = ''
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, timeout: TIMEOUT_MS }, () => {
      socket.write(`GET /healthz HTTP/1.0\r\nHost: ${address}\r\n\r\n`)
    })
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (answer.length > 65_536) socket.destroy()
    })
    socket.on('timeout', () => {
      socket.destroy()
      resolve(failed('context deadline exceeded'))
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const refused = error.code === 'ECONNREFUSED'
      resolve(failed(refused ? `dial tcp ${address}: connect: connection refused` : error.message))
    })
    socket.on('close', () => {
      const ok = /^HTTP\/1\.[01] 200 /.test(answer)
      const body = answer.slice(answer.indexOf('\r\n\r\n') + 4).trim()
      resolve(ok ? { name, healthy: true, message: body } : { name, healthy: false, message: body })
    })
  })
}

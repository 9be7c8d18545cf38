import type { Auditor } from '../audit/auditor.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { goQuote } from '../machinery/go-text.ts'
import { StatusError } from '../machinery/status.ts'
import type { Stage } from './stage.ts'

/**
 * Writes down what becomes of requests, as far as the policy says: when they come in, when the answer starts where that may take long, and
 * when it is complete. Stages after it answer errors themselves, so that the answer is known here.
 *
 * @see https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
 */
export function audit(auditor: Auditor): Stage {
  return (next) => (exchange) => {
    const record = auditor.begin(exchange, exchange.user)
    exchange.takesAnnotations = record !== undefined
    if (!record) return next(exchange)
    exchange.audit = record
    const go = (kept: boolean): void | Promise<void> => {
      if (!kept) return reject(auditor, exchange)
      let pending: void | Promise<void>
      try {
        pending = next(exchange)
      } catch (error) {
        record.panicked(error)
        throw error
      }
      if (!pending) return record.finished()
      return pending.then(() => record.finished())
    }
    const kept = record.received()
    return typeof kept === 'boolean' ? go(kept) : kept.then(go)
  }
}

/** `--audit-log-mode=blocking-strict`: what can't be written down isn't done. */
function reject(auditor: Auditor, exchange: Exchange): void {
  auditor.rejected()
  exchange.audit = undefined
  const text = `Internal Server Error: ${goQuote(exchange.transport.url)}: failed to store audit event\n`
  exchange.respond(500, 'text/plain; charset=utf-8', text, { 'x-content-type-options': 'nosniff' })
}

/** Around authentication: writes down who was refused for their credentials, and has annotations kept from here on. */
export function auditAuthentication(auditor: Auditor): Stage {
  const refused = (exchange: Exchange, error: unknown): never | Promise<never> => {
    if (error instanceof StatusError && error.code === 401 && exchange.user === undefined) {
      const kept = auditor.begin(exchange, undefined)?.unauthenticated(attemptOf(exchange))
      if (kept instanceof Promise) {
        return kept.then(() => {
          throw error
        })
      }
    }
    throw error
  }
  return (next) => (exchange) => {
    exchange.takesAnnotations = true
    try {
      return next(exchange)?.catch((error: unknown) => refused(exchange, error))
    } catch (error) {
      return refused(exchange, error)
    }
  }
}

/** How somebody tried to show who they are, without what they showed. */
function attemptOf({ transport, query }: Exchange): string {
  const { authorization = '' } = transport.headers
  const [scheme = '', ...rest] = String(authorization).trim().split(' ')
  const socket = transport.socket as { getPeerCertificate?: () => object } | undefined
  const methods = [
    scheme.toLowerCase() === 'basic' && rest.length > 0 && 'basic',
    scheme.toLowerCase() === 'bearer' && rest.length > 0 && 'bearer',
    query.get('access_token')?.trim() && 'access_token',
    socket?.getPeerCertificate && Object.keys(socket.getPeerCertificate() ?? {}).length > 0 && 'x509',
  ].filter(Boolean)
  return methods.length ? `attempted: ${methods.join(', ')}` : 'no credentials provided'
}

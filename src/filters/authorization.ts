import type { Attributes } from '../authorization/attributes.ts'
import type { Authorizer, Decision } from '../authorization/authorizer.ts'
import { refusal } from '../authorization/refusal.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { goQuote } from '../machinery/go-text.ts'
import type { StatusError } from '../machinery/status.ts'
import type { UserInfo } from '../machinery/user.ts'
import type { Stage } from './stage.ts'

/**
 * Refuses what the user may not do; answers a 500 when an authorizer failed and none allowed it. The decision stays on the exchange, for audit.
 * @throws StatusError 403
 */
export function authorization(authorizer: Authorizer): Stage {
  return (next) => {
    const act = (exchange: Exchange, decision: Decision): void | Promise<void> => {
      exchange.decision = decision
      if (exchange.takesAnnotations) annotate(exchange, decision)
      if (decision.verdict === 'allow') return next(exchange)
      if (decision.error) return failed(exchange, decision.error)
      throw refused(exchange, decision.reason)
    }
    return (exchange) => {
      const decision = authorizer.authorize(exchange.user, exchange.info)
      return decision instanceof Promise ? decision.then((d) => act(exchange, d)) : act(exchange, decision)
    }
  }
}

function annotate(exchange: Exchange, { verdict, reason, error }: Decision): void {
  if (verdict !== 'allow' && error) {
    exchange.annotate('authorization.k8s.io/reason', 'internal error')
    return
  }
  exchange.annotate('authorization.k8s.io/decision', verdict === 'allow' ? 'allow' : 'forbid')
  exchange.annotate('authorization.k8s.io/reason', reason)
}

/** The 403 for a request, or for what else its user would have to be allowed. */
export function refused({ info, user }: { info: Attributes; user: UserInfo }, reason: string): StatusError {
  return refusal(user, info, reason)
}

function failed(exchange: Exchange, error: string): void {
  const text = `Internal Server Error: ${goQuote(exchange.transport.url)}: ${error}\n`
  exchange.respond(500, 'text/plain; charset=utf-8', text, { 'x-content-type-options': 'nosniff' })
}

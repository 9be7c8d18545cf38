import type { Authorizer, Decision } from '../authorization/authorizer.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { StatusError } from '../machinery/status.ts'
import type { Stage } from './stage.ts'

/** Refuses what the user may not do. @throws StatusError 403 */
export function authorization(authorizer: Authorizer): Stage {
  return (next) => {
    const act = (exchange: Exchange, decision: Decision): void | Promise<void> => {
      if (decision.verdict === 'allow') return next(exchange)
      throw forbidden(exchange, decision.reason)
    }
    return (exchange) => {
      const decision = authorizer.authorize(exchange.user, exchange.info)
      return decision instanceof Promise ? decision.then((d) => act(exchange, d)) : act(exchange, decision)
    }
  }
}

/** The 403 in the reference's words. */
export function forbidden(exchange: Exchange, reason: string): StatusError {
  const { info, user } = exchange
  const why = reason ? `: ${reason}` : ''
  if (!info.isResource) {
    return new StatusError(
      403,
      'Forbidden',
      `forbidden: User ${JSON.stringify(user.name)} cannot ${info.verb} path ${JSON.stringify(info.path)}${why}`,
      {},
    )
  }
  const resource = info.subresource ? `${info.resource}/${info.subresource}` : info.resource
  const where =
    info.namespace && !(info.resource === 'namespaces' && !info.apiGroup)
      ? `in the namespace ${JSON.stringify(info.namespace)}`
      : 'at the cluster scope'
  const qualified = info.apiGroup ? `${info.resource}.${info.apiGroup}` : info.resource
  const named = info.name ? `${qualified} ${JSON.stringify(info.name)}` : qualified
  const text = `${named} is forbidden: User ${JSON.stringify(user.name)} cannot ${info.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(info.apiGroup)} ${where}${why}`
  return new StatusError(403, 'Forbidden', text, {
    ...(info.name ? { name: info.name } : {}),
    ...(info.apiGroup ? { group: info.apiGroup } : {}),
    kind: info.resource,
  })
}

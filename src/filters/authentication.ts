import type { TlsPeer } from '../authentication/authenticator.ts'
import type { RequestAuthenticator } from '../authentication/request.ts'
import type { Stage } from './stage.ts'

/** Finds out who sends the request. @throws StatusError 401 */
export function authentication(authenticator: RequestAuthenticator): Stage {
  return (next) => (exchange) => {
    const outcome = authenticator.authenticate({
      authorization: exchange.transport.headers.authorization,
      tls: exchange.transport.socket as TlsPeer | undefined,
      warn: (text) => exchange.warnings.push(text),
    })
    if (outcome instanceof Promise) {
      return outcome.then((user) => {
        exchange.user = user
        return next(exchange)
      })
    }
    exchange.user = outcome
    return next(exchange)
  }
}

import type { TlsPeer } from '../authentication/authenticator.ts'
import type { RequestAuthenticator } from '../authentication/request.ts'
import type { Stage } from './stage.ts'

/** Finds out who sends the request. @throws StatusError 401 */
export function authentication(authenticator: RequestAuthenticator): Stage {
  return (next) => (exchange) => {
    const { transport } = exchange
    const { headers } = transport
    const outcome = authenticator.authenticate({
      authorization: headers.authorization,
      path: exchange.path,
      tls: transport.socket as TlsPeer | undefined,
      headers,
      rawHeaders: transport.rawHeaders,
      warn: (text) => exchange.warnings.push(text),
      annotate: exchange.takesAnnotations ? (key, value) => exchange.annotate(key, value) : undefined,
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

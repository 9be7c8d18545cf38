import { requestInfo as read } from '../machinery/request-info.ts'
import type { Stage } from './stage.ts'

export interface RequestInfoDeps {
  uuid: () => string
}

/** Reads off the path what is asked for, and sets what every answer carries. */
export function requestInfo(deps: RequestInfoDeps): Stage {
  return (next) => (exchange) => {
    const given = exchange.transport.headers['audit-id']
    exchange.auditId = typeof given === 'string' && given.length <= 64 && given !== '' ? given : deps.uuid()
    exchange.answerHeaders['audit-id'] = exchange.auditId
    exchange.answerHeaders['cache-control'] = 'no-cache, private'
    if (/^\/(api|apis\/[^/]+)\/[^/]+\/(watch|proxy)$/.test(exchange.path)) {
      const text = `Internal Server Error: ${JSON.stringify(exchange.path)}: failed to create RequestInfo: unable to determine kind and namespace from url, ${exchange.path}\n`
      exchange.respond(500, 'text/plain; charset=utf-8', text)
      return
    }
    exchange.info = read(exchange.method, exchange.path, () => exchange.query)
    return next(exchange)
  }
}

import { headerValues, prefixedHeaders } from '../authentication/header-values.ts'
import { type AuthenticationMetrics, NO_METRICS } from '../authentication/metrics.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { goQuote } from '../machinery/go-text.ts'
import { badRequest } from '../machinery/status.ts'
import type { UserInfo } from '../machinery/user.ts'
import { ImpersonationModes } from './impersonation-modes.ts'
import type { Stage } from './stage.ts'

const PREFIX = 'impersonate-'

/**
 * Lets a user act as another, if they may. From here on the request is the other's; who sent it stays on the exchange.
 *
 * @throws StatusError 400 for headers that name no user, 403 when the user may not
 * @see https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/ and KEP 5284
 */
export function impersonation(authorizer: Authorizer, metrics: AuthenticationMetrics = NO_METRICS): Stage {
  const modes = new ImpersonationModes(authorizer, metrics)
  return (next) => (exchange) => {
    if (!anyHeader(exchange.transport.rawHeaders)) return next(exchange)
    const wanted = wantedUser(exchange.transport.rawHeaders)
    return wanted ? act(exchange, wanted) : next(exchange)

    async function act(exchange: Exchange, wanted: UserInfo): Promise<void> {
      const { user } = exchange
      const allowed = await modes.userFor(user, wanted, exchange.info)
      exchange.user = allowed.user
      exchange.impersonator = user
      exchange.impersonationConstraint = allowed.constraint
      await next(exchange)
    }
  }
}

/** Whether it is worth looking closer. Most requests have none, so that this must cost next to nothing. */
function anyHeader(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    // `i` or `I`
    if ((name.charCodeAt(0) | 32) === 105 && name.length > PREFIX.length && name.slice(0, PREFIX.length).toLowerCase() === PREFIX)
      return true
  }
  return false
}

/** Who the headers name, as they stand. @throws StatusError 400 when they name only what goes with a user */
function wantedUser(rawHeaders: readonly string[]): UserInfo | undefined {
  const name = headerValues(rawHeaders, 'impersonate-user')[0] ?? ''
  const uid = headerValues(rawHeaders, 'impersonate-uid')[0] ?? ''
  const groups = headerValues(rawHeaders, 'impersonate-group')
  const extra: Record<string, string[]> = {}
  prefixedHeaders(rawHeaders, 'impersonate-extra-', extra)
  const wanted = { name, uid, groups, extra }
  if (name) return wanted
  if (uid || groups.length > 0 || Object.keys(extra).length > 0)
    throw badRequest(`requested ${printed(wanted)} without impersonating a user name`)
  return undefined
}

/** As Go prints the structure. */
function printed({ name, uid, groups, extra }: UserInfo): string {
  const list = (items: readonly string[]): string =>
    items.length > 0 ? `[]string{${items.map(goQuote).join(', ')}}` : '[]string(nil)'
  const extras = Object.keys(extra).sort()
  const map =
    extras.length > 0
      ? `map[string][]string{${extras.map((key) => `${goQuote(key)}:${list(extra[key] ?? [])}`).join(', ')}}`
      : 'map[string][]string(nil)'
  return `&user.DefaultInfo{Name:${goQuote(name)}, UID:${goQuote(uid)}, Groups:${list(groups)}, Extra:${map}}`
}

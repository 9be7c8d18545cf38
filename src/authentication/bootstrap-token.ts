import { timingSafeEqual } from 'node:crypto'
import type { UserInfo } from '../machinery/user.ts'
import { forAnyAudience, type PresentedToken, type TokenAuthenticator, type TokenIdentity } from './token.ts'

/** A secret of the type `bootstrap.kubernetes.io/token` in kube-system, as the cache knows it. */
export interface BootstrapSecret {
  readonly type: string
  readonly deleted: boolean
  /** The decoded values. */
  readonly data: Readonly<Record<string, Buffer | undefined>>
}

export interface BootstrapTokenDeps {
  /** A promise only where there is something to wait for. */
  secret(name: string): BootstrapSecret | undefined | Promise<BootstrapSecret | undefined>
  /** The server's own audiences. */
  audiences: readonly string[]
  /** ms since the epoch. */
  clock: () => number
}

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/
const EVERYONE = 'system:bootstrappers'

/**
 * Authenticates the tokens with which nodes join a cluster. What is wrong with a secret makes the token nobody's, without a
 * word about why.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
export function bootstrapTokens(deps: BootstrapTokenDeps): TokenAuthenticator {
  const identify = (secret: BootstrapSecret | undefined, id: string, key: string, token: PresentedToken) => {
    const user = secret && userOf(secret, id, key, deps.clock())
    return user && forAnyAudience({ user, audiences: deps.audiences }, token.audiences)
  }
  return {
    name: 'bootstrap-token',
    authenticate(token): TokenIdentity | undefined | Promise<TokenIdentity | undefined> {
      const [, id, key] = TOKEN.exec(token.text) ?? []
      if (id === undefined || key === undefined) return undefined
      const secret = deps.secret(`bootstrap-token-${id}`)
      return secret instanceof Promise
        ? secret.then((found) => identify(found, id, key, token))
        : identify(secret, id, key, token)
    },
  }
}

function userOf({ type, deleted, data }: BootstrapSecret, id: string, key: string, now: number): UserInfo | undefined {
  if (deleted || type !== 'bootstrap.kubernetes.io/token') return undefined
  const [kept, presented] = [data['token-secret'], Buffer.from(key)]
  if (!kept || kept.length !== presented.length || !timingSafeEqual(kept, presented)) return undefined
  const text = (name: string): string => data[name]?.toString() ?? ''
  if (text('token-id') !== id) return undefined
  if (expired(text('expiration'), now)) return undefined
  if (text('usage-bootstrap-authentication') !== 'true') return undefined
  const groups = groupsOf(text('auth-extra-groups'))
  return groups && { name: `system:bootstrap:${id}`, uid: '', groups, extra: {} }
}

/** What isn't a time has passed. */
function expired(text: string, now: number): boolean {
  if (text === '') return false
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  return !(time > now)
}

/** @returns undefined when one of them is none that a bootstrap token may have */
function groupsOf(text: string): string[] | undefined {
  const extra = text === '' ? [] : text.split(',')
  if (!extra.every((group) => GROUP.test(group))) return undefined
  return [...new Set([EVERYONE, ...extra])].sort()
}

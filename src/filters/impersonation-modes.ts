import type { AuthenticationMetrics } from '../authentication/metrics.ts'
import { accountGroups, accountOf } from '../authentication/service-account/names.ts'
import { type Attributes, resourceAttributes } from '../authorization/attributes.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { refusal } from '../authorization/refusal.ts'
import {
  ALL_AUTHENTICATED,
  ALL_UNAUTHENTICATED,
  ANONYMOUS_USER,
  NODE_USER_PREFIX,
  NODES_GROUP,
  SYSTEM_PRIVILEGED_GROUP,
  type UserInfo,
} from '../machinery/user.ts'
import { isDns1123Subdomain, isDomainPrefixedPath } from '../machinery/validation.ts'

const AUTHENTICATION = { apiGroup: 'authentication.k8s.io', apiVersion: 'v1' }
const CORE = { apiGroup: '', apiVersion: 'v1' }

/** From so many values on, the right to all of them is asked for first. */
const MANY = 4
/** How many users' last modes are remembered. */
const REMEMBERED = 10_000

/** One way to act as somebody else, with its own verbs. */
interface Mode {
  /** Part of the verbs; empty for the old mode, whose one verb is `impersonate`. */
  readonly name: string
  /** Whether the mode is for this user at all. */
  applies(wanted: UserInfo, requestor: UserInfo): boolean
}

const verbOf = ({ name }: Mode): string => (name ? `impersonate:${name}` : 'impersonate')

const onlyName = ({ uid, groups, extra }: UserInfo): boolean =>
  uid === '' && groups.length === 0 && Object.keys(extra).length === 0

const MODES: readonly Mode[] = [
  {
    name: 'associated-node',
    applies: (wanted, requestor) => {
      const node = nodeOf(wanted.name)
      const own = requestor.extra['authentication.kubernetes.io/node-name']
      return (
        node !== undefined && onlyName(wanted) && accountOf(requestor.name) !== undefined && own?.length === 1 && own[0] === node
      )
    },
  },
  { name: 'arbitrary-node', applies: (wanted) => onlyName(wanted) && nodeOf(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyName(wanted) && accountOf(wanted.name) !== undefined },
  { name: 'user-info', applies: (wanted) => nodeOf(wanted.name) === undefined && accountOf(wanted.name) === undefined },
  { name: '', applies: () => true },
]

/**
 * Decides whether a user may act as another: by one of the constrained modes, which need a right to the request's verb as
 * well, or by the old one. All are tried, that which last let the user through first, so that users of the old mode don't
 * pay for the new ones; what is said of a refusal is what was said first.
 */
export class ImpersonationModes {
  readonly #authorizer: Authorizer
  readonly #metrics: AuthenticationMetrics
  /** The mode that last let a user through, by the user's name. */
  readonly #last = new Map<string, Mode>()

  constructor(authorizer: Authorizer, metrics: AuthenticationMetrics) {
    this.#authorizer = authorizer
    this.#metrics = metrics
  }

  /**
   * @param wanted as the headers say
   * @param request what is to be done as that user
   * @returns the user with their groups, and the verb of the mode that allowed it; empty for the old mode's
   * @throws StatusError 403
   */
  async userFor(requestor: UserInfo, wanted: UserInfo, request: Attributes): Promise<{ user: UserInfo; constraint: string }> {
    const last = this.#last.get(requestor.name)
    const modes = last ? [last, ...MODES.filter((mode) => mode !== last)] : MODES
    let first: unknown
    for (const mode of modes) {
      if (!mode.applies(wanted, requestor)) continue
      try {
        const user = await new Check(this.#authorizer, this.#metrics, mode, requestor).userFor(wanted, request)
        this.#count(mode, 'allowed')
        this.#remember(requestor.name, mode)
        return { user, constraint: mode.name ? verbOf(mode) : '' }
      } catch (error) {
        this.#count(mode, 'denied')
        first ??= error
      }
    }
    throw first
  }

  #count(mode: Mode, decision: 'allowed' | 'denied'): void {
    this.#metrics.count('apiserver_impersonation_attempts_total', { mode: mode.name || 'legacy', decision })
  }

  #remember(name: string, mode: Mode): void {
    this.#last.delete(name)
    if (this.#last.size >= REMEMBERED) this.#last.delete(this.#last.keys().next().value as string)
    this.#last.set(name, mode)
  }
}

/** The questions that one mode asks about one request. */
class Check {
  readonly #authorizer: Authorizer
  readonly #metrics: AuthenticationMetrics
  readonly #mode: Mode
  readonly #requestor: UserInfo
  readonly #verb: string

  constructor(authorizer: Authorizer, metrics: AuthenticationMetrics, mode: Mode, requestor: UserInfo) {
    this.#authorizer = authorizer
    this.#metrics = metrics
    this.#mode = mode
    this.#requestor = mode.name === 'associated-node' ? anywhere(requestor) : requestor
    this.#verb = verbOf(mode)
  }

  async userFor(wanted: UserInfo, request: Attributes): Promise<UserInfo> {
    const { name } = this.#mode
    if (name) await this.#ask({ ...request, verb: `impersonate-on:${name}:${request.verb}` })
    const groups = await this.#name(wanted)
    if (wanted.uid) await this.#ask(this.#about(AUTHENTICATION, 'uids', wanted.uid))
    await this.#groups(wanted.groups)
    await this.#extra(wanted.extra)
    return { ...wanted, groups: withEveryonesGroup(wanted.name, groups) }
  }

  /** @returns the groups that go with the name, or those that were asked for */
  async #name(wanted: UserInfo): Promise<readonly string[]> {
    const group = this.#mode.name ? AUTHENTICATION : CORE
    const node = this.#mode.name ? nodeOf(wanted.name) : undefined
    if (node !== undefined) {
      // The question holds for whatever node the same account runs on next.
      await this.#ask(this.#about(group, 'nodes', this.#mode.name === 'associated-node' ? '*' : node))
      return [NODES_GROUP]
    }
    const account = accountOf(wanted.name)
    if (!account) {
      await this.#ask(this.#about(group, 'users', wanted.name))
      return wanted.groups
    }
    await this.#ask({ ...this.#about(group, 'serviceaccounts', account.name), namespace: account.namespace })
    return wanted.groups.length > 0 ? wanted.groups : accountGroups(account.namespace)
  }

  async #groups(groups: readonly string[]): Promise<void> {
    if (groups.length === 0) return
    const about = this.#about(this.#mode.name ? AUTHENTICATION : CORE, 'groups', '')
    if (this.#mode.name) {
      if (groups.includes('')) throw this.#refused(about, 'impersonating the empty string group is not allowed')
      if (groups.includes(SYSTEM_PRIVILEGED_GROUP))
        throw this.#refused(
          { ...about, name: SYSTEM_PRIVILEGED_GROUP },
          `impersonating the ${SYSTEM_PRIVILEGED_GROUP} group is not allowed`,
        )
      if (groups.length >= MANY && (await this.#allowed({ ...about, name: '*' }))) return
    }
    for (const name of groups) await this.#ask({ ...about, name })
  }

  async #extra(extra: UserInfo['extra']): Promise<void> {
    const entries = Object.entries(extra)
    if (entries.length === 0) return
    const about = this.#about(AUTHENTICATION, 'userextras', '')
    if (this.#mode.name) {
      const wrong = entries.map(wrongExtra).find((text) => text !== '')
      if (wrong) throw this.#refused(about, wrong)
      const many = entries.length >= MANY || entries.flatMap(([, values]) => values).length >= MANY
      if (many && (await this.#allowed({ ...about, subresource: '*', name: '*' }))) return
    }
    for (const [subresource, values] of entries) {
      for (const name of values) await this.#ask({ ...about, subresource, name })
    }
  }

  #about(group: { apiGroup: string; apiVersion: string }, resource: string, name: string): Attributes {
    return resourceAttributes({ ...group, verb: this.#verb, resource, name })
  }

  async #allowed(attributes: Attributes): Promise<boolean> {
    try {
      await this.#ask(attributes)
      return true
    } catch {
      return false
    }
  }

  async #ask(attributes: Attributes): Promise<void> {
    const { verdict, reason, error } = await this.#authorizer.authorize(this.#requestor, attributes)
    this.#metrics.count('apiserver_impersonation_authorization_attempts_total', {
      mode: this.#mode.name || 'legacy',
      decision: verdict === 'allow' ? 'allowed' : 'denied',
    })
    if (verdict !== 'allow') throw this.#refused(attributes, [error, reason].filter(Boolean).join(': '))
  }

  #refused(attributes: Attributes, reason: string): Error {
    return refusal(this.#requestor, attributes, reason)
  }
}

/** The user without what tells one node's service account from another's, but for what kinds of it there are. */
function anywhere(user: UserInfo): UserInfo {
  return { ...user, extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(user.extra).sort() } }
}

/** The node that a user name means; undefined when it is none. */
function nodeOf(user: string): string | undefined {
  if (!user.startsWith(NODE_USER_PREFIX)) return undefined
  const name = user.slice(NODE_USER_PREFIX.length)
  return isDns1123Subdomain(name).length > 0 ? undefined : name
}

function withEveryonesGroup(user: string, groups: readonly string[]): readonly string[] {
  if (user !== ANONYMOUS_USER && groups.includes(ALL_UNAUTHENTICATED)) return groups
  const everyone = user === ANONYMOUS_USER ? ALL_UNAUTHENTICATED : ALL_AUTHENTICATED
  return groups.includes(everyone) ? groups : [...groups, everyone]
}

function wrongExtra([key, values]: [string, readonly string[]]): string {
  if (key === '') return 'impersonating the empty string key in extra is not allowed'
  const errors = isDomainPrefixedPath('extra.key', key).map(({ field, message }) => `${field}: ${message}`)
  if (errors.length > 0)
    return `impersonating an invalid key in extra is not allowed: ${errors.length > 1 ? `[${errors.join(', ')}]` : errors[0]}`
  if (key !== key.toLowerCase()) return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`
  if (values.length === 0) return 'impersonating empty values in extra is not allowed'
  return values.includes('') ? 'impersonating the empty string value in extra is not allowed' : ''
}

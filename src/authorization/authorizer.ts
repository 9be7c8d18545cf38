import type { RequestInfo } from '../machinery/request-info.ts'
import { SYSTEM_PRIVILEGED_GROUP, type UserInfo } from '../machinery/user.ts'

/** `no opinion` lets the next authorizer decide; a request that none allows is refused. */
export interface Decision {
  verdict: 'allow' | 'deny' | 'no opinion'
  reason: string
}

/** Says whether a user may do what a request asks for. A promise only where there is something to wait for. */
export interface Authorizer {
  readonly name: string
  authorize(user: UserInfo, request: RequestInfo): Decision | Promise<Decision>
}

const ALLOW: Decision = Object.freeze({ verdict: 'allow', reason: '' })
const NO_OPINION: Decision = Object.freeze({ verdict: 'no opinion', reason: '' })

/** Members of system:masters may do everything. */
export const privilegedGroup: Authorizer = {
  name: 'SystemMasters',
  authorize: (user) => (user.groups.includes(SYSTEM_PRIVILEGED_GROUP) ? ALLOW : NO_OPINION),
}

/** `--authorization-mode=AlwaysAllow`. */
export const alwaysAllow: Authorizer = { name: 'AlwaysAllow', authorize: () => ALLOW }

const PUBLIC = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/'])
const DISCOVERY = /^\/(api|apis|openapi|healthz|livez|readyz|version)(\/|$)/

/**
 * What the default roles open: health and version to everybody, discovery to everybody who has a name. Nothing else, until roles decide.
 */
export const discoveryOnly: Authorizer = {
  name: 'Discovery',
  authorize: (user, request) => {
    if (request.isResource || request.verb !== 'get') return NO_OPINION
    if (PUBLIC.has(request.path)) return ALLOW
    return user.groups.includes('system:authenticated') && DISCOVERY.test(request.path) ? ALLOW : NO_OPINION
  },
}

/** Asks authorizers in order; the first that allows or denies decides. */
export class AuthorizerChain implements Authorizer {
  readonly name = 'union'
  readonly #members: readonly Authorizer[]

  constructor(members: readonly Authorizer[]) {
    this.#members = members
  }

  authorize(user: UserInfo, request: RequestInfo): Decision | Promise<Decision> {
    for (let i = 0; i < this.#members.length; i++) {
      const decision = this.#members[i]?.authorize(user, request) as Decision | Promise<Decision>
      if (decision instanceof Promise) return this.#rest(decision, i + 1, user, request)
      if (decision.verdict !== 'no opinion') return decision
    }
    return NO_OPINION
  }

  async #rest(pending: Promise<Decision>, next: number, user: UserInfo, request: RequestInfo): Promise<Decision> {
    let decision = await pending
    for (let i = next; decision.verdict === 'no opinion' && i < this.#members.length; i++) {
      decision = await (this.#members[i] as Authorizer).authorize(user, request)
    }
    return decision
  }
}

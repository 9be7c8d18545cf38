import { SYSTEM_PRIVILEGED_GROUP, type UserInfo } from '../machinery/user.ts'
import type { Attributes } from './attributes.ts'
import type { AuthorizationMetrics } from './metrics.ts'

/** `no opinion` lets the next authorizer decide; a request that none allows is refused. */
export interface Decision {
  readonly verdict: 'allow' | 'deny' | 'no opinion'
  /** Why, in words that the user is shown; empty when there is nothing to say. */
  readonly reason: string
  /** What went wrong on the way. */
  readonly error?: string
}

/** Says whether a user may do what is asked for. A promise only where there is something to wait for. */
export interface Authorizer {
  readonly name: string
  authorize(user: UserInfo, attributes: Attributes): Decision | Promise<Decision>
  /** What a user may do in a namespace; an authorizer without it can't tell. */
  rulesFor?(user: UserInfo, namespace: string): RulesFor
}

export interface ResourceRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}

export interface PathRule {
  readonly verbs: readonly string[]
  readonly paths: readonly string[]
}

export interface RulesFor {
  readonly resourceRules: readonly ResourceRule[]
  readonly pathRules: readonly PathRule[]
  /** There is more that can't be listed. */
  readonly incomplete: boolean
  readonly errors: readonly string[]
}

export const NO_RULES: RulesFor = Object.freeze({ resourceRules: [], pathRules: [], incomplete: false, errors: [] })

export const ALLOW: Decision = Object.freeze({ verdict: 'allow', reason: '' })
export const NO_OPINION: Decision = Object.freeze({ verdict: 'no opinion', reason: '' })
export const noOpinion = (reason: string): Decision => ({ verdict: 'no opinion', reason })

/** Members of system:masters may do everything. */
export const privilegedGroup: Authorizer = {
  name: 'SystemMasters',
  authorize: (user) => (user.groups.includes(SYSTEM_PRIVILEGED_GROUP) ? ALLOW : NO_OPINION),
  rulesFor: () => NO_RULES,
}

/** `--authorization-mode=AlwaysAllow`. */
export const alwaysAllow: Authorizer = {
  name: 'AlwaysAllow',
  authorize: () => ALLOW,
  rulesFor: () => ({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [] }],
    pathRules: [{ verbs: ['*'], paths: ['*'] }],
    incomplete: false,
    errors: [],
  }),
}

/** `--authorization-mode=AlwaysDeny`: nobody but system:masters may do anything. */
export const alwaysDeny: Authorizer = {
  name: 'AlwaysDeny',
  authorize: () => noOpinion('Everything is forbidden.'),
  rulesFor: () => NO_RULES,
}

/** Asks authorizers in order; the first that allows or denies decides. What the others said is kept for the refusal. */
export class AuthorizerChain implements Authorizer {
  readonly name = 'union'
  #members: readonly Authorizer[]
  readonly #metrics: AuthorizationMetrics | undefined

  constructor(members: readonly Authorizer[], metrics?: AuthorizationMetrics) {
    this.#members = members
    this.#metrics = metrics
  }

  /** Asks others from now on; questions that are on their way go on with those that they began with. */
  replace(members: readonly Authorizer[]): void {
    this.#members = members
  }

  authorize(user: UserInfo, attributes: Attributes): Decision | Promise<Decision> {
    let said: Decision[] | undefined
    const members = this.#members
    for (let i = 0; i < members.length; i++) {
      const member = members[i] as Authorizer
      const decision = member.authorize(user, attributes)
      if (decision instanceof Promise) return this.#rest(decision, members, i, said ?? [], user, attributes)
      if (decision.verdict !== 'no opinion') return this.#decided(member, decision)
      if (decision !== NO_OPINION) (said ??= []).push(decision)
    }
    return undecided(said)
  }

  async #rest(
    pending: Promise<Decision>,
    members: readonly Authorizer[],
    at: number,
    said: Decision[],
    user: UserInfo,
    attributes: Attributes,
  ): Promise<Decision> {
    let decision = await pending
    for (let i = at; ; ) {
      if (decision.verdict !== 'no opinion') return this.#decided(members[i] as Authorizer, decision)
      if (decision !== NO_OPINION) said.push(decision)
      const next = members[++i]
      if (!next) return undecided(said)
      decision = await next.authorize(user, attributes)
    }
  }

  #decided(member: Authorizer, decision: Decision): Decision {
    this.#metrics?.decided(member.name, decision.verdict === 'allow' ? 'allowed' : 'denied')
    return decision
  }

  rulesFor(user: UserInfo, namespace: string): RulesFor {
    const all = this.#members.map((member) => member.rulesFor?.(user, namespace) ?? unlistable(member))
    return {
      resourceRules: all.flatMap((rules) => rules.resourceRules),
      pathRules: all.flatMap((rules) => rules.pathRules),
      incomplete: all.some((rules) => rules.incomplete),
      errors: all.flatMap((rules) => rules.errors),
    }
  }
}

const unlistable = ({ name }: Authorizer): RulesFor => ({
  ...NO_RULES,
  incomplete: true,
  errors: [`${name} authorizer does not support user rule resolution`],
})

function undecided(said: readonly Decision[] | undefined): Decision {
  if (!said?.length) return NO_OPINION
  if (said.length === 1) return said[0] as Decision
  const reason = said
    .map((decision) => decision.reason)
    .filter(Boolean)
    .join('\n')
  const error = aggregate(said.flatMap((decision) => decision.error ?? []))
  return { verdict: 'no opinion', reason, ...(error ? { error } : {}) }
}

/** Several messages as one, each said once. */
export function aggregate(messages: readonly string[]): string {
  const distinct = [...new Set(messages)]
  return distinct.length > 1 ? `[${distinct.join(', ')}]` : (distinct[0] ?? '')
}

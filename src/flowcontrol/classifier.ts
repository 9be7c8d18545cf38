import type { FlowcontrolV1FlowSchemaSpec } from '../generated/types.ts'
import type { RequestInfo } from '../machinery/request-info.ts'
import type { UserInfo } from '../machinery/user.ts'
import { RecentMap } from '../util/recent-map.ts'
import { matchesEveryPath, matchesEveryResource, pathRuleMatches, resourceRuleMatches, subjectMatches } from './matching.ts'

/** What requests that match a flow schema belong to. */
export interface Classified<T> {
  readonly spec: FlowcontrolV1FlowSchemaSpec
  readonly target: T
}

/** A rule that is about a user. */
interface Candidate<T> {
  /** Unset when it matches everything. */
  readonly matches: ((info: RequestInfo) => boolean) | undefined
  readonly target: T
}

interface Candidates<T> {
  readonly resources: readonly Candidate<T>[]
  readonly paths: readonly Candidate<T>[]
}

const KEPT_USERS = 10_000

/**
 * Finds what a request belongs to. The rules that are about a user are picked out once; most users have one or two before one that
 * matches everything, so that a request costs a look into a map and few comparisons.
 */
export class Classifier<T> {
  readonly #schemas: readonly Classified<T>[]
  readonly #fallback: T
  /** One user object serves many requests, but some authenticators make new ones for the same user. */
  readonly #byUser = new WeakMap<UserInfo, Candidates<T>>()
  readonly #byName = new RecentMap<Candidates<T>>(KEPT_USERS)

  /** @param schemas in the order in which they are tried */
  constructor(schemas: readonly Classified<T>[], fallback: T) {
    this.#schemas = schemas
    this.#fallback = fallback
  }

  find(user: UserInfo, info: RequestInfo): T {
    const candidates = this.#byUser.get(user) ?? this.#of(user)
    const list = info.isResource ? candidates.resources : candidates.paths
    for (let i = 0; i < list.length; i++) {
      const { matches, target } = list[i] as Candidate<T>
      if (!matches || matches(info)) return target
    }
    return this.#fallback
  }

  #of(user: UserInfo): Candidates<T> {
    const key = JSON.stringify([user.name, user.groups])
    let found = this.#byName.find(key)
    if (!found) {
      found = this.#pick(user)
      this.#byName.keep(key, found)
    }
    this.#byUser.set(user, found)
    return found
  }

  #pick(user: UserInfo): Candidates<T> {
    const resources: Candidate<T>[] = []
    const paths: Candidate<T>[] = []
    for (const { spec, target } of this.#schemas) {
      for (const rule of spec.rules ?? []) {
        if (!(rule.subjects ?? []).some((subject) => subjectMatches(subject, user))) continue
        for (const one of rule.resourceRules ?? []) {
          resources.push({ target, matches: matchesEveryResource(one) ? undefined : (info) => resourceRuleMatches(one, info) })
        }
        for (const one of rule.nonResourceRules ?? []) {
          paths.push({ target, matches: matchesEveryPath(one) ? undefined : (info) => pathRuleMatches(one, info) })
        }
      }
    }
    return { resources: untilAll(resources), paths: untilAll(paths) }
  }
}

/** Nothing after a rule that matches everything is ever asked. */
function untilAll<T>(candidates: readonly Candidate<T>[]): readonly Candidate<T>[] {
  const last = candidates.findIndex(({ matches }) => !matches)
  return last < 0 ? candidates : candidates.slice(0, last + 1)
}

import type { MatchCriteria } from './matching.ts'
import { couldMatch, type Equivalents } from './rules.ts'

interface Named {
  readonly name: string
}

interface NamedBinding {
  readonly policyName: string
}

/** A policy and what binds it. */
export interface Hook<P, B> {
  readonly policy: P
  readonly bindings: readonly B[]
}

/**
 * Which bound policies could be for a resource, found once for each resource. It holds for the lists that it was made from.
 */
export class PolicyIndex<P extends Named & { readonly criteria: MatchCriteria }, B extends NamedBinding> {
  readonly policies: readonly P[]
  readonly bindings: readonly B[]
  readonly #hooks: readonly Hook<P, B>[]
  readonly #equivalents: Equivalents
  readonly #byGroup = new Map<string, Map<string, readonly Hook<P, B>[]>>()

  constructor(policies: readonly P[], bindings: readonly B[], equivalents: Equivalents) {
    this.policies = policies
    this.bindings = bindings
    this.#equivalents = equivalents
    const bound = Map.groupBy(bindings, ({ policyName }) => policyName)
    this.#hooks = policies.flatMap((policy) => {
      const its = bound.get(policy.name)
      return its ? [{ policy, bindings: its }] : []
    })
  }

  /** In the order of the policies' names. */
  hooksFor(resource: { group: string; version: string; resource: string }): readonly Hook<P, B>[] {
    let group = this.#byGroup.get(resource.group)
    if (!group) this.#byGroup.set(resource.group, (group = new Map()))
    let hooks = group.get(resource.resource)
    if (!hooks) {
      const others = this.#equivalents(resource)
      hooks = this.#hooks.filter(({ policy: { criteria } }) => {
        if (couldMatch(criteria.rules, resource)) return true
        return !criteria.exact && others.some((other) => couldMatch(criteria.rules, other.resource))
      })
      group.set(resource.resource, hooks)
    }
    return hooks
  }
}

import type { MatchCriteria } from './matching.ts'
import { ResourceIndex } from './resource-index.ts'
import type { Equivalents } from './rules.ts'

export interface IndexedPolicy {
  readonly name: string
  readonly criteria: MatchCriteria
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
 * Which bound policies could be for a resource. It holds for the lists that it was made from.
 */
export class PolicyIndex<P extends IndexedPolicy, B extends NamedBinding> {
  readonly policies: readonly P[]
  readonly bindings: readonly B[]
  readonly #hooks: ResourceIndex<Hook<P, B>>

  constructor(policies: readonly P[], bindings: readonly B[], equivalents: Equivalents) {
    this.policies = policies
    this.bindings = bindings
    const bound = Map.groupBy(bindings, ({ policyName }) => policyName)
    const hooks = policies.flatMap((policy): Hook<P, B>[] => {
      const its = bound.get(policy.name)
      return its ? [{ policy, bindings: its }] : []
    })
    this.#hooks = new ResourceIndex(hooks, ({ policy }) => policy.criteria, equivalents)
  }

  /** In the order of the policies' names. */
  hooksFor(resource: { group: string; version: string; resource: string }): readonly Hook<P, B>[] {
    return this.#hooks.for(resource)
  }
}

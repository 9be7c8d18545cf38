import type { MatchCriteria } from './matching.ts'
import { couldMatch, type Equivalents } from './rules.ts'

/** Which policies or webhooks could be for a resource, found once for each resource, in their order. */
export class ResourceIndex<T> {
  readonly #items: readonly T[]
  readonly #criteria: (item: T) => MatchCriteria
  readonly #equivalents: Equivalents
  readonly #byGroup = new Map<string, Map<string, readonly T[]>>()

  constructor(items: readonly T[], criteria: (item: T) => MatchCriteria, equivalents: Equivalents) {
    this.#items = items
    this.#criteria = criteria
    this.#equivalents = equivalents
  }

  for(resource: { group: string; version: string; resource: string }): readonly T[] {
    let group = this.#byGroup.get(resource.group)
    if (!group) this.#byGroup.set(resource.group, (group = new Map()))
    let found = group.get(resource.resource)
    if (!found) {
      const others = this.#equivalents(resource)
      found = this.#items.filter((item) => {
        const { rules, exact } = this.#criteria(item)
        return couldMatch(rules, resource) || (!exact && others.some((other) => couldMatch(rules, other.resource)))
      })
      group.set(resource.resource, found)
    }
    return found
  }
}

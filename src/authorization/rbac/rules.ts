import type { RbacV1PolicyRule } from '../../generated/types.ts'
import type { Attributes } from '../attributes.ts'

const ALL = '*'

interface CompiledRule {
  /** Undefined for all of them. */
  readonly verbs: readonly string[] | undefined
  readonly groups: readonly string[] | undefined
  readonly names: readonly string[] | undefined
}

interface CompiledPaths {
  readonly verbs: readonly string[] | undefined
  readonly exact: readonly string[]
  /** What paths may start with; an empty one is any path. */
  readonly prefixes: readonly string[]
}

/** The rules of one role, arranged so that a question looks at those of its resource only. */
export class CompiledRules {
  readonly source: readonly RbacV1PolicyRule[]
  /** By the names in rules: `pods`, `pods/log`, all (a star), or one subresource of all. */
  readonly #resources = new Map<string, CompiledRule[]>()
  readonly #paths: CompiledPaths[] = []

  constructor(rules: readonly RbacV1PolicyRule[]) {
    this.source = rules
    for (const { verbs = [], apiGroups = [], resources, resourceNames, nonResourceURLs } of rules) {
      const anyVerb = verbs.includes(ALL) ? undefined : verbs
      if (resources?.length) {
        const rule: CompiledRule = {
          verbs: anyVerb,
          groups: apiGroups.includes(ALL) ? undefined : apiGroups,
          names: resourceNames?.length ? resourceNames : undefined,
        }
        for (const resource of new Set(resources)) {
          const known = this.#resources.get(resource)
          if (known) known.push(rule)
          else this.#resources.set(resource, [rule])
        }
      }
      if (nonResourceURLs?.length) {
        const prefixes = nonResourceURLs.filter((url) => url.endsWith('*')).map((url) => url.replace(/\*+$/, ''))
        this.#paths.push({ verbs: anyVerb, exact: nonResourceURLs, prefixes })
      }
    }
  }

  /** @param combined the resource with its subresource, as in `pods/log` */
  allows(attributes: Attributes, combined: string): boolean {
    if (!attributes.isResource) return this.#allowsPath(attributes)
    const resources = this.#resources
    return (
      anyAllows(resources.get(combined), attributes) ||
      anyAllows(resources.get(ALL), attributes) ||
      (attributes.subresource !== '' && anyAllows(resources.get(`*/${attributes.subresource}`), attributes))
    )
  }

  #allowsPath({ verb, path }: Attributes): boolean {
    for (const { verbs, exact, prefixes } of this.#paths) {
      if (verbs && !verbs.includes(verb)) continue
      if (exact.includes(path)) return true
      for (const prefix of prefixes) if (path.startsWith(prefix)) return true
    }
    return false
  }
}

/** `pods`, or `pods/log`. */
export function combinedResource({ resource, subresource }: Attributes): string {
  return subresource ? `${resource}/${subresource}` : resource
}

function anyAllows(rules: readonly CompiledRule[] | undefined, { verb, apiGroup, name }: Attributes): boolean {
  if (!rules) return false
  for (const { verbs, groups, names } of rules) {
    if (verbs && !verbs.includes(verb)) continue
    if (groups && !groups.includes(apiGroup)) continue
    if (names && !names.includes(name)) continue
    return true
  }
  return false
}

import type { RbacV1PolicyRule } from '../../generated/types.ts'
import type { UserInfo } from '../../machinery/user.ts'
import type { Attributes } from '../attributes.ts'
import { type Authorizer, aggregate, type Decision, NO_OPINION, noOpinion, type RulesFor } from '../authorizer.ts'
import type { Grant, RoleSlot } from './grants.ts'
import type { PolicyIndex } from './policy-index.ts'
import { combinedResource } from './rules.ts'

/**
 * `--authorization-mode=RBAC`: a request is allowed when a rule of a role that is bound to its user, or to one of the user's groups,
 * allows it. Nothing is ever denied.
 */
export class RbacAuthorizer implements Authorizer {
  readonly name = 'RBAC'
  readonly #index: PolicyIndex

  constructor(index: PolicyIndex) {
    this.#index = index
  }

  authorize(user: UserInfo, attributes: Attributes): Decision {
    const combined = combinedResource(attributes)
    let allowing: Grant | undefined
    let problems: string[] | undefined
    this.#index.visit(user, attributes.namespace, (grant) => {
      const { rules } = grant.role
      if (!rules) {
        ;(problems ??= []).push(grant.role.problem)
        return false
      }
      if (!rules.allows(attributes, combined)) return false
      allowing = grant
      return true
    })
    if (allowing) return allowing.decision(user)
    return problems ? noOpinion(`RBAC: ${aggregate(problems)}`) : NO_OPINION
  }

  rulesFor(user: UserInfo, namespace: string): RulesFor {
    const { rules, missing } = grantedRules(this.#index, user, namespace)
    return {
      resourceRules: rules
        .filter((rule) => rule.resources?.length)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs: verbs ?? [],
          apiGroups: apiGroups ?? [],
          resources: resources ?? [],
          resourceNames: resourceNames ?? [],
        })),
      pathRules: rules
        .filter((rule) => rule.nonResourceURLs?.length)
        .map(({ verbs, nonResourceURLs }) => ({ verbs: verbs ?? [], paths: nonResourceURLs ?? [] })),
      incomplete: false,
      errors: missing.map((role) => role.problem),
    }
  }
}

/** Every rule that a user holds in a namespace, and the roles of theirs that aren't there. */
export function grantedRules(
  index: PolicyIndex,
  user: UserInfo,
  namespace: string,
): { rules: RbacV1PolicyRule[]; missing: RoleSlot[] } {
  const rules: RbacV1PolicyRule[] = []
  const missing: RoleSlot[] = []
  const seen = new Set<unknown>()
  index.visit(user, namespace, ({ binding, role }) => {
    // A binding counts once, however many of its subjects the user is.
    if (seen.has(binding)) return false
    seen.add(binding)
    if (role.rules) rules.push(...role.rules.source)
    else missing.push(role)
    return false
  })
  return { rules, missing }
}

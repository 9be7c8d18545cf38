import type { TokenReviews } from '../authentication/review.ts'
import type { Attributes } from '../authorization/attributes.ts'
import { type AuthorizerChain, aggregate } from '../authorization/authorizer.ts'
import type { PolicyIndex } from '../authorization/rbac/policy-index.ts'
import { grantedRules } from '../authorization/rbac/rbac.ts'
import type { AccessAttributes, AccessReviewer } from '../registry/access.ts'

/** Answers questions about access with the server's own authorizers. */
export function accessReviewer(authorizer: AuthorizerChain, policy: PolicyIndex, tokens: TokenReviews): AccessReviewer {
  return {
    async authorize(attributes) {
      const { verdict, reason, error = '' } = await authorizer.authorize(attributes.user, toAttributes(attributes))
      return { allowed: verdict === 'allow', denied: verdict === 'deny', reason, error }
    },
    async rulesFor(user, namespace) {
      const { errors, ...rules } = authorizer.rulesFor(user, namespace)
      return { ...rules, error: aggregate(errors) }
    },
    heldRules(user, namespace) {
      const { rules, missing } = grantedRules(policy, user, namespace)
      return { rules, missingRoles: missing.map((role) => role.name) }
    },
    roleRules: (ref, namespace) => policy.role(ref, namespace).rules?.source,
    authenticateToken: (token, audiences) => tokens.review(token, audiences),
  }
}

function toAttributes({ user: _, group, version, path, ...asked }: AccessAttributes): Attributes {
  return { ...asked, isResource: path === undefined, path: path ?? '', apiGroup: group, apiVersion: version }
}

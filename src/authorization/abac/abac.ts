import type { UserInfo } from '../../machinery/user.ts'
import type { Attributes } from '../attributes.ts'
import { ALLOW, type Authorizer, type Decision, noOpinion, type RulesFor } from '../authorizer.ts'
import type { AbacPolicy } from './policy-file.ts'

const READ_VERBS = ['get', 'list', 'watch']
const NOTHING_MATCHED = Object.freeze(noOpinion('No policy matched.'))

/** `--authorization-mode=ABAC`: a request is allowed when any line of the policy file allows it. */
export class AbacAuthorizer implements Authorizer {
  readonly name = 'ABAC'
  readonly #policies: readonly AbacPolicy[]

  constructor(policies: readonly AbacPolicy[]) {
    this.#policies = policies
  }

  authorize(user: UserInfo, attributes: Attributes): Decision {
    for (const policy of this.#policies) if (isFor(policy, user) && covers(policy, attributes)) return ALLOW
    return NOTHING_MATCHED
  }

  rulesFor(user: UserInfo, namespace: string): RulesFor {
    const mine = this.#policies.filter((policy) => isFor(policy, user) && matches(policy.namespace, namespace))
    const verbs = ({ readonly }: AbacPolicy) => (readonly ? READ_VERBS : ['*'])
    return {
      resourceRules: mine
        .filter(({ resource }) => resource)
        .map((policy) => ({
          verbs: verbs(policy),
          apiGroups: [policy.apiGroup],
          resources: [policy.resource],
          resourceNames: [],
        })),
      pathRules: mine.filter(({ path }) => path).map((policy) => ({ verbs: verbs(policy), paths: [policy.path] })),
      incomplete: false,
      errors: [],
    }
  }
}

function isFor({ user, group }: AbacPolicy, who: UserInfo): boolean {
  if (user && user !== who.name) return false
  if (group && !who.groups.includes(group)) return false
  return user !== '' || group !== ''
}

function covers(policy: AbacPolicy, attributes: Attributes): boolean {
  if (policy.readonly && !READ_VERBS.includes(attributes.verb)) return false
  if (!attributes.isResource) return matchesPath(policy.path, attributes.path)
  const { namespace, resource, apiGroup } = attributes
  return matches(policy.namespace, namespace) && matches(policy.resource, resource) && matches(policy.apiGroup, apiGroup)
}

const matches = (pattern: string, value: string): boolean => pattern === '*' || pattern === value

const matchesPath = (pattern: string, path: string): boolean =>
  pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')))

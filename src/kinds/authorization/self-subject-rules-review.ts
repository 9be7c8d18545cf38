import type { AuthorizationV1SelfSubjectRulesReview } from '../../generated/types.ts'
import { StatusError } from '../../machinery/status.ts'
import { defineKind } from '../../registry/kind.ts'

/** What the asker may do in a namespace. */
export const selfSubjectRulesReview = defineKind<AuthorizationV1SelfSubjectRulesReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  resource: 'selfsubjectrulesreviews',
  scope: 'Cluster',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  verbs: ['create'],
  virtual: {
    async create(review, context) {
      const namespace = review.spec?.namespace
      if (!namespace) throw new StatusError(400, 'BadRequest', 'no namespace on request')
      const rules = await context.env.access.rulesFor(context.user, namespace)
      // The answer is an object of its own: nothing of the question comes back.
      return {
        metadata: {},
        spec: {},
        status: {
          resourceRules: rules.resourceRules.map(({ verbs, apiGroups, resources, resourceNames }) => ({
            verbs: [...verbs],
            ...(apiGroups.length ? { apiGroups: [...apiGroups] } : {}),
            ...(resources.length ? { resources: [...resources] } : {}),
            ...(resourceNames.length ? { resourceNames: [...resourceNames] } : {}),
          })),
          nonResourceRules: rules.pathRules.map(({ verbs, paths }) => ({ verbs: [...verbs], nonResourceURLs: [...paths] })),
          incomplete: rules.incomplete,
          ...(rules.error ? { evaluationError: rules.error } : {}),
        },
      }
    },
  },
})

import type { AuthorizationV1SelfSubjectAccessReview } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'
import { judge } from './review.ts'
import { refuseReview, validateAttributes, validateReviewMetadata } from './review-validation.ts'

/** Whether the asker may do something. */
export const selfSubjectAccessReview = defineKind<AuthorizationV1SelfSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  resource: 'selfsubjectaccessreviews',
  scope: 'Cluster',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  verbs: ['create'],
  virtual: {
    async create(review, context) {
      const spec = review.spec ?? {}
      refuseReview([...validateAttributes(spec), ...validateReviewMetadata(review, false)])
      review.status = await judge(spec, context.user, context)
      return review
    },
  },
})

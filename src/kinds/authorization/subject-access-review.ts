import type { AuthorizationV1SubjectAccessReview } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'
import { judge, subjectOf } from './review.ts'
import { refuseReview, validateAttributes, validateReviewMetadata, validateSubject } from './review-validation.ts'

/** Whether somebody may do something. */
export const subjectAccessReview = defineKind<AuthorizationV1SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  resource: 'subjectaccessreviews',
  scope: 'Cluster',
  schema: 'io.k8s.api.authorization.v1.SubjectAccessReview',
  verbs: ['create'],
  virtual: {
    async create(review, context) {
      const spec = review.spec ?? {}
      refuseReview([...validateAttributes(spec), ...validateSubject(spec), ...validateReviewMetadata(review, false)])
      review.status = await judge(spec, subjectOf(spec), context)
      return review
    },
  },
})

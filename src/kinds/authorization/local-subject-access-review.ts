import type { AuthorizationV1LocalSubjectAccessReview } from '../../generated/types.ts'
import { type FieldError, invalid } from '../../machinery/field-errors.ts'
import { defineKind } from '../../registry/kind.ts'
import { judge, subjectOf } from './review.ts'
import {
  goNonResourceAttributes,
  refuseReview,
  validateAttributes,
  validateReviewMetadata,
  validateSubject,
} from './review-validation.ts'

/** Whether somebody may do something in this namespace. */
export const localSubjectAccessReview = defineKind<AuthorizationV1LocalSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  resource: 'localsubjectaccessreviews',
  scope: 'Namespaced',
  schema: 'io.k8s.api.authorization.v1.LocalSubjectAccessReview',
  verbs: ['create'],
  virtual: {
    async create(review, context) {
      const spec = review.spec ?? {}
      refuseReview([
        ...validateAttributes(spec),
        ...validateSubject(spec),
        ...validateReviewMetadata(review, true),
        ...validateLocality(review),
      ])
      review.status = await judge(spec, subjectOf(spec), context)
      return review
    },
  },
})

function validateLocality(review: AuthorizationV1LocalSubjectAccessReview): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = review.spec ?? {}
  const errors: FieldError[] = []
  const namespace = resourceAttributes?.namespace ?? ''
  if (resourceAttributes && namespace !== (review.metadata?.namespace ?? '')) {
    errors.push(invalid('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace'))
  }
  if (nonResourceAttributes) {
    const shown = goNonResourceAttributes(nonResourceAttributes)
    errors.push(invalid('spec.nonResourceAttributes', shown, 'disallowed on this kind of request'))
  }
  return errors
}

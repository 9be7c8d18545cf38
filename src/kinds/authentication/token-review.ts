import type { AuthenticationV1TokenReview } from '../../generated/types.ts'
import { StatusError } from '../../machinery/status.ts'
import { defineKind } from '../../registry/kind.ts'
import { userInfoOf } from './user-info.ts'

/** Tells whose token something is. */
export const tokenReview = defineKind<AuthenticationV1TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  resource: 'tokenreviews',
  scope: 'Cluster',
  schema: 'io.k8s.api.authentication.v1.TokenReview',
  verbs: ['create'],
  virtual: {
    async create(review, context) {
      const { token, audiences } = review.spec ?? {}
      if (!token) throw new StatusError(400, 'BadRequest', 'token is required for TokenReview in authentication')
      const outcome = await context.env.access.authenticateToken(token, audiences ?? [])
      const user = outcome.user ? userInfoOf(outcome.user) : (review.status?.user ?? {})
      const accepted = outcome.user ? [...outcome.audiences] : (review.status?.audiences ?? [])
      const error = outcome.error || review.status?.error
      // What the asker wrote into the status stays where the answer has nothing to say, as in the reference.
      review.status = {
        ...(outcome.user ? { authenticated: true } : {}),
        user,
        ...(accepted.length ? { audiences: accepted } : {}),
        ...(error ? { error } : {}),
      }
      return review
    },
  },
})

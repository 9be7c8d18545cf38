import type { AuthenticationV1SelfSubjectReview } from '../../generated/types.ts'
import { defineKind } from '../../registry/kind.ts'
import { timestamp } from '../../registry/write-rules.ts'
import { userInfoOf } from './user-info.ts'

/** Tells a user who they are. */
export const selfSubjectReview = defineKind<AuthenticationV1SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  resource: 'selfsubjectreviews',
  scope: 'Cluster',
  schema: 'io.k8s.api.authentication.v1.SelfSubjectReview',
  verbs: ['create'],
  virtual: {
    create: async (_review, context) => ({
      metadata: { creationTimestamp: timestamp(context.now) },
      status: { userInfo: userInfoOf(context.user) },
    }),
  },
})

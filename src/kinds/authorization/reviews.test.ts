import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthorizationV1SubjectAccessReview } from '../../generated/types.ts'
import { StatusError } from '../../machinery/status.ts'
import type { AccessAttributes } from '../../registry/access.ts'
import { writeContext } from '../../testing/write-context.ts'
import { subjectAccessReview } from './subject-access-review.ts'

const review = (spec: AuthorizationV1SubjectAccessReview['spec']): AuthorizationV1SubjectAccessReview => ({
  metadata: {},
  spec: { user: 'bob', ...spec },
})

async function ask(spec: AuthorizationV1SubjectAccessReview['spec']) {
  const asked: AccessAttributes[] = []
  const context = writeContext({
    access: {
      authorize: async (attributes) => {
        asked.push(attributes)
        return { allowed: true, denied: false, reason: 'because', error: '' }
      },
    },
  })
  const answer = (await subjectAccessReview.virtual?.create?.(review(spec), context)) as AuthorizationV1SubjectAccessReview
  return { status: answer.status, attributes: asked[0] }
}

test('the question reaches the authorizers and the answer comes back', async () => {
  const { status, attributes } = await ask({ resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'n' } })
  assert.deepEqual(status, { allowed: true, reason: 'because' })
  assert.equal(attributes?.user.name, 'bob')
  assert.equal(attributes?.version, '*')
  assert.equal(attributes?.path, undefined)
})

test('selectors are handed on as far as they are understood', async () => {
  const { status, attributes } = await ask({
    resourceAttributes: {
      verb: 'list',
      resource: 'pods',
      fieldSelector: { rawSelector: 'spec.nodeName=a,status.phase!=Failed' },
      labelSelector: {
        requirements: [
          { key: 'app', operator: 'In', values: ['x'] },
          { key: 'tier', operator: 'Sideways', values: ['y'] },
        ],
      },
    },
  })
  assert.deepEqual(attributes?.fieldSelector, [
    { key: 'spec.nodeName', operator: 'In', values: ['a'] },
    { key: 'status.phase', operator: 'NotIn', values: ['Failed'] },
  ])
  assert.deepEqual(attributes?.labelSelector, [{ key: 'app', operator: 'In', values: ['x'] }])
  assert.equal(status?.evaluationError, 'spec.resourceAttributes.labelSelector partially ignored due to parse error')
})

test('a review that asks nothing of nobody is refused', async () => {
  await assert.rejects(
    ask({ user: '' }),
    (error) =>
      error instanceof StatusError &&
      error.status.code === 422 &&
      error.message ===
        '.authorization.k8s.io "" is invalid: [spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified, spec.user: Invalid value: "": at least one of user or group must be specified]',
  )
})

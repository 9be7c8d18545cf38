import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../machinery/json.ts'
import { ANONYMOUS, type UserInfo } from '../../machinery/user.ts'
import { resourceAttributes } from '../attributes.ts'
import { WebhookAuthorizer, type WebhookAuthorizerDeps } from './webhook.ts'

const ann: UserInfo = { name: 'ann', uid: 'u', groups: ['devs'], extra: { scopes: ['a'] } }
const pods = resourceAttributes({ verb: 'list', resource: 'pods', namespace: 'n', labelSelector: 'app=x' })

function setUp(answers: (JsonObject | number | Error)[], more: Partial<WebhookAuthorizerDeps> = {}) {
  const sent: JsonObject[] = []
  const pauses: number[] = []
  const errors: unknown[] = []
  const time = { now: 0 }
  const authorizer = new WebhookAuthorizer({
    post: async (body) => {
      sent.push(JSON.parse(body))
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return typeof answer === 'number' ? { code: answer, body: '' } : { code: 200, body: JSON.stringify({ status: answer }) }
    },
    version: 'v1',
    allowedTtl: 300_000,
    refusedTtl: 30_000,
    clock: () => time.now,
    sleep: async (ms) => void pauses.push(ms),
    onError: (error) => void errors.push(error),
    ...more,
  })
  return { authorizer, sent, pauses, errors, time, ask: async (user = ann) => await authorizer.authorize(user, pods) }
}

test('the question is a SubjectAccessReview', async () => {
  const { sent, ask } = setUp([{ allowed: true, reason: 'because' }])
  assert.deepEqual(await ask(), { verdict: 'allow', reason: 'because' })
  assert.deepEqual(sent[0], {
    kind: 'SubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: {
      resourceAttributes: {
        namespace: 'n',
        verb: 'list',
        version: '*',
        resource: 'pods',
        labelSelector: { rawSelector: 'app=x' },
      },
      user: 'ann',
      groups: ['devs'],
      extra: { scopes: ['a'] },
      uid: 'u',
    },
    status: { allowed: false },
  })
})

test('the older version has another name for groups', async () => {
  const { sent, ask } = setUp([{ allowed: false }], { version: 'v1beta1' })
  await ask()
  assert.deepEqual((sent[0]!.spec as JsonObject).group, ['devs'])
})

test('answers are remembered, permissions for longer than refusals', async () => {
  const { sent, time, ask } = setUp([{ allowed: true }, { allowed: false, denied: true }, { allowed: true }, { allowed: true }])
  await ask()
  assert.equal((await ask(ANONYMOUS)).verdict, 'deny')
  time.now = 29_999
  assert.equal((await ask(ANONYMOUS)).verdict, 'deny')
  assert.equal(sent.length, 2)
  time.now = 30_000
  assert.equal((await ask(ANONYMOUS)).verdict, 'allow')
  assert.equal((await ask()).verdict, 'allow')
  assert.equal(sent.length, 3)
  time.now = 300_000
  await ask()
  assert.equal(sent.length, 4)
})

test('a server in trouble is asked again, and no answer is no opinion', async () => {
  const { pauses, errors, ask } = setUp([500, new Error('refused'), 429, { allowed: true }])
  assert.equal((await ask()).verdict, 'allow')
  assert.deepEqual(pauses, [500, 750, 1125])
  assert.deepEqual(errors, [])

  const down = setUp([1, 2, 3, 4, 5].map(() => new Error('refused')))
  assert.deepEqual(await down.ask(), { verdict: 'no opinion', reason: '', error: 'refused' })
  assert.equal(down.errors.length, 1)
})

test('answers that make no sense are not retried', async () => {
  const { sent, ask } = setUp([401])
  assert.equal((await ask()).error, 'the authorization webhook answered with 401')
  assert.equal(sent.length, 1)
  const both = await setUp([{ allowed: true, denied: true }]).ask()
  assert.equal(both.error, 'webhook subject access review returned both allow and deny response')
})

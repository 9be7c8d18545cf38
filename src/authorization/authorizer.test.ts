import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANONYMOUS, type UserInfo } from '../machinery/user.ts'
import { resourceAttributes } from './attributes.ts'
import { ALLOW, type Authorizer, AuthorizerChain, alwaysAllow, alwaysDeny, type Decision, privilegedGroup } from './authorizer.ts'

const pods = resourceAttributes({ verb: 'get', resource: 'pods' })
const says = (name: string, decision: Decision | Promise<Decision>): Authorizer => ({ name, authorize: () => decision })
const silent = (reason: string, error?: string): Decision => ({ verdict: 'no opinion', reason, ...(error ? { error } : {}) })

test('the first opinion counts, and what was said before a refusal is told', async () => {
  const deny: Decision = { verdict: 'deny', reason: 'no' }
  assert.equal(
    await new AuthorizerChain([says('a', silent('hm')), says('b', deny), alwaysAllow]).authorize(ANONYMOUS, pods),
    deny,
  )
  assert.deepEqual(
    await new AuthorizerChain([says('a', silent('one')), says('b', Promise.resolve(silent('two', 'broke')))]).authorize(
      ANONYMOUS,
      pods,
    ),
    { verdict: 'no opinion', reason: 'one\ntwo', error: 'broke' },
  )
  assert.equal(new AuthorizerChain([]).authorize(ANONYMOUS, pods) instanceof Promise, false)
})

test('waiting for one authorizer keeps the order of the others', async () => {
  const chain = new AuthorizerChain([says('a', Promise.resolve(silent('slow'))), says('b', silent('')), says('c', ALLOW)])
  assert.equal(await chain.authorize(ANONYMOUS, pods), ALLOW)
})

test('system:masters may do everything, even where nobody else may', () => {
  const admin: UserInfo = { ...ANONYMOUS, groups: ['system:masters'] }
  const chain = new AuthorizerChain([privilegedGroup, alwaysDeny])
  assert.deepEqual(chain.authorize(admin, pods), ALLOW)
  assert.deepEqual(chain.authorize(ANONYMOUS, pods), silent('Everything is forbidden.'))
})

test('decisions are counted by who made them', () => {
  const counted: string[] = []
  const metrics = { decided: (name: string, decision: string) => void counted.push(`${name} ${decision}`) }
  const chain = new AuthorizerChain([says('a', silent('')), says('b', { verdict: 'deny', reason: '' })], metrics)
  void chain.authorize(ANONYMOUS, pods)
  void new AuthorizerChain([alwaysAllow], metrics).authorize(ANONYMOUS, pods)
  assert.deepEqual(counted, ['b denied', 'AlwaysAllow allowed'])
})

test('rules of all authorizers are listed, with who cannot tell', () => {
  const { incomplete, errors, resourceRules } = new AuthorizerChain([alwaysAllow, says('Webhook', ALLOW)]).rulesFor(
    ANONYMOUS,
    'n',
  )
  assert.equal(resourceRules.length, 1)
  assert.equal(incomplete, true)
  assert.deepEqual(errors, ['Webhook authorizer does not support user rule resolution'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JwtAuthenticator, type JwtIssuer } from './jwt.ts'
import { PresentedToken, type TokenIdentity } from './token.ts'

const identity = (name: string): TokenIdentity => ({ user: { name, uid: '', groups: [], extra: {} }, audiences: [] })
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenOf = (iss: unknown, sub: string): string => `${part({ alg: 'x' })}.${part({ iss, sub })}.${part({})}`
const subjectOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).sub

/** Trusts every token that names it, and counts how often it is asked. */
function setUp(remembered?: number) {
  const verified: string[] = []
  let good = true
  const issuer: JwtIssuer = {
    async verify(token) {
      const subject = subjectOf(token.text)
      verified.push(subject)
      if (subject === 'bad') throw new Error('no good')
      const user = identity(subject)
      return {
        identify() {
          if (!good) throw new Error('ended')
          return user
        },
      }
    },
  }
  const jwt = new JwtAuthenticator({
    issuer: (name) => (name === 'ours' ? issuer : undefined),
    ...(remembered === undefined ? {} : { remembered }),
  })
  const ask = (text: string) => jwt.authenticate(new PresentedToken(text))
  return {
    jwt,
    ask,
    verified,
    end: () => {
      good = false
    },
  }
}

test('a token is verified once, then known at once, and asked about on every use', async () => {
  const { ask, verified, end } = setUp()
  const token = tokenOf('ours', 'jane')
  assert.equal((await ask(token))?.user.name, 'jane')
  assert.equal((ask(token) as TokenIdentity).user.name, 'jane', 'without waiting')
  assert.equal(ask(token), ask(token), 'one object for each use')
  assert.deepEqual(verified, ['jane'])
  end()
  assert.throws(() => ask(token), /ended/)
})

test('uses that come together wait for one verification', async () => {
  const { ask, verified } = setUp()
  const token = tokenOf('ours', 'jane')
  await Promise.all([ask(token), ask(token), ask(token)])
  assert.deepEqual(verified, ['jane'])
})

test('failures are not remembered', async () => {
  const { ask, verified } = setUp()
  for (let i = 0; i < 2; i++) await assert.rejects(async () => ask(tokenOf('ours', 'bad')), /no good/)
  assert.deepEqual(verified, ['bad', 'bad'])
})

test('what is no token of ours is nobody’s', () => {
  const { ask, verified } = setUp()
  for (const text of [
    '',
    'opaque',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    tokenOf('theirs', 'x'),
    tokenOf(['ours'], 'x'),
    tokenOf(undefined, 'x'),
    `${tokenOf('ours', 'x')} `,
    tokenOf('ours', 'x'.repeat(300_000)),
    `a.${Buffer.from('["ours"]').toString('base64url')}.c`,
    `a.${Buffer.from('{"iss":"ours"').toString('base64url')}.c`,
  ]) {
    assert.equal(ask(text), undefined, text.slice(0, 50))
  }
  assert.deepEqual(verified, [])
})

test('only so many are remembered, the ones in use rather than others', async () => {
  const { ask, verified } = setUp(10)
  const used = tokenOf('ours', 'used')
  await ask(used)
  for (let i = 0; i < 100; i++) {
    await ask(tokenOf('ours', `other-${i}`))
    await ask(used)
  }
  assert.equal(verified.filter((subject) => subject === 'used').length, 1)
  await ask(tokenOf('ours', 'other-0'))
  assert.equal(verified.filter((subject) => subject === 'other-0').length, 2)
})

test('nothing is remembered once the issuers changed, not even what was on its way', async () => {
  const { jwt, ask, verified } = setUp()
  const token = tokenOf('ours', 'jane')
  const pending = ask(token)
  jwt.clear()
  await pending
  await ask(token)
  jwt.clear()
  await ask(token)
  assert.deepEqual(verified, ['jane', 'jane', 'jane'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../machinery/status.ts'
import { ANONYMOUS, type UserInfo } from '../machinery/user.ts'
import { credentialsOf } from '../testing/credentials.ts'
import { type Authenticator, type Credentials, type Outcome, Union } from './authenticator.ts'
import { bearer } from './bearer.ts'
import { RequestAuthenticator } from './request.ts'
import type { PresentedToken, TokenAuthenticator, TokenIdentity } from './token.ts'

const user = (name: string, ...groups: string[]): UserInfo => ({ name, uid: '', groups, extra: {} })
const alice = user('alice', 'devs')

const identity = (user: UserInfo): TokenIdentity => ({ user, audiences: [] })

/** Knows `alice-token`, and `ä` by its UTF-8. */
const tokens: TokenAuthenticator = {
  name: 'tokens',
  authenticate: ({ text }) => (text === 'alice-token' ? identity(alice) : text === 'ä' ? identity(user('umlaut')) : undefined),
}

function setUp(authenticators: readonly Authenticator<Credentials>[] = [bearer(tokens)], anonymous = true) {
  const warnings: string[] = []
  const reasons: string[] = []
  const onRefused = (reason: unknown) => reasons.push((reason as Error).message)
  const authenticator = new RequestAuthenticator({ authenticators, anonymous: () => anonymous, onRefused })
  const warn = (text: string) => warnings.push(text)
  const authenticate = (authorization?: Credentials['authorization']) =>
    authenticator.authenticate(credentialsOf({ authorization, warn }))
  return { authenticate, warnings, reasons }
}

const is401 = (error: unknown): boolean => {
  assert.ok(error instanceof StatusError)
  assert.deepEqual(error.status, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  })
  return true
}

test('without credentials a request is anonymous', () => {
  const { authenticate, warnings } = setUp()
  for (const header of [
    undefined,
    '',
    ' ',
    'Basic YWxpY2U6eA==',
    'Bearer',
    'Bearer ',
    'Bearer\talice-token',
    'alice-token',
    'BearerX alice-token',
    [],
  ]) {
    assert.deepEqual(authenticate(header), {
      name: 'system:anonymous',
      uid: '',
      groups: ['system:unauthenticated'],
      extra: {},
    })
    assert.equal(authenticate(header), ANONYMOUS)
  }
  assert.deepEqual(warnings, [])
})

test('a good token is its user, in system:authenticated, without waiting', () => {
  const { authenticate } = setUp()
  for (const header of [
    'Bearer alice-token',
    'bearer alice-token',
    'BEARER alice-token',
    '  Bearer alice-token\t',
    'Bearer alice-token and more words',
    ['Bearer alice-token', 'Bearer wrong'],
  ]) {
    assert.deepEqual(authenticate(header), { ...alice, groups: ['devs', 'system:authenticated'] }, String(header))
  }
  assert.equal(authenticate('Bearer alice-token'), authenticate('Bearer alice-token'), 'one object per user')
  assert.equal((authenticate('Bearer \xc3\xa4') as UserInfo).name, 'umlaut', 'header bytes are UTF-8')
  assert.deepEqual(alice.groups, ['devs'])
})

test('a bad token is refused, and the reason is for the log', () => {
  const { authenticate, reasons } = setUp()
  const headers = [
    'Bearer no-such-token',
    'Bearer Alice-Token',
    'Bearer a.b.c',
    'Bearer alice-token\u00a0',
    'Bearer alice-token,',
    'Bearer \xe4',
  ]
  for (const header of [...headers, ['Bearer wrong', 'Bearer alice-token']])
    assert.throws(() => authenticate(header), is401, String(header))
  assert.deepEqual(new Set(reasons), new Set(['invalid bearer token']))
  assert.equal(reasons.length, headers.length + 1)
})

test('a second space makes it no token, with a warning', () => {
  const { authenticate, warnings } = setUp()
  assert.equal(authenticate('Bearer  alice-token'), ANONYMOUS)
  assert.equal(authenticate('Bearer   wrong'), ANONYMOUS)
  assert.deepEqual(
    warnings,
    Array(2).fill('the provided Authorization header contains extra space before the bearer token, and is ignored'),
  )
})

test('anonymous requests can be kept out', () => {
  const { authenticate, reasons } = setUp([bearer(tokens)], false)
  assert.equal((authenticate('Bearer alice-token') as UserInfo).name, 'alice')
  assert.throws(() => authenticate(undefined), is401)
  assert.throws(() => authenticate('Bearer  alice-token'), is401)
  assert.deepEqual(reasons, Array(2).fill('no credentials, and anonymous requests are not allowed'))
})

test('system:authenticated is added once and never to the anonymous', () => {
  for (const found of [
    user('a', 'system:authenticated', 'x'),
    user('b', 'system:unauthenticated'),
    user('system:anonymous', 'x'),
  ]) {
    const { authenticate } = setUp([{ name: 'fixed', authenticate: () => found }])
    assert.equal(authenticate(), found)
  }
})

const answering = (answer: () => Outcome): Authenticator<Credentials> => ({ name: 'x', authenticate: answer })
const failing = (message: string, wait: boolean): Authenticator<Credentials> =>
  answering(() => {
    if (wait) return Promise.reject(new Error(message))
    throw new Error(message)
  })
const finding = (found: UserInfo | undefined, wait: boolean) => answering(() => (wait ? Promise.resolve(found) : found))

test('the first that knows wins, and a failure before it does not matter', async () => {
  for (const wait of [false, true]) {
    for (const list of [
      [finding(undefined, wait), finding(alice, wait), finding(user('late'), wait)],
      [failing('bad', wait), finding(undefined, false), finding(alice, wait)],
      [failing('bad', !wait), failing('worse', wait), finding(alice, false)],
    ]) {
      assert.equal((await setUp(list).authenticate()).name, 'alice')
    }
  }
})

test('a failure that nobody makes good is a 401, at once or later, and all reasons are told', async () => {
  for (const [first, second] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    const { authenticate, reasons } = setUp([failing('bad', first), failing('worse', second), finding(undefined, first)])
    await assert.rejects(async () => authenticate(), is401)
    assert.deepEqual(reasons, ['[bad, worse]'])
  }
  const { authenticate, reasons } = setUp([finding(undefined, true), failing('only', true)])
  await assert.rejects(async () => authenticate(), is401)
  assert.deepEqual(reasons, ['only'])
})

test('nobody knows, after waiting: anonymous', async () => {
  assert.equal(await setUp([finding(undefined, true), finding(undefined, false)]).authenticate(), ANONYMOUS)
})

test('token authenticators are asked in order, and may wait', async () => {
  const slow: TokenAuthenticator = {
    name: 'slow',
    authenticate: async ({ text }) => (text === 'slow' ? identity(user('slow')) : undefined),
  }
  const { authenticate, reasons } = setUp([bearer(new Union<PresentedToken, TokenIdentity>('tokens', [tokens, slow]))])
  assert.equal((authenticate('Bearer alice-token') as UserInfo).name, 'alice', 'no promise for those asked first')
  assert.equal((await authenticate('Bearer slow')).name, 'slow')
  await assert.rejects(async () => authenticate('Bearer other'), is401)
  assert.deepEqual(reasons, ['invalid bearer token'])
})

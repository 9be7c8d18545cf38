import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Options } from '../../src/options/table.ts'
import { startTestServer, type TestServer } from '../../src/testing/start-test-server.ts'
import { authority } from '../support/certificates.ts'
import { OpenIdProvider } from '../support/openid-provider.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'oidc-'))
after(() => rmSync(dir, { recursive: true }))

function file(name: string, content: string): string {
  const at = path.join(dir, name)
  writeFileSync(at, content)
  return at
}

const flagsFor = (provider: OpenIdProvider, more: Partial<Options> = {}): Partial<Options> => ({
  oidcIssuerUrl: provider.issuer,
  oidcClientId: 'kubernetes',
  oidcCaFile: file('ca.crt', provider.ca),
  ...more,
})

interface WhoAmI {
  code: number
  user?: { username: string; uid?: string; groups: string[]; extra?: Record<string, string[]> }
}

async function whoAmI(server: TestServer, token: string): Promise<WhoAmI> {
  const url = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const answer = await server.request(url, { method: 'POST', body: {}, token })
  const { status } = (await answer.json()) as { status: { userInfo: NonNullable<WhoAmI['user']> } }
  return answer.status === 201 ? { code: 201, user: status.userInfo } : { code: answer.status }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await holds()) return
    await pause(50)
  }
  assert.fail(what)
}

const comesIn = (server: TestServer, token: string) => async (): Promise<boolean> => (await whoAmI(server, token)).code === 201

test('a user who logs in: name and groups with their prefixes', async () => {
  await using provider = await OpenIdProvider.start()
  const flags = flagsFor(provider, {
    oidcGroupsClaim: 'groups',
    oidcGroupsPrefix: 'oidc:',
    oidcRequiredClaim: { tenant: 'acme' },
  })
  let now = Date.now()
  await using server = await startTestServer({ flags, clock: () => now })
  const jane = { sub: 'jane', tenant: 'acme', groups: ['devs', 'ops'] }
  await until('the provider is found', comesIn(server, await provider.login(jane)))
  assert.deepEqual((await whoAmI(server, await provider.login(jane))).user, {
    username: `${provider.issuer}#jane`,
    groups: ['oidc:devs', 'oidc:ops', 'system:authenticated'],
  })
  assert.deepEqual((await whoAmI(server, await provider.login({ ...jane, groups: 'devs' }))).user?.groups, [
    'oidc:devs',
    'system:authenticated',
  ])
  assert.equal((await whoAmI(server, await provider.login(jane, false))).code, 201, 'a token that names no key')
  for (const [what, claims] of Object.entries({
    'for another client': { aud: 'other' },
    'for nobody': { aud: [] },
    expired: { exp: Math.floor(Date.now() / 1000) - 1 },
    'not yet valid': { nbf: Math.floor(Date.now() / 1000) + 3600 },
    'of another issuer': { iss: `${provider.issuer}/` },
    'of another tenant': { tenant: 'evil' },
    'of no tenant': { tenant: undefined },
    'of a tenant of another type': { tenant: ['acme'] },
    'without a name': { sub: undefined },
    'with an empty name': { sub: '' },
    'with a name of another type': { sub: 7 },
    'with groups of another type': { groups: { devs: true } },
  })) {
    assert.equal((await whoAmI(server, await provider.login({ ...jane, ...claims }))).code, 401, what)
  }
  provider.rotate('ES256')
  assert.equal((await whoAmI(server, await provider.login(jane))).code, 401, 'signed in a way that is not allowed')
  provider.rotate('RS256')
  now += 10_000
  const several = await provider.login({ ...jane, aud: ['other', 'kubernetes'] })
  assert.equal((await whoAmI(server, several)).code, 201, 'for several clients')
})

test('a token ends when it says so, even if it was accepted before', async () => {
  await using provider = await OpenIdProvider.start()
  let now = Date.now()
  await using server = await startTestServer({ flags: flagsFor(provider), clock: () => now })
  const token = await provider.login({ sub: 'jane' })
  await until('the provider is found', comesIn(server, token))
  now += 3_601_000
  assert.equal((await whoAmI(server, token)).code, 401)
})

test('mail addresses must be verified', async () => {
  await using provider = await OpenIdProvider.start()
  await using server = await startTestServer({ flags: flagsFor(provider, { oidcUsernameClaim: 'email' }) })
  const verified = await provider.login({ email: 'jane@example.com', email_verified: true })
  await until('the provider is found', comesIn(server, verified))
  assert.equal((await whoAmI(server, verified)).user?.username, 'jane@example.com')
  assert.equal((await whoAmI(server, await provider.login({ email: 'joe@example.com' }))).code, 201)
  for (const claim of [false, 'true', null])
    assert.equal((await whoAmI(server, await provider.login({ email: 'x@example.com', email_verified: claim }))).code, 401)
})

test('keys that are rotated', async () => {
  await using provider = await OpenIdProvider.start()
  let now = Date.now()
  const flags = flagsFor(provider, { oidcSigningAlgs: ['RS256', 'ES256', 'PS384'] })
  await using server = await startTestServer({ flags, clock: () => now })
  const old = await provider.login({ sub: 'jane' })
  await until('the provider is found', comesIn(server, old))
  const before = provider.keyRequests
  for (const algorithm of ['ES256', 'PS384'] as const) {
    provider.rotate(algorithm)
    now += 10_000
    assert.equal((await whoAmI(server, await provider.login({ sub: 'joe' }))).code, 201, algorithm)
  }
  assert.equal(provider.keyRequests, before + 2)
  // Anybody can make up tokens of unknown keys: they don't make us ask each time.
  provider.rotate('ES256')
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => provider.login({ sub: `user-${i}` })))
  const codes = await Promise.all(tokens.map(async (token) => (await whoAmI(server, token)).code))
  assert.deepEqual(new Set(codes), new Set([401]))
  assert.equal(provider.keyRequests, before + 2)
  now += 10_000
  assert.equal((await whoAmI(server, tokens[0]!)).code, 201)
  assert.equal(provider.keyRequests, before + 3)
})

test('a provider that is down, or somebody else, keeps nobody else out', async () => {
  const ca = authority('openid-ca')
  const lost = await OpenIdProvider.start(0, ca)
  const { port } = lost
  const token = await lost.login({ sub: 'jane' })
  await lost[Symbol.asyncDispose]()
  const began = performance.now()
  await using server = await startTestServer({ flags: flagsFor(lost) })
  assert.ok(performance.now() - began < 5_000, 'the start waits for nobody')
  assert.equal((await whoAmI(server, server.admin.token)).code, 201)
  assert.equal((await whoAmI(server, token)).code, 401)
  await using impostor = await OpenIdProvider.start(port)
  assert.equal((await whoAmI(server, await impostor.login({ sub: 'jane' }))).code, 401, 'a server of another authority')
})

const configuration = (...issuers: object[]): string =>
  JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt: issuers })

const entry = (provider: OpenIdProvider, prefix: string, more: object = {}): object => ({
  issuer: { url: provider.issuer, certificateAuthority: provider.ca, audiences: ['kubernetes'], ...more },
  claimMappings: {
    username: { claim: 'sub', prefix },
    groups: { claim: 'roles', prefix: '' },
    uid: { claim: 'id' },
  },
})

test('several providers in a file, which changes', async () => {
  await using one = await OpenIdProvider.start()
  await using two = await OpenIdProvider.start()
  // It says that it is somewhere where nobody is.
  two.name = 'https://two.example'
  const discoveryURL = `https://localhost:${two.port}/openid-configuration`
  const many = { audiences: ['other', 'kubernetes'], audienceMatchPolicy: 'MatchAny' }
  const second = entry(two, 'two:', { discoveryURL, ...many })
  const config = file('authentication.yaml', configuration(entry(one, 'one:'), second))
  const log: string[] = []
  await using server = await startTestServer({ flags: { authenticationConfig: config }, log: (line) => log.push(line) })
  const ofOne = await one.login({ sub: 'jane', id: 'u1', roles: 'admin' })
  const ofTwo = await two.login({ sub: 'jane', id: 'u2', roles: ['admin'] })
  await until('both are found', async () => (await comesIn(server, ofOne)()) && (await comesIn(server, ofTwo)()))
  assert.deepEqual((await whoAmI(server, ofOne)).user, {
    username: 'one:jane',
    uid: 'u1',
    groups: ['admin', 'system:authenticated'],
  })
  assert.equal((await whoAmI(server, ofTwo)).user?.username, 'two:jane')
  assert.equal((await whoAmI(server, await one.login({ iss: two.issuer, sub: 'jane', id: 'u' }))).code, 401, 'one for two')

  writeFileSync(config, 'nonsense: [')
  server.server.authentication.look()
  assert.equal((await whoAmI(server, ofOne)).code, 201, 'what can’t be read changes nothing')
  writeFileSync(config, configuration(entry(one, 'renamed:')))
  server.server.authentication.look()
  assert.equal((await whoAmI(server, ofTwo)).code, 401, 'what was accepted is forgotten')
  await until('the other is found again', comesIn(server, ofOne))
  assert.equal((await whoAmI(server, ofOne)).user?.username, 'renamed:jane')
  assert.ok(log.some((line) => line.includes('can not be used')))
})

test('expressions say who a user is, and whose tokens are accepted', async () => {
  await using provider = await OpenIdProvider.start()
  const config = {
    issuer: { url: provider.issuer, certificateAuthority: provider.ca, audiences: ['kubernetes'] },
    claimMappings: {
      username: { expression: "claims.email_verified ? 'oidc:' + claims.email : ''" },
      groups: { expression: "claims.roles.split(',').map(r, 'oidc:' + r)" },
      uid: { expression: "claims.?id.orValue('none')" },
      extra: [
        { key: 'example.org/tenant', valueExpression: 'claims.tenant' },
        { key: 'example.org/none', valueExpression: "claims.?nosuch.orValue('')" },
      ],
    },
    claimValidationRules: [
      { expression: 'claims.exp - claims.iat <= 86400', message: 'lives too long' },
      { claim: 'hd', requiredValue: 'example.com' },
    ],
    userValidationRules: [{ expression: "!user.username.startsWith('system:') && user.groups.all(g, g != 'oidc:evil')" }],
  }
  await using server = await startTestServer({ flags: { authenticationConfig: file('cel.yaml', configuration(config)) } })
  const jane = {
    sub: 'x',
    email: 'jane@example.com',
    email_verified: true,
    roles: 'a,b',
    tenant: ['t1', 't2'],
    hd: 'example.com',
  }
  await until('the provider is found', comesIn(server, await provider.login(jane)))
  assert.deepEqual((await whoAmI(server, await provider.login(jane))).user, {
    username: 'oidc:jane@example.com',
    uid: 'none',
    groups: ['oidc:a', 'oidc:b', 'system:authenticated'],
    extra: { 'example.org/tenant': ['t1', 't2'] },
  })
  assert.equal((await whoAmI(server, await provider.login({ ...jane, id: 'u7' }))).user?.uid, 'u7')
  const now = Math.floor(Date.now() / 1000)
  for (const [what, claims] of Object.entries({
    'an empty name': { email_verified: false },
    'a name that has no value': { email: undefined },
    'a name of another type': { email: 7 },
    'groups that have no value': { roles: undefined },
    'an extra of another type': { tenant: [1] },
    'an uid of another type': { id: 7 },
    'a rule that does not hold': { iat: now - 90_000, exp: now + 3600 },
    'a claim that is not the required one': { hd: 'evil.com' },
    'a user that is not accepted': { roles: 'a,evil' },
  })) {
    assert.equal((await whoAmI(server, await provider.login({ ...jane, ...claims }))).code, 401, what)
  }
})

test('a file that says when requests may be anonymous', async () => {
  const anonymous = { enabled: true, conditions: [{ path: '/livez' }] }
  const document = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', anonymous }
  const config = file('anonymous.yaml', JSON.stringify(document))
  await using server = await startTestServer({ flags: { authenticationConfig: config } })
  assert.equal((await server.request('/livez', { token: null })).status, 200)
  for (const url of ['/readyz', '/livez/ping', '/api']) {
    assert.equal((await server.request(url, { token: null })).status, 401, url)
  }
})

test('files that can not be used', async () => {
  await using provider = await OpenIdProvider.start()
  const good = entry(provider, '') as { issuer: object; claimMappings: object }
  const bad: [string, RegExp][] = [
    ['{}', /no authentication configuration/],
    [configuration({}), /jwt\[0\]\.issuer\.url: Required value, jwt\[0\]/],
    [configuration({ ...good, issuer: { ...good.issuer, url: 'http://x' } }), /URL scheme must be https/],
    [
      configuration({ ...good, issuer: { ...good.issuer, url: 'https://u:p@x/?q#f' } }),
      /must not contain a username.*query.*fragment/,
    ],
    [configuration({ ...good, issuer: { ...good.issuer, audiences: [] } }), /audiences: Required value/],
    [configuration({ ...good, issuer: { ...good.issuer, audiences: ['a', 'b'] } }), /must be MatchAny for multiple audiences/],
    [
      configuration({ ...good, issuer: { ...good.issuer, certificateAuthority: 'x' } }),
      /certificateAuthority: Invalid value: "<omitted>"/,
    ],
    [configuration({ ...good, claimMappings: { username: { claim: 'sub' } } }), /prefix is required when claim is set/],
    [
      configuration({ ...good, claimMappings: { username: { expression: 'claim.sub' } } }),
      /username\.expression: Invalid value: "claim\.sub": compilation failed: ERROR: <input>:1:1: undeclared reference to 'claim'/,
    ],
    [
      configuration({ ...good, userValidationRules: [{ expression: 'user.nosuch == ""' }] }),
      /userValidationRules\[0\]\.expression: .*undefined field 'nosuch'/,
    ],
    [
      configuration({ ...good, claimMappings: { username: { expression: 'claims.email' } } }),
      /claims\.email_verified must be used in claimMappings\.username\.expression or/,
    ],
    [
      configuration({ ...good, claimValidationRules: [{ expression: '"text"' }] }),
      /claimValidationRules\[0\]\.expression: Invalid value: "\\"text\\"": must evaluate to bool/,
    ],
    [
      configuration({ ...good, claimMappings: { ...good.claimMappings, extra: [{ key: 'a.k8s.io/x', valueExpression: '1' }] } }),
      /extra\[0\]\.key: Invalid value: "a\.k8s\.io\/x": k8s\.io, kubernetes\.io and their subdomains are reserved/,
    ],
    [configuration(good, good), /jwt\[1\]\.issuer\.url: Duplicate value/],
    [configuration({ ...good, unknown: 1 }), /jwt\[0\]\.unknown: unknown field/],
    [
      configuration({ ...good, issuer: { ...good.issuer, url: 'https://kubernetes.default.svc.cluster.local' } }),
      /must not overlap/,
    ],
  ]
  for (const [content, message] of bad) {
    const flags = { authenticationConfig: file('bad.yaml', content) }
    await assert.rejects(startTestServer({ flags }), message, content)
  }
  await assert.rejects(startTestServer({ flags: { oidcIssuerUrl: provider.issuer } }), /must be specified together/)
  await assert.rejects(startTestServer({ flags: { oidcIssuerUrl: 'http://x', oidcClientId: 'x' } }), /URL scheme must be https/)
})

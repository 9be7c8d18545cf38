import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { requestInfo } from '../machinery/request-info.ts'
import type { UserInfo } from '../machinery/user.ts'
import { AuditPolicy } from './policy.ts'
import { parsePolicy } from './policy-file.ts'

const file = (...rules: string[]): string =>
  ['apiVersion: audit.k8s.io/v1', 'kind: Policy', 'rules:', ...rules.map((rule) => `- {${rule}}`)].join('\n')

const policy = (...rules: string[]): AuditPolicy => new AuditPolicy(parsePolicy(Buffer.from(file(...rules)), assert.fail))

const user = (name: string, ...groups: string[]): UserInfo => ({ name, uid: '', groups, extra: {} })

const level = (of: AuditPolicy, request: string, by: UserInfo | null = user('alice', 'dev')): string => {
  const [method = '', url = ''] = request.split(' ')
  const { pathname, searchParams } = new URL(url, 'http://x')
  return of.decide(
    by ?? undefined,
    requestInfo(method, pathname, () => searchParams),
  ).level
}

suite('rules', () => {
  test('the first that fits decides, and without one nothing is written', () => {
    const of = policy('level: Metadata, verbs: [list]', 'level: Request, verbs: [list, get]')
    assert.equal(level(of, 'GET /api/v1/pods'), 'Metadata')
    assert.equal(level(of, 'GET /api/v1/namespaces/a/pods/b'), 'Request')
    assert.equal(level(of, 'DELETE /api/v1/namespaces/a/pods/b'), 'None')
  })

  test('users and groups', () => {
    const of = policy('level: Metadata, users: [bob]', 'level: Request, userGroups: [ops, dev]')
    assert.equal(level(of, 'GET /version', user('bob')), 'Metadata')
    assert.equal(level(of, 'GET /version', user('carol', 'ops')), 'Request')
    assert.equal(level(of, 'GET /version', user('carol', 'guests')), 'None')
    assert.equal(level(of, 'GET /version', null), 'None', 'nobody knows who it is')
  })

  test('resources, with their groups, subresources and names', () => {
    const wants = (resources: string, request: string): boolean =>
      level(policy(`level: Metadata, resources: [${resources}]`), request) === 'Metadata'
    assert.ok(wants('{resources: [pods]}', 'GET /api/v1/pods'))
    assert.ok(!wants('{resources: [pods]}', 'GET /api/v1/namespaces/a/pods/b/log'))
    assert.ok(wants('{resources: [pods/log]}', 'GET /api/v1/namespaces/a/pods/b/log'))
    assert.ok(wants('{resources: ["pods/*"]}', 'GET /api/v1/namespaces/a/pods/b/log'))
    assert.ok(wants('{resources: ["pods/*"]}', 'GET /api/v1/namespaces/a/pods/b'))
    assert.ok(wants('{group: apps, resources: ["*/scale"]}', 'PUT /apis/apps/v1/namespaces/a/deployments/b/scale'))
    assert.ok(!wants('{group: apps, resources: ["*/scale"]}', 'PUT /apis/apps/v1/namespaces/a/deployments/b'))
    assert.ok(wants('{resources: ["*"]}', 'GET /api/v1/namespaces/a/pods/b/log'))
    assert.ok(!wants('{resources: ["*"]}', 'GET /apis/apps/v1/deployments'), 'another group')
    assert.ok(wants('{group: apps}', 'GET /apis/apps/v1/namespaces/a/deployments/b/status'))
    assert.ok(wants('{resources: [pods], resourceNames: [b]}', 'GET /api/v1/namespaces/a/pods/b'))
    assert.ok(!wants('{resources: [pods], resourceNames: [b]}', 'GET /api/v1/namespaces/a/pods/c'))
    assert.ok(!wants('{resources: ["*"]}', 'GET /api/v1'), 'discovery is no resource')
  })

  test('namespaces, of which the empty one is none', () => {
    const of = policy('level: Metadata, namespaces: [a]', 'level: Request, namespaces: [""]')
    assert.equal(level(of, 'GET /api/v1/namespaces/a/pods'), 'Metadata')
    assert.equal(level(of, 'GET /api/v1/namespaces/b/pods'), 'None')
    assert.equal(level(of, 'GET /api/v1/nodes'), 'Request')
    assert.equal(level(of, 'GET /healthz'), 'None')
  })

  test('paths', () => {
    const of = policy('level: Metadata, nonResourceURLs: ["/healthz*", /version]', 'level: Request, nonResourceURLs: ["*"]')
    assert.equal(level(of, 'GET /healthz/etcd'), 'Metadata')
    assert.equal(level(of, 'GET /version'), 'Metadata')
    assert.equal(level(of, 'GET /version/'), 'Request')
    assert.equal(level(of, 'GET /api/v1/pods'), 'None')
  })

  test('what is left out adds up, and a rule knows better than the policy of managed fields', () => {
    const text = `${file('level: Metadata, verbs: [get], omitStages: [Panic], omitManagedFields: false', 'level: Metadata')}
omitStages: [RequestReceived]
omitManagedFields: true`
    const of = new AuditPolicy(parsePolicy(Buffer.from(text), assert.fail))
    const first = of.decide(undefined, { ...requestInfo('GET', '/version', () => new URLSearchParams()) })
    assert.deepEqual([...first.omitStages].sort(), ['Panic', 'RequestReceived'])
    assert.equal(first.omitManagedFields, false)
    const other = of.decide(undefined, { ...requestInfo('POST', '/version', () => new URLSearchParams()) })
    assert.deepEqual([[...other.omitStages], other.omitManagedFields], [['RequestReceived'], true])
  })
})

suite('the file', () => {
  const refused = (text: string, message: string | RegExp): void =>
    assert.throws(() => parsePolicy(Buffer.from(text), () => {}), { message })

  test('is refused for what it says', () => {
    refused(file('verbs: [get]'), 'rules[0].level: Required value')
    refused(
      file('level: Everything'),
      'rules[0].level: Unsupported value: "Everything": supported values: "None", "Metadata", "Request", "RequestResponse"',
    )
    refused(
      file('level: None, nonResourceURLs: [healthz]'),
      `rules[0].nonResourceURLs[0]: Invalid value: "healthz": non-resource URL rules must begin with a '/' character`,
    )
    refused(
      file('level: None, nonResourceURLs: ["/a*b"]'),
      `rules[0].nonResourceURLs[0]: Invalid value: "/a*b": non-resource URL wildcards '*' must be the final character of the rule`,
    )
    refused(
      file('level: None, nonResourceURLs: [/a], namespaces: [b]'),
      'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs',
    )
    refused(
      file('level: None', 'level: None, resources: [{resourceNames: [a]}]'),
      'rules[1].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires at least one resource',
    )
    refused(
      file('level: None, resources: [{group: apps/v1}]'),
      /^rules\[0\]\.resources\.group: Invalid value: "apps\/v1": a lower/,
    )
    refused(
      file('level: None, omitStages: [Later]'),
      'rules[0].omitStages[0]: Invalid value: "Later": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
    )
  })

  test('is refused for what it is', () => {
    refused('apiVersion: audit.k8s.io/v1\nkind: Policy', 'loaded illegal policy with 0 rules')
    refused('kind: Policy\nrules: [{level: None}]', /^failed decoding: Object 'apiVersion' is missing/)
    refused(file('level: None').replace('/v1', '/v1beta1'), /^failed decoding: no kind "Policy" is registered for version/)
    refused('[', /^failed decoding: /)
    refused(file('level: [None]'), /rules\[0\]\.level: .*must be a string/)
  })

  test('may say more than it should, with a warning', () => {
    const warnings: string[] = []
    const text = `${file('level: None, users: [a], user: b')}\nmore: 1`
    const { rules } = parsePolicy(Buffer.from(text), (warning) => warnings.push(warning))
    assert.deepEqual(rules[0]?.users, ['a'])
    assert.match(warnings.join(), /unknown field "more", unknown field "rules\[0\]\.user"$/)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANONYMOUS, type UserInfo } from '../../machinery/user.ts'
import { resourceAttributes } from '../attributes.ts'
import { AbacAuthorizer } from './abac.ts'
import { parsePolicyFile } from './policy-file.ts'

const spec = (fields: object) =>
  JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec: fields })
const user = (name: string, ...groups: string[]): UserInfo => ({
  ...ANONYMOUS,
  name,
  groups: [...groups, 'system:authenticated'],
})
const path = (verb: string, url: string) => ({ ...resourceAttributes({ verb, resource: '' }), isResource: false, path: url })

function may(lines: string[], who: UserInfo, asked: ReturnType<typeof resourceAttributes>): boolean {
  return new AbacAuthorizer(parsePolicyFile(lines.join('\n'), 'policy')).authorize(who, asked).verdict === 'allow'
}

test('a line allows whom and what it names', () => {
  const lines = ['# who may what', '', spec({ user: 'ann', group: 'ops', namespace: 'n', resource: 'pods', apiGroup: '*' })]
  const pods = resourceAttributes({ verb: 'delete', resource: 'pods', namespace: 'n' })
  assert.ok(may(lines, user('ann', 'ops'), pods))
  assert.ok(!may(lines, user('ann'), pods))
  assert.ok(!may(lines, user('ben', 'ops'), pods))
  assert.ok(!may(lines, user('ann', 'ops'), { ...pods, namespace: 'm' }))
  assert.ok(!may(lines, user('ann', 'ops'), path('get', '/healthz')))
})

test('readonly lines allow reading', () => {
  const lines = [spec({ group: 'ops', readonly: true, namespace: '*', resource: '*', apiGroup: '*', nonResourcePath: '/logs/*' })]
  for (const verb of ['get', 'list', 'watch'])
    assert.ok(may(lines, user('x', 'ops'), resourceAttributes({ verb, resource: 'pods' })))
  assert.ok(!may(lines, user('x', 'ops'), resourceAttributes({ verb: 'create', resource: 'pods' })))
  assert.ok(may(lines, user('x', 'ops'), path('get', '/logs/kubelet')))
  assert.ok(!may(lines, user('x', 'ops'), path('get', '/metrics')))
})

test('a star is whoever has a name', () => {
  const pods = resourceAttributes({ verb: 'get', resource: 'pods' })
  for (const line of [spec({ user: '*', namespace: '*', resource: '*', apiGroup: '*' }), '{"user":"*"}', '{"readonly":true}']) {
    assert.ok(may([line], user('x'), pods), line)
    assert.ok(!may([line], ANONYMOUS, pods), line)
  }
  assert.ok(!may([spec({ namespace: '*', resource: '*', apiGroup: '*' })], user('x'), pods))
})

test('lines that make no sense stop the start', () => {
  assert.throws(() => parsePolicyFile('{}\nnonsense', '/etc/policy'), /^Error: \/etc\/policy:2: /)
  assert.throws(
    () => parsePolicyFile('{"apiVersion":"v2","kind":"Policy"}', 'f'),
    /no kind "Policy" is registered for version "v2"$/,
  )
})

test('rules can be listed', () => {
  const line = spec({ user: 'ann', readonly: true, namespace: 'n', resource: 'pods', apiGroup: '', nonResourcePath: '/x' })
  const rules = new AbacAuthorizer(parsePolicyFile(line, 'f')).rulesFor(user('ann'), 'n')
  const verbs = ['get', 'list', 'watch']
  assert.deepEqual(rules.resourceRules, [{ verbs, apiGroups: [''], resources: ['pods'], resourceNames: [] }])
  assert.deepEqual(rules.pathRules, [{ verbs, paths: ['/x'] }])
})

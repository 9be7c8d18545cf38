import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { asked } from '../testing.ts'
import { couldMatch, type Equivalents, matchRules, type NamedRule, namespaceOf } from './rules.ts'

const rule = (more: Partial<NamedRule> = {}): NamedRule => ({
  operations: ['CREATE'],
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['pods'],
  ...more,
})

const fits = (one: NamedRule, request: Parameters<typeof asked>[0], more: Parameters<typeof asked>[1] = {}): boolean =>
  matchRules([one], asked(request, more), undefined) !== undefined

suite('rules', () => {
  test('name operations, groups, versions and resources', () => {
    assert.equal(fits(rule(), 'pods'), true)
    assert.equal(fits(rule(), 'pods', { operation: 'UPDATE' }), false)
    assert.equal(fits(rule({ operations: ['*'] }), 'pods', { operation: 'CONNECT' }), true)
    assert.equal(fits(rule(), 'pods.example.com'), false)
    assert.equal(fits(rule({ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }), 'widgets.example.com'), true)
    assert.equal(fits(rule({ apiVersions: ['v2'] }), 'pods'), false)
  })

  test('take subresources only by their names', () => {
    const cases: [string[], string, boolean][] = [
      [['pods'], 'pods/exec', false],
      [['*'], 'pods/exec', false],
      [['pods/exec'], 'pods/exec', true],
      [['pods/exec'], 'pods', false],
      [['pods/*'], 'pods/exec', true],
      [['pods/*'], 'pods', true],
      [['*/scale'], 'deployments/scale', true],
      [['*/*'], 'pods', true],
    ]
    for (const [resources, request, wanted] of cases)
      assert.equal(fits(rule({ resources }), request), wanted, `${resources} ${request}`)
  })

  test('may be for one scope; namespaces are cluster-scoped', () => {
    const cases: [string, string, string, boolean][] = [
      ['Namespaced', 'pods', 'a', true],
      ['Cluster', 'pods', 'a', false],
      ['Namespaced', 'nodes', '', false],
      ['Cluster', 'nodes', '', true],
      ['Cluster', 'namespaces', 'a', true],
      ['Namespaced', 'namespaces', 'a', false],
      ['*', 'nodes', '', true],
    ]
    for (const [scope, resource, namespace, wanted] of cases) {
      assert.equal(fits(rule({ scope, resources: ['*'] }), resource, { namespace }), wanted, `${scope} ${resource}`)
    }
  })

  test('may name objects', () => {
    const named = rule({ resourceNames: ['a'] })
    assert.equal(fits(named, 'pods', { name: 'a' }), true)
    assert.equal(fits(named, 'pods', { name: 'b' }), false)
  })
})

test('other versions of a resource fit too, under their own names', () => {
  const other = {
    resource: { group: 'events.k8s.io', version: 'v1', resource: 'events' },
    kind: { group: 'events.k8s.io', version: 'v1', kind: 'Event' },
  }
  const equivalents: Equivalents = ({ group, resource }) => (resource === 'events' && group === '' ? [other] : [])
  const rules = [rule({ apiGroups: ['events.k8s.io'], resources: ['events', 'events/scale'] })]
  assert.equal(matchRules(rules, asked('events'), undefined), undefined)
  assert.equal(matchRules(rules, asked('events'), equivalents), other)
  const body = { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  const scale = matchRules(rules, { ...asked('events/scale'), kind: body }, equivalents)
  assert.deepEqual(scale, { resource: other.resource, kind: body })
})

test('what could match is told without a request', () => {
  assert.equal(couldMatch([rule({ resources: ['pods/exec'] })], { group: '', resource: 'pods' }), true)
  assert.equal(couldMatch([rule({ resources: ['*/scale'] })], { group: '', resource: 'pods' }), true)
  assert.equal(couldMatch([rule()], { group: '', resource: 'secrets' }), false)
  assert.equal(couldMatch([rule()], { group: 'apps', resource: 'pods' }), false)
})

test('a namespace lies in itself', () => {
  assert.equal(namespaceOf(asked('namespaces', { name: 'a' })), 'a')
  assert.equal(namespaceOf(asked('namespaces', { object: { metadata: { name: 'b' } } })), 'b')
  assert.equal(namespaceOf(asked('nodes', { name: 'a' })), '')
  assert.equal(namespaceOf(asked('pods', { name: 'a', namespace: 'n' })), 'n')
})

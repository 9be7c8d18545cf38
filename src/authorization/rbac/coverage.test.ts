import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeRules, missingRules } from './coverage.ts'

const rule = (verbs: string, resources: string, names?: string) => ({
  verbs: verbs.split(','),
  apiGroups: [''],
  resources: resources.split(','),
  ...(names ? { resourceNames: names.split(',') } : {}),
})
const missing = (held: Parameters<typeof missingRules>[0], ...wanted: Parameters<typeof missingRules>[1]) =>
  describeRules(missingRules(held, wanted))

test('rules are covered one verb and one resource at a time, by any of the held ones', () => {
  const held = [rule('get', 'pods'), rule('list,watch', 'pods,secrets')]
  assert.deepEqual(missing(held, rule('get,list', 'pods')), [])
  assert.deepEqual(missing(held, rule('get,list', 'secrets'), rule('delete,get', 'nodes')), [
    '{APIGroups:[""], Resources:["nodes"], Verbs:["delete" "get"]}',
    '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
  ])
})

test('a star is only covered by a star, and covers everything', () => {
  assert.equal(missing([rule('get,list', 'pods')], rule('*', 'pods')).length, 1)
  assert.deepEqual(missing([rule('*', '*')], rule('*', 'pods'), rule('get', '*')), [])
  assert.deepEqual(missing([rule('get', '*/scale')], rule('get', 'deployments/scale')), [])
  assert.equal(missing([rule('get', '*/scale')], rule('get', 'deployments')).length, 1)
})

test('names are covered one by one, and never cover all names', () => {
  const held = [rule('get', 'pods', 'a,b')]
  assert.deepEqual(missing(held, rule('get', 'pods', 'b')), [])
  assert.deepEqual(missing(held, rule('get', 'pods', 'b,c')), [
    '{APIGroups:[""], Resources:["pods"], ResourceNames:["c"], Verbs:["get"]}',
  ])
  assert.equal(missing(held, rule('get', 'pods')).length, 1)
})

test('paths are covered by themselves and by what they start with', () => {
  const held = [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/api/*'] }]
  assert.deepEqual(missing(held, { verbs: ['get'], nonResourceURLs: ['/healthz', '/api/v1', '/api/*'] }), [])
  assert.deepEqual(missing(held, { verbs: ['get', 'post'], nonResourceURLs: ['/healthz'] }), [
    '{NonResourceURLs:["/healthz"], Verbs:["post"]}',
  ])
})

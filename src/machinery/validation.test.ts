import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from './validation.ts'

test('names of DNS', () => {
  assert.deepEqual(v.isDns1123Label('my-name'), [])
  assert.deepEqual(v.isDns1123Label('a.b'), ['must not contain dots'])
  assert.deepEqual(v.isDns1123Label('A'), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ])
  assert.deepEqual(v.isDns1123Label('a'.repeat(64)), ['must be no more than 63 characters'])
  assert.deepEqual(v.isDns1123Subdomain('a.b-c.d'), [])
  assert.equal(v.isDns1123Subdomain(`${'a'.repeat(254)}_`).length, 2)
  assert.deepEqual(v.isDns1123Subdomain('a'.repeat(254), 'bytes'), ['must be no more than 253 bytes'])
  assert.equal(v.isDns1035Label('1a').length, 1)
  assert.deepEqual(v.isWildcardDns1123Subdomain('*.example.com'), [])
  assert.equal(v.isWildcardDns1123Subdomain('example.com').length, 1)
})

test('label keys and values', () => {
  assert.deepEqual(v.isQualifiedName('example.com/My_Name.1'), [])
  assert.match(v.isQualifiedName('/x')[0]!, /^prefix part must be non-empty$/)
  assert.deepEqual(v.isQualifiedName('example.com/').length, 2)
  assert.match(v.isQualifiedName('a/b/c')[0]!, /^a valid label key must consist of .* with an optional DNS subdomain prefix/)
  assert.match(v.isQualifiedName('Bad_/x')[0]!, /^prefix part a lowercase RFC 1123 subdomain/)
  assert.deepEqual(v.isQualifiedName('a'.repeat(64)), ['name part must be no more than 63 bytes'])
  assert.deepEqual(v.isValidLabelValue(''), [])
  assert.deepEqual(v.isValidLabelValue('x'.repeat(64)), ['must be no more than 63 bytes'])
  assert.equal(v.isValidLabelValue('ä').length, 1)
})

test('other names', () => {
  assert.deepEqual(v.isValidPortName('http-1'), [])
  assert.equal(v.isValidPortName('-A--').length, 4)
  assert.deepEqual(v.isValidPortNum(0), ['must be between 1 and 65535, inclusive'])
  assert.deepEqual(v.isConfigMapKey('..'), ["must not be '..'"])
  assert.deepEqual(v.isConfigMapKey('..a'), ["must not start with '..'"])
  assert.deepEqual(v.isEnvVarName('MY_VAR.x-1'), [])
  assert.equal(v.isEnvVarName('1x').length, 1)
  assert.deepEqual(v.isRelaxedEnvVarName('1 x!'), [])
  assert.equal(v.isRelaxedEnvVarName('a=b').length, 1)
  assert.deepEqual(v.isPathSegmentName('..'), ["may not be '..'"])
  assert.deepEqual(v.isPathSegmentName('a/b%'), ["may not contain '/'", "may not contain '%'"])
  assert.equal(v.isHttpHeaderName('X_Y').length, 1)
  assert.equal(v.isCIdentifier('1x').length, 1)
  assert.deepEqual(v.isValidPercent('10%'), [])
})

test('names with a domain', () => {
  assert.deepEqual(v.isFullyQualifiedName('f', 'a.b.c'), [])
  assert.match(v.isFullyQualifiedName('f', 'a.b')[0]!.message, /at least three segments/)
  assert.deepEqual(v.isFullyQualifiedDomainName('f', 'a.b.'), [])
  assert.deepEqual(v.isDomainPrefixedPath('f', 'acme.io/foo/bar'), [])
  assert.match(v.isDomainPrefixedPath('f', 'acme.io/')[0]!.message, /must be a domain-prefixed path/)
  assert.match(v.isDomainPrefixedKey('f', 'foo')[0]!.message, /must be a domain-prefixed key/)
})

test('millions of characters are checked, not choked on', () => {
  const started = performance.now()
  for (const text of ['a.'.repeat(1_000_000), 'a-'.repeat(1_000_000), `${'a'.repeat(2_000_000)}_`]) {
    assert.equal(v.isDns1123Subdomain(text).length, 2)
    assert.ok(v.isQualifiedName(text).length)
  }
  assert.ok(performance.now() - started < 3000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGoRegexp, regexpFault } from './go-regexp.ts'

test('patterns of Go match as they do there', () => {
  const cases: readonly [pattern: string, matches: readonly string[], others: readonly string[]][] = [
    ['^[A-Za-z ]+$', ['a b'], ['', 'a1']],
    ['(?i)^abc$', ['ABC'], ['abd']],
    ['^a.c$', ['a\rc'], ['a\nc']],
    ['(?s)^a.c$', ['a\nc'], []],
    ['^(?P<year>\\d{4})-[[:digit:]]{2}$', ['2026-01'], ['26-01']],
    ['^a{,3}$', ['a{,3}'], ['aa']],
    ['^\\Qa.b\\E$', ['a.b'], ['axb']],
    ['\\A\\s\\z', [' '], ['\u00a0', 'a ']],
    ['^[\\w\\-./]+$', ['a-b/c.d'], ['a b']],
    ['^\\pL+$', ['é'], ['1']],
    ['^\\_\\/$', ['_/'], ['/']],
  ]
  for (const [pattern, matches, others] of cases) {
    const compiled = compileGoRegexp(pattern)
    for (const text of matches) assert.ok(compiled.test(text), `${pattern} on ${text}`)
    for (const text of others) assert.ok(!compiled.test(text), `${pattern} not on ${text}`)
  }
})

test('patterns that Go refuses are refused in its words', () => {
  const cases: Record<string, string> = {
    '[a': 'missing closing ]: `[a`',
    '(a': 'missing closing ): `(a`',
    'a)': 'unexpected ): `a)`',
    '*a': 'missing argument to repetition operator: `*`',
    'a**': 'invalid nested repetition operator: `**`',
    'a(?=b)': 'invalid or unsupported Perl syntax: `(?=`',
    '(a)\\1': 'invalid escape sequence: `\\1`',
    'a{1001}': 'invalid repeat count: `{1001}`',
    '[z-a]': 'invalid character class range: `z-a`',
    'a\\': 'trailing backslash at end of expression: ``',
  }
  for (const [pattern, message] of Object.entries(cases)) assert.equal(regexpFault(pattern), `error parsing regexp: ${message}`)
})

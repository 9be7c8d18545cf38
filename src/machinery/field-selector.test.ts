import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFieldSelector, unknownFieldSelector } from './field-selector.ts'

test('terms are sorted and matched', () => {
  const selector = parseFieldSelector('spec.nodeName==n1,metadata.name!=a,')
  assert.deepEqual(selector.requirements, [
    { field: 'metadata.name', operator: '!=', value: 'a' },
    { field: 'spec.nodeName', operator: '=', value: 'n1' },
  ])
  const fields: Record<string, string> = { 'metadata.name': 'b', 'spec.nodeName': 'n1' }
  assert.equal(
    selector.matches((field) => fields[field] ?? ''),
    true,
  )
  assert.equal(selector.exact('spec.nodeName'), 'n1')
  assert.equal(selector.exact('metadata.name'), undefined)
  assert.equal(parseFieldSelector(',').empty, true)
})

test('values may hold escaped characters', () => {
  const selector = parseFieldSelector('a=x\\,y\\=\\\\z')
  assert.equal(selector.requirements[0]!.value, 'x,y=\\z')
  assert.equal(selector.toString(), 'a=x\\,y\\=\\\\z')
})

test('malformed selectors are refused with the reference’s words', () => {
  const cases: [string, string][] = [
    ['metadata.name in (a)', "invalid selector: 'metadata.name in (a)'; can't understand 'metadata.name in (a)'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
    ['a=\\n', 'invalid field selector: invalid escape sequence: \\n'],
  ]
  for (const [text, message] of cases) assert.throws(() => parseFieldSelector(text), { name: 'SelectorError', message })
  assert.equal(unknownFieldSelector('x'), '"x" is not a known field selector: only "metadata.name", "metadata.namespace"')
})

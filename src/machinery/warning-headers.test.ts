import assert from 'node:assert/strict'
import { test } from 'node:test'
import { warningHeaders } from './warning-headers.ts'

test('each warning once, quoted', () => {
  assert.deepEqual(warningHeaders(['a "b"', 'c\nd', 'a "b"', '']), ['299 - "a \\"b\\""', '299 - "c d"'])
  assert.deepEqual(warningHeaders(['x'.repeat(4096)]), [`299 - "${'x'.repeat(4096)}"`])
})

test('more than 4,096 characters are cut to 256 each, and those beyond are not told', () => {
  assert.deepEqual(warningHeaders(['x'.repeat(4000), 'short', '€'.repeat(300)]), [
    `299 - "${'x'.repeat(256)}"`,
    '299 - "short"',
    `299 - "${'€'.repeat(256)}"`,
  ])
  const many = warningHeaders(Array.from({ length: 100_000 }, (_, i) => `unknown field "spec.list[${i}].a"`))
  assert.ok(many.length > 100 && many.length < 200)
})

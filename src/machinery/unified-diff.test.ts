import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unifiedDiff } from './unified-diff.ts'

const lines = (count: number, change: Record<number, string> = {}): string =>
  Array.from({ length: count }, (_, i) => change[i + 1] ?? `line ${i + 1}`).join('\n')

test('the same text has no diff', () => {
  assert.equal(unifiedDiff(lines(3), lines(3)), '')
})

test('a change is shown with three lines around it', () => {
  assert.equal(
    unifiedDiff(lines(9), lines(9, { 5: 'other' })),
    '@@ -2,7 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n+other\n line 6\n line 7\n line 8\n',
  )
})

test('near changes share a hunk, far ones have their own', () => {
  const near = unifiedDiff(lines(20), lines(20, { 5: 'a', 12: 'b' }))
  assert.equal(near.match(/@@ /g)?.length, 1)
  const far = unifiedDiff(lines(20), lines(20, { 5: 'a', 13: 'b' }))
  assert.equal(far.match(/@@ -/g)?.length, 2)
})

test('lines that come or go', () => {
  assert.equal(unifiedDiff('a\nb', 'a\nb\nc'), '@@ -1,2 +1,3 @@\n a\n b\n+c\n')
  assert.equal(unifiedDiff('a', 'b'), '@@ -1 +1 @@\n-a\n+b\n')
})

test('in long texts, common lines do not anchor a match', () => {
  const before = Array.from({ length: 250 }, (_, i) => (i % 2 ? 'same' : `line ${i}`))
  const after = before.toSpliced(100, 2)
  assert.equal(unifiedDiff(before.join('\n'), after.join('\n')).split('\n')[0], '@@ -98,8 +98,6 @@')
})

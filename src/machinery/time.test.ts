import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalMicroTime, canonicalTime, formatMicroTime, formatTime, parseTime } from './time.ts'

test('times become UTC', () => {
  const cases: [string, string | null][] = [
    ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05Z'],
    ['2024-01-02T03:04:05+02:00', '2024-01-02T01:04:05Z'],
    ['2024-02-29T03:04:05.999Z', '2024-02-29T03:04:05Z'],
    ['2024-01-01T1:00:00Z', '2024-01-01T01:00:00Z'],
    ['0001-01-01T00:00:00Z', null],
  ]
  for (const [text, expected] of cases) assert.equal(canonicalTime(text), expected, text)
  assert.equal(canonicalMicroTime('2024-01-02T03:04:05.678901+01:00'), '2024-01-02T02:04:05.678901Z')
  assert.equal(parseTime('2024-01-02T03:04:05.123Z'), Date.UTC(2024, 0, 2, 3, 4, 5, 123))
  assert.equal(formatTime(1_700_000_000_999), '2023-11-14T22:13:20Z')
  assert.equal(formatMicroTime(1_700_000_000_123.5), '2023-11-14T22:13:20.123500Z')
})

test('what is no time is refused with Go’s words', () => {
  const layout = ' as "2006-01-02T15:04:05Z07:00": cannot parse '
  const cases: [string, string][] = [
    ['x', `parsing time "x"${layout}"x" as "2006"`],
    ['2024-01-02', `parsing time "2024-01-02"${layout}"" as "T"`],
    ['2024-1-2T00:00:00Z', `parsing time "2024-1-2T00:00:00Z"${layout}"1-2T00:00:00Z" as "01"`],
    ['2024-01-02T03:04:05', `parsing time "2024-01-02T03:04:05"${layout}"" as "Z07:00"`],
    ['2024-13-02T03:04:05Z', 'parsing time "2024-13-02T03:04:05Z": month out of range'],
    ['2023-02-29T03:04:05Z', 'parsing time "2023-02-29T03:04:05Z": day out of range'],
    ['2024-01-02T24:04:05Z', 'parsing time "2024-01-02T24:04:05Z": hour out of range'],
    ['2024-01-02T03:04:05Zx', 'parsing time "2024-01-02T03:04:05Zx": extra text: "x"'],
  ]
  for (const [text, message] of cases) assert.throws(() => canonicalTime(text), { name: 'TimeError', message })
  assert.throws(() => canonicalMicroTime('2024-01-02T03:04:05Z'), {
    message: 'parsing time "2024-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
  })
})

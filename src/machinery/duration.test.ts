import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, humanDuration, parseDuration, parseDurationMs, shortHumanDuration } from './duration.ts'

test('durations are read and printed as Go does', () => {
  const cases: Record<string, string> = {
    '1h30m': '1h30m0s',
    '1.5s': '1.5s',
    '100ms': '100ms',
    '1.5us': '1.5µs',
    '7ns': '7ns',
    '-2m': '-2m0s',
    '.5h': '30m0s',
    0: '0s',
    '9223372036854775807ns': '2562047h47m16.854775807s',
    '-9223372036854775808ns': '-2562047h47m16.854775808s',
  }
  for (const [text, printed] of Object.entries(cases)) assert.equal(formatDuration(parseDuration(text)), printed, text)
  assert.equal(parseDurationMs('1m0.25s'), 60_250)
})

test('what is no duration is refused', () => {
  const cases: [string, string][] = [
    ['', 'time: invalid duration ""'],
    ['.s', 'time: invalid duration ".s"'],
    ['1', 'time: missing unit in duration "1"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['é', 'time: invalid duration "\\xc3\\xa9"'],
    ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
  ]
  for (const [text, message] of cases) assert.throws(() => parseDuration(text), { name: 'DurationError', message })
})

test('ages', () => {
  const second = 1000
  const hour = 3600 * second
  const day = 24 * hour
  const cases: [number, string, string][] = [
    [-3 * second, '<invalid>', '<invalid>'],
    [-1 * second, '0s', '0s'],
    [119 * second, '119s', '1m'],
    [125 * second, '2m5s', '2m'],
    [10 * 60 * second, '10m', '10m'],
    [hour * 3 + 60 * second, '3h1m', '3h'],
    [8 * hour, '8h', '8h'],
    [50 * hour, '2d2h', '2d'],
    [8 * day, '8d', '8d'],
    [800 * day, '2y70d', '2y'],
    [9 * 365 * day, '9y', '9y'],
  ]
  for (const [ms, long, short] of cases) {
    assert.equal(humanDuration(ms), long)
    assert.equal(shortHumanDuration(ms), short)
  }
})

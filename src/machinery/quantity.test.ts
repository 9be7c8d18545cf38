import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalQuantity, parseQuantity, Quantity } from './quantity.ts'

test('texts become canonical', () => {
  const cases: Record<string, string> = {
    0: '0',
    0.5: '500m',
    1.5: '1500m',
    '100m': '100m',
    '1000m': '1',
    '128Mi': '128Mi',
    '1024Mi': '1Gi',
    '1.5Gi': '1536Mi',
    '0.5Mi': '512Ki',
    '0.5Ki': '512',
    '1.25Ki': '1280',
    1000000: '1M',
    '5000k': '5M',
    '1e3': '1e3',
    '1E5': '100e3',
    '1.1e5': '110e3',
    '0.1n': '1n',
    '-0.1n': '-1n',
    '0.0001Ki': '102400u',
    '8Ei': '9223372036854775807',
    '123456789012345678901234567890': '123456789012345678901234567890',
    '1e1000000000': '10e999999999',
    '-': '0',
    '.5': '500m',
    '+1': '+1',
  }
  for (const [text, expected] of Object.entries(cases)) assert.equal(canonicalQuantity(text), expected, text)
  assert.equal(canonicalQuantity(2), '2')
  assert.equal(canonicalQuantity(null), '0')
  assert.equal(canonicalQuantity(' 1Gi '), '1Gi')
})

test('what is no quantity is refused', () => {
  const pattern = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  for (const text of ['', 'abc', '5x', '1 Mi', '1.2.3']) assert.throws(() => parseQuantity(text), { message: pattern })
  for (const text of ['5ki', '1Mi2', '5e', '1e99999999999999999999']) {
    assert.throws(() => parseQuantity(text), { message: "unable to parse quantity's suffix" })
  }
  assert.throws(() => canonicalQuantity(true), { message: pattern })
  const started = performance.now()
  assert.throws(() => parseQuantity('1'.repeat(1_000_000)), { message: 'unable to parse numeric part of quantity' })
  assert.ok(performance.now() - started < 500)
})

test('arithmetic keeps the format', () => {
  const gibi = parseQuantity('1Gi')
  assert.equal(gibi.add(parseQuantity('1Mi')).toString(), '1025Mi')
  assert.equal(gibi.sub(gibi).toString(), '0')
  assert.equal(Quantity.of(0).add(parseQuantity('2Ki')).toString(), '2Ki')
  assert.equal(parseQuantity('100m').add(parseQuantity('900m')).toString(), '1')
  assert.equal(parseQuantity('1').sub(parseQuantity('1500m')).toString(), '-500m')
  assert.equal(Quantity.ofMilli(1500).toString(), '1500m')
})

test('comparison and rounding', () => {
  assert.equal(parseQuantity('1Gi').compare(parseQuantity('1e9')), 1)
  assert.equal(parseQuantity('1000m').compare(parseQuantity('1')), 0)
  assert.equal(parseQuantity('-2').compare(parseQuantity('-1')), -1)
  assert.equal(parseQuantity('1e1000000000').compare(parseQuantity('1')), 1)
  assert.equal(parseQuantity('1.5').value(), 2n)
  assert.equal(parseQuantity('-1.5').value(), -2n)
  assert.equal(parseQuantity('1.5').milliValue(), 1500n)
  assert.equal(parseQuantity('1e30').value(), 2n ** 63n - 1n)
  assert.equal(parseQuantity('-3').sign, -1)
})

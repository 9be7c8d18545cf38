import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCidr, formatIp, parseCidr, parseIp } from './ip-address.ts'
import { isValidCIDR, isValidInterfaceAddress, isValidIP, warningsForCIDR, warningsForIP } from './ip-address-validation.ts'

test('addresses are read as leniently as fields have always been', () => {
  const cases: [string, string | undefined, boolean][] = [
    ['1.2.3.4', '1.2.3.4', true],
    ['01.2.3.4', '1.2.3.4', false],
    ['1.2.3.256', undefined, false],
    ['::', '::', true],
    ['2001:DB8::0:1', '2001:db8::1', true],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', true],
    ['1:2:3:4:5:6:7:8::', undefined, false],
    ['::ffff:1.2.3.4', '1.2.3.4', true],
    ['::1.2.3.4', '::102:304', true],
    ['fe80::1%eth0', undefined, false],
    ['00001::', '1::', false],
    [':::', undefined, false],
    ['1:', undefined, false],
  ]
  for (const [text, printed, strict] of cases) {
    const address = parseIp(text)
    assert.equal(address && formatIp(address), printed, text)
    assert.equal(parseIp(text, true) !== undefined, strict, text)
  }
})

test('ranges lose the bits beyond their prefix', () => {
  assert.equal(formatCidr(parseCidr('10.1.2.3/8')!), '10.0.0.0/8')
  assert.equal(formatCidr(parseCidr('2001:db8::ff/121')!), '2001:db8::80/121')
  assert.equal(parseCidr('10.0.0.0/33'), undefined)
  assert.equal(parseCidr('10.0.0.0'), undefined)
  assert.equal(parseCidr('10.0.0.0/08', true), undefined)
})

test('messages and warnings', () => {
  assert.equal(
    isValidIP('f', 'x')[0]!.message,
    'Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  )
  assert.deepEqual(isValidCIDR('f', '10.1.0.0/8'), [])
  assert.match(isValidInterfaceAddress('f', '10.0.0.1/08')[0]!.message, /must be in canonical form \("10.0.0.1\/8"\)$/)
  assert.deepEqual(warningsForIP('f', '1.2.3.4'), [])
  assert.match(warningsForIP('f', '01.2.3.4')[0]!, /^f: non-standard IP address "01.2.3.4" will be considered invalid/)
  assert.match(
    warningsForCIDR('f', '10.1.0.0/8')[0]!,
    /ambiguous in this context \(should be "10.0.0.0\/8" or "10.1.0.0\/32"\?\)$/,
  )
})

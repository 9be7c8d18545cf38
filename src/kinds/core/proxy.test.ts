import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isGlobalUnicast, numericPort, splitTarget } from './proxy.ts'

test('paths name a target with its scheme and port', () => {
  assert.deepEqual(splitTarget('n'), { scheme: 'http', name: 'n', port: '' })
  assert.deepEqual(splitTarget('n:80'), { scheme: 'http', name: 'n', port: '80' })
  assert.deepEqual(splitTarget('https:n:web'), { scheme: 'https', name: 'n', port: 'web' })
  assert.deepEqual(splitTarget(':n:'), { scheme: 'http', name: 'n', port: '' })
  for (const bad of ['', ':80', 'ftp:n:80', 'https:n:80:x', 'http::80']) assert.equal(splitTarget(bad), undefined, bad)
})

test('ports are numbers', () => {
  assert.equal(numericPort('80'), 80)
  for (const bad of ['0', '65536', 'http', '-1', '']) assert.throws(() => numericPort(bad), { code: 503 })
})

test('proxies do not lead to this machine or its links', () => {
  for (const ip of ['10.0.0.1', '192.168.1.1', '8.8.8.8', 'fd00::1', '2001:db8::1']) assert.equal(isGlobalUnicast(ip), true, ip)
  const refused = [
    '',
    'x',
    '0.0.0.0',
    '127.0.0.1',
    '127.1.2.3',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'ff02::1',
  ]
  for (const ip of refused) assert.equal(isGlobalUnicast(ip), false, ip)
  assert.equal(isGlobalUnicast('::ffff:127.0.0.1'), false)
})

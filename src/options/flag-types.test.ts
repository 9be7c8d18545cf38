import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { featureEnabled, featureGateLines, featureGateMap } from './feature-gates.ts'
import type { FlagType } from './flag.ts'
import * as types from './flag-types.ts'
import { parseNetwork } from './networks.ts'

/** What a flag given these values, one after the other, ends up as. */
const read = <T>(type: FlagType<T>, ...texts: string[]): T | undefined =>
  texts.reduce<T | undefined>((soFar, text) => type.parse(text, soFar), undefined)

const fails = <T>(type: FlagType<T>, text: string, message: string): void =>
  assert.throws(() => type.parse(text, undefined), { message })

suite('flag types', () => {
  test('strings add up and are split at commas', () => {
    assert.deepEqual(read(types.strings, 'a,b', '"c,d"', ''), ['a', 'b', 'c,d'])
    assert.equal(types.strings.format(['a', 'b,c']), '[a,"b,c"]')
    fails(types.strings, 'a,b"', 'parse error on line 1, column 4: bare " in non-quoted-field')
  })

  test('string arrays add up and keep commas', () => {
    assert.deepEqual(read(types.stringArray, 'a,b', 'c'), ['a,b', 'c'])
  })

  test('other scalar flags take the last value', () => {
    assert.equal(read(types.string, 'a', 'b'), 'b')
    assert.equal(read(types.int, '1', '0x10'), 16)
    assert.equal(read(types.duration, '1s', '1m'), 60_000)
    assert.equal(read(types.bool, 'true', 'F'), false)
    assert.equal(read(types.level, '4'), 4)
  })

  test('IP addresses', () => {
    assert.equal(read(types.ip, ' 10.0.0.1 '), '10.0.0.1')
    assert.equal(read(types.ip, '2001:DB8:0:0::1'), '2001:db8::1')
    assert.equal(read(types.ip, '::ffff:10.0.0.1'), '10.0.0.1')
    assert.equal(read(types.ip, '10.0.0.1', ''), '10.0.0.1')
    for (const text of ['10.0.0', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', 'localhost']) {
      fails(types.ip, text, `failed to parse IP: ${JSON.stringify(text)}`)
    }
    assert.equal(types.ip.format(''), '<nil>')
  })

  test('port ranges', () => {
    assert.deepEqual(read(types.portRange, '30000-32767'), { base: 30000, size: 2768 })
    assert.deepEqual(read(types.portRange, '80+2'), { base: 80, size: 3 })
    assert.deepEqual(read(types.portRange, '80'), { base: 80, size: 1 })
    assert.deepEqual(read(types.portRange, ''), { base: 0, size: 0 })
    assert.equal(types.portRange.format({ base: 80, size: 3 }), '80-82')
    fails(types.portRange, '80-70', 'end port cannot be less than start port: 80-70')
    fails(types.portRange, '80-70000', 'the port range cannot be greater than 65535: 80-70000')
    fails(types.portRange, '80-90+5', 'unable to parse port range: 80-90+5')
    fails(types.portRange, 'a-b', 'strconv.Atoi: parsing "a": invalid syntax')
  })

  test('maps', () => {
    assert.deepEqual(
      { ...read(types.configurationMap, 'api/all=false, v1=true', 'apps/v1,,') },
      { 'api/all': 'false', v1: 'true', 'apps/v1': '' },
    )
    assert.deepEqual({ ...read(types.mapStringString, 'a=b,c', 'd = e=f') }, { a: 'b,c', d: 'e=f' })
    fails(types.mapStringString, 'a', 'malformed pair, expect string=string')
    assert.deepEqual(
      { ...read(types.stringToString, 'a=1,2', 'b=3,c=4', '"d=5,6","e=7"') },
      { a: '1,2', b: '3', c: '4', d: '5,6', e: '7' },
    )
    fails(types.stringToString, 'a', 'a must be formatted as key=value')
    fails(types.stringToString, 'a=1,b,c=2', 'b must be formatted as key=value')
    assert.equal(types.configurationMap.format({ b: '1', a: '' }), 'a=,b=1')
    const hostile = types.configurationMap.parse('__proto__=true', undefined)
    assert.deepEqual(Object.keys(hostile), ['__proto__'])
    assert.equal(Object.getPrototypeOf(types.configurationMap.parse('a=1', hostile)), Object.prototype)
  })

  test('named certificates', () => {
    assert.deepEqual(read(types.namedCertKeys, 'a.crt, a.key', 'b.crt,b.key: *.b.com,b.com'), [
      { certFile: 'a.crt', keyFile: 'a.key', names: [] },
      { certFile: 'b.crt', keyFile: 'b.key', names: ['*.b.com', 'b.com'] },
    ])
    fails(types.namedCertKeys, 'a.crt', 'expected comma separated certificate and key file paths')
    fails(types.namedCertKeys, 'a.crt,a.key:', 'empty names list is not allowed')
  })

  test('verbosity of modules', () => {
    assert.deepEqual(read(types.moduleVerbosities, 'a=1,b*=2,'), [
      { pattern: 'a', verbosity: 1 },
      { pattern: 'b*', verbosity: 2 },
    ])
    fails(types.moduleVerbosities, 'a', '"a" does not have the pattern=N format')
    fails(types.moduleVerbosities, 'a=x', 'parsing verbosity in "a=x": strconv.ParseUint: parsing "x": invalid syntax')
  })

  test('quantities and numbers of curves', () => {
    for (const text of ['0', '512', '1K'.toLowerCase(), '2Ki', '1.5Gi', '3e2', '3M'])
      assert.equal(read(types.quantity, text), text)
    fails(types.quantity, '1KB', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    assert.deepEqual(read(types.int32Slice, '29,23', '24'), [29, 23, 24])
    fails(types.int32Slice, '29,', 'strconv.ParseInt: parsing "": invalid syntax')
  })

  test('networks', () => {
    assert.deepEqual(parseNetwork('10.0.3.7/22'), { family: 4, prefix: 22, hostBits: 10, cidr: '10.0.0.0/22' })
    assert.equal(parseNetwork('fd00:1:2:3:4::1/64')?.cidr, 'fd00:1:2:3::/64')
    assert.equal(parseNetwork('FD00::/108')?.cidr, 'fd00::/108')
    assert.equal(parseNetwork('::/0')?.cidr, '::/0')
    assert.equal(parseNetwork('0.0.0.0/0')?.cidr, '0.0.0.0/0')
    assert.equal(parseNetwork('64:ff9b::192.0.2.33/96')?.cidr, '64:ff9b::/96')
    for (const text of [
      '',
      '10.0.0.0',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0/8',
      '::/129',
      '10.0.0.0/08',
      'a/b',
      '1.2.3.4/8/9',
    ]) {
      assert.equal(parseNetwork(text), undefined, text)
    }
  })
})

suite('feature gates', () => {
  test('are set with or without the component, the last one wins', () => {
    assert.deepEqual(
      { ...read(featureGateMap, 'WatchList=false,kube:CBORServingAndStorage=1', ' kube : WatchList = T ', ':SELinuxMount=true') },
      { WatchList: true, CBORServingAndStorage: true, SELinuxMount: true },
    )
    assert.equal(featureGateMap.format({ B: true, A: false }), 'kube:A=false,kube:B=true')
  })

  test('must be known and have a boolean', () => {
    fails(featureGateMap, 'Nope=true', 'unrecognized feature gate: Nope')
    fails(featureGateMap, 'WatchList', 'missing bool value for WatchList')
    fails(
      featureGateMap,
      'WatchList=yes',
      'invalid value of WatchList=yes, err: strconv.ParseBool: parsing "yes": invalid syntax',
    )
    fails(featureGateMap, 'wardle:A=true', 'component not registered: wardle')
  })

  test('those of finished features may be on only', () => {
    assert.deepEqual(
      { ...read(featureGateMap, 'MutatingAdmissionPolicy=true,WatchList=false') },
      { MutatingAdmissionPolicy: true, WatchList: false },
    )
    fails(
      featureGateMap,
      'MutatingAdmissionPolicy=false',
      'cannot set feature gate MutatingAdmissionPolicy to false, feature is locked to true',
    )
    assert.ok(!featureGateLines().some((line) => line.includes('MutatingAdmissionPolicy')))
  })

  test('AllAlpha and AllBeta stand for those without a setting', () => {
    assert.equal(featureEnabled({}, 'WatchList'), true)
    assert.equal(featureEnabled({ WatchList: false }, 'WatchList'), false)
    assert.equal(featureEnabled({ AllAlpha: true }, 'MemoryQoS'), true)
    assert.equal(featureEnabled({ AllAlpha: true, MemoryQoS: false }, 'MemoryQoS'), false)
    assert.equal(featureEnabled({ AllAlpha: true }, 'SELinuxMount'), false)
    assert.equal(featureEnabled({ AllBeta: true }, 'SELinuxMount'), true)
    assert.equal(featureEnabled({ AllBeta: false }, 'WatchList'), false)
    assert.throws(() => featureEnabled({}, 'Nope'))
  })
})

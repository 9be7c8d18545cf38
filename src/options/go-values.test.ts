import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  formatCsv,
  formatDuration,
  parseBool,
  parseCsv,
  parseDecimal,
  parseDuration,
  parseFloating,
  parseInteger,
  parseUnsigned,
  parseVerbosity,
} from './go-values.ts'

const fails = (read: () => unknown, message: string): void => assert.throws(read, { message })

suite('values as Go reads them', () => {
  test('booleans', () => {
    for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) assert.equal(parseBool(text), true, text)
    for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) assert.equal(parseBool(text), false, text)
    for (const text of ['', 'yes', 'tRUE', 'on', ' true', 'true\n']) {
      fails(() => parseBool(text), `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
    }
  })

  test('integers', () => {
    const good = { 0: 0, 42: 42, '-7': -7, '+7': 7, '0x1F': 31, '0b101': 5, '0o17': 15, '017': 15, '1_000': 1000, '0x_ff': 255 }
    for (const [text, value] of Object.entries(good)) assert.equal(parseInteger(text, 64), value, text)
    for (const text of ['', '-', 'a', '1.5', '1__0', '_1', '1_', '08', '0x', '1 ', '٣', '1e3']) {
      fails(() => parseInteger(text, 64), `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
    }
    assert.equal(parseInteger('-9223372036854775808', 64), -(2 ** 63))
    fails(() => parseInteger('9223372036854775808', 64), 'strconv.ParseInt: parsing "9223372036854775808": value out of range')
    assert.equal(parseInteger('2147483647', 32), 2147483647)
    fails(() => parseInteger('2147483648', 32), 'strconv.ParseInt: parsing "2147483648": value out of range')
  })

  test('unsigned, decimal and verbosity numbers', () => {
    assert.equal(parseUnsigned('0x10'), 16)
    fails(() => parseUnsigned('-1'), 'strconv.ParseUint: parsing "-1": invalid syntax')
    fails(() => parseUnsigned('18446744073709551616'), 'strconv.ParseUint: parsing "18446744073709551616": value out of range')
    assert.equal(parseDecimal('+010'), 10)
    fails(() => parseDecimal('0x10'), 'strconv.Atoi: parsing "0x10": invalid syntax')
    fails(() => parseDecimal('9223372036854775808'), 'strconv.Atoi: parsing "9223372036854775808": value out of range')
    assert.equal(parseVerbosity('2147483647'), 2147483647)
    fails(() => parseVerbosity('2147483648'), 'strconv.ParseUint: parsing "2147483648": value out of range')
    fails(() => parseVerbosity('-1'), 'strconv.ParseUint: parsing "-1": invalid syntax')
  })

  test('floats', () => {
    const good = { '0.01': 0.01, '.5': 0.5, '5.': 5, '-1e-3': -0.001, inf: Infinity, '-Inf': -Infinity }
    for (const [text, value] of Object.entries(good)) assert.equal(parseFloating(text), value, text)
    assert.ok(Number.isNaN(parseFloating('NaN')))
    for (const text of ['', '.', 'x', '1,5', '1e']) {
      fails(() => parseFloating(text), `strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
    }
    fails(() => parseFloating('1e400'), 'strconv.ParseFloat: parsing "1e400": value out of range')
  })

  test('durations', () => {
    const good = {
      0: 0,
      '-0': 0,
      '1s': 1000,
      '1h2m3.5s': 3_723_500,
      '1m1m': 120_000,
      '.5s': 500,
      '1.s': 1000,
      '-1.5h': -5_400_000,
      '+3ms': 3,
      '1ns': 1e-6,
      '2us': 0.002,
      '2µs': 0.002,
      '2μs': 0.002,
      '2540400h10m10s': 9_145_440_610_000,
    }
    for (const [text, value] of Object.entries(good)) assert.equal(parseDuration(text), value, text)
    for (const text of ['', '-', 's', '.s', 'five', '9223372036854775808ns', '3000000h', '+-1s']) {
      fails(() => parseDuration(text), `time: invalid duration ${JSON.stringify(text)}`)
    }
    fails(() => parseDuration('10'), 'time: missing unit in duration "10"')
    fails(() => parseDuration('1s5'), 'time: missing unit in duration "1s5"')
    fails(() => parseDuration('1d'), 'time: unknown unit "d" in duration "1d"')
    fails(() => parseDuration('1s x'), 'time: unknown unit "s x" in duration "1s x"')
    fails(() => parseDuration('3constructor'), 'time: unknown unit "constructor" in duration "3constructor"')
    assert.equal(parseDuration('-9223372036854775808ns'), -(2 ** 63) / 1e6)
  })

  test('durations are printed as Go prints them', () => {
    const printed = {
      '0s': 0,
      '1ns': 1e-6,
      '1.1µs': 0.0011,
      '2.5ms': 2.5,
      '1.5s': 1500,
      '30s': 30_000,
      '1m0s': 60_000,
      '5m30.5s': 330_500,
      '1h0m0s': 3_600_000,
      '-2h0m1s': -7_201_000,
      '200ms': 200,
    }
    for (const [text, value] of Object.entries(printed)) assert.equal(formatDuration(value), text)
  })

  test('comma-separated records', () => {
    assert.deepEqual(parseCsv(''), [])
    assert.deepEqual(parseCsv('a,b,,c'), ['a', 'b', '', 'c'])
    assert.deepEqual(parseCsv(','), ['', ''])
    assert.deepEqual(parseCsv(' a , b '), [' a ', ' b '])
    assert.deepEqual(parseCsv('"a,b","say ""hi""",c'), ['a,b', 'say "hi"', 'c'])
    assert.deepEqual(parseCsv('"a,b"'), ['a,b'])
    assert.deepEqual(parseCsv('first,line\nsecond'), ['first', 'line'])
    assert.deepEqual(parseCsv('"two\nlines",b'), ['two\nlines', 'b'])
    fails(() => parseCsv('a"b'), 'parse error on line 1, column 2: bare " in non-quoted-field')
    fails(() => parseCsv('x,"a"b'), 'parse error on line 1, column 5: extraneous or missing " in quoted-field')
    fails(() => parseCsv('"ab'), 'parse error on line 1, column 4: extraneous or missing " in quoted-field')
    fails(() => parseCsv('\n'), 'EOF')
    for (const fields of [['a', 'b,c', 'd"e'], [''], [' x']])
      assert.deepEqual(parseCsv(formatCsv(fields)), fields[0] === '' ? [] : fields)
  })
})

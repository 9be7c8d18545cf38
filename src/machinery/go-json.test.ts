import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindUnreadable, parseJson, parseJsonDocument, stringifyJson, summarizeBody, unrecognizedBody } from './go-json.ts'

const parse = (text: string): unknown => parseJson(Buffer.from(text))

test('malformed JSON is refused with Go’s words', () => {
  const cases: [string, string][] = [
    ['', 'unexpected end of JSON input'],
    ['   ', 'unexpected end of JSON input'],
    ['{"a":1,', 'unexpected end of JSON input'],
    ['{"a":"b', 'unexpected end of JSON input'],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['"a\tb"', "invalid character '\\t' in string literal"],
    ['"\x01"', "invalid character '\\x01' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['- op', "invalid character ' ' in numeric literal"],
    ['[1.]', "invalid character ']' after decimal point in numeric literal"],
    ['[1e]', "invalid character ']' in exponent of numeric literal"],
    ['tru', "invalid character ' ' in literal true (expecting 'e')"],
    ['nope', "invalid character 'o' in literal null (expecting 'u')"],
    ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
  ]
  for (const [text, message] of cases) assert.throws(() => parse(text), { name: 'GoJsonError', message }, text)
})

test('nesting is bounded, whatever nests', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    assert.doesNotThrow(() => parse(open.repeat(10_000) + (open === '[' ? '' : '1.5') + close.repeat(10_000)))
    assert.throws(() => parse(`${open.repeat(10_001)}1${close.repeat(10_001)}`), {
      message: `invalid character '${open[0]}' exceeded max depth`,
    })
  }
  assert.doesNotThrow(() => parse(JSON.stringify({ text: '[{"\\'.repeat(20_000) })))
})

test('broken text becomes U+FFFD as in Go', () => {
  assert.deepEqual(parse('["\\ud800","\\ud83d\\ude00"]'), ['\ufffd', '😀'])
  assert.deepEqual(parse('{"\\udc00":1.0}'), { '\ufffd': 1 })
  assert.equal(parseJson(Buffer.from([0x22, 0xe2, 0x82, 0x22])), '\ufffd\ufffd')
})

test('integers of 64 bits survive', () => {
  const text = '{"a":9223372036854775807,"b":[-9007199254740993],"c":1}'
  assert.equal(stringifyJson(parse(text)), text)
  assert.equal((parse(text) as { a: unknown }).a, 9223372036854775807n)
})

test('literals of odd numbers are kept beside the value', () => {
  const { value, literals } = parseJsonDocument(Buffer.from('{"a":1.0,"b":{"c":[1e3,5]},"image":"nginx:1.27"}'))
  assert.deepEqual(value, { a: 1, b: { c: [1000, 5] }, image: 'nginx:1.27' })
  const object = value as { b: { c: number[] } }
  assert.equal(literals!.get(object)!.get('a'), '1.0')
  assert.equal(literals!.get(object.b.c)!.get('0'), '1e3')
  assert.equal(parseJsonDocument(Buffer.from('{"a":1,"image":"nginx:1.27"}')).literals, undefined)
})

test('bodies are summed up', () => {
  assert.equal(summarizeBody(Buffer.alloc(0)), '<empty>')
  assert.equal(summarizeBody(Buffer.from('   ')), '202020')
  assert.equal(summarizeBody(Buffer.from(`{"apiVersion":"v1","kind":"ConfigMap"}`)), '{"apiVersion":"v1","kind":"Con ...')
  const body = Buffer.from('{')
  assert.throws(
    () => {
      try {
        parseJson(body)
      } catch (error) {
        throw unrecognizedBody('Pod', kindUnreadable(error as Error), body)
      }
    },
    {
      message:
        "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: unexpected end of JSON input ({)",
    },
  )
})

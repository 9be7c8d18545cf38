import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CompileError } from './errors.ts'
import { fromJson } from './json-values.ts'
import { kubernetes } from './kubernetes.ts'
import { BOOL, DYN, INT, listType, mapType, objectType, optionalType, STRING, TIMESTAMP } from './types.ts'
import { typeOf } from './values.ts'

const PERSON = objectType('Person', { name: STRING, age: INT, tags: listType(STRING), born: TIMESTAMP, alive: BOOL })
const VARIABLES = {
  x: DYN,
  person: PERSON,
  maybe: optionalType(STRING),
  numbers: listType(INT),
  labels: mapType(STRING, STRING),
  'a.b': INT,
}
const environment = kubernetes.extend({ variables: VARIABLES, types: { Person: PERSON } })

const values = {
  x: fromJson({ n: 1, d: 1.5, s: 'text', list: [1, 'a', null], map: { k: { v: true } }, nothing: null, big: 2n ** 60n + 1n }),
  person: fromJson({ name: 'ann', age: 7, tags: ['a'], born: '2020-02-29T10:00:00.5Z' }, PERSON),
  maybe: environment.compile("optional.of('there')").evaluate({}).value,
  numbers: fromJson([3, 1, 2], listType(INT)),
  labels: fromJson({ a: 'x', 'b/c': 'y' }, mapType(STRING, STRING)),
  'a.b': 5n,
}

/** What an expression evaluates to, as text; or the error. */
function result(source: string): string {
  try {
    const { value } = environment.compile(`string(${source})`).evaluate(values)
    return String(value)
  } catch (error) {
    if (error instanceof CompileError && /'string' applied to/.test(error.message)) return formatted(source)
    return error instanceof CompileError ? error.message.split('\n')[0]! : `error: ${(error as Error).message}`
  }
}

function formatted(source: string): string {
  try {
    return String(environment.compile(`'%s'.format([${source}])`).evaluate(values).value)
  } catch (error) {
    if (error instanceof CompileError) return error.message.split('\n')[0]!
    return `error: ${(error as Error).message}`
  }
}

function all(cases: Readonly<Record<string, string>>): void {
  for (const [source, wanted] of Object.entries(cases)) assert.equal(result(source), wanted, source)
}

suite('values', () => {
  test('integers', () =>
    all({
      '1 + 2 * 3 - 4 / 2 % 2': '7',
      '-7 / 2': '-3',
      '-7 % 3': '-1',
      '9223372036854775807 + 1': 'error: integer overflow',
      '-9223372036854775808': '-9223372036854775808',
      '-(-9223372036854775808)': 'error: integer overflow',
      '9223372036854775808': 'ERROR: <input>:1:8: invalid int literal',
      '0xff + 0xFFu': "ERROR: <input>:1:13: found no matching overload for '_+_' applied to '(int, uint)'",
      '1 / (x.n - 1)': 'error: division by zero',
      '1 % (x.n - 1)': 'error: modulus by zero',
      'x.big': '1152921504606846977',
      '5u - 6u': 'error: unsigned integer overflow',
      'uint(-1)': 'error: unsigned integer overflow',
      "int('x')": "error: type conversion error from 'string' to 'int'",
      'int(1e30)': 'error: integer overflow',
    }))

  test('doubles', () =>
    all({
      '1.0': '1',
      '1e6': '1e+06',
      '123456.75': '123456.75',
      '1.0 / 0.0': '+Inf',
      '0.0 / 0.0 == 0.0 / 0.0': 'false',
      "double('1.5e3')": '1500',
      '-0.0': '-0',
      '1e-7': '1e-07',
      'x.d': '1.5',
      '.5': '0.5',
    }))

  test('numbers compare across types where the types are not known', () =>
    all({
      '1 < 1.5 && 2u > 1 && 1.0 <= 1u': 'true',
      'dyn(1) == 1.0 && dyn(1u) == 1 && dyn(1) != dyn("1")': 'true',
      '1 == 1.0': "ERROR: <input>:1:10: found no matching overload for '_==_' applied to '(int, double)'",
      '{1: "x"}[1u]': "ERROR: <input>:1:16: found no matching overload for '_[_]' applied to '(map(int, string), uint)'",
      '{1: "x"}[dyn(1u)]': 'x',
      '[1, 2].exists(i, dyn(i) == 2.0)': 'true',
      '9007199254740993 == int("9007199254740993") && dyn(9007199254740993) != 9007199254740992.0': 'true',
    }))

  test('texts and bytes', () =>
    all({
      "'\u{1f600}'.size()": '1',
      "'a\\u00e9\\U0001F600\\x41\\101\\n'.size()": '6',
      "r'\\n'": '\\n',
      '"""a"b"""': 'a"b',
      "b'\\xff'.size()": '1',
      "bytes('\u00e9').size()": '2',
      "string(b'\\xff')": 'error: invalid UTF-8 in bytes, cannot convert to string',
      "'\\ud800'": 'ERROR: <input>:1:8: invalid unicode code point',
      "'\uffff' < '\u{10000}'": 'true',
      "'abc'.substring(1, 2) + 'abc'.charAt(3)": 'b',
      "'a,b,,c'.split(',', 2)": '["a", "b,,c"]',
      "'tacocat'.lastIndexOf('c', 3)": '2',
      "'abc'.replace('', '-', 2)": '-a-bc',
      "' \\u00a0x\\t'.trim()": 'x',
      "strings.quote('a\\n\"')": '"a\\n\\""',
      "'\u00c4B'.lowerAscii()": '\u00c4b',
    }))

  test('times', () =>
    all({
      "timestamp('2024-02-29T12:00:00.250Z')": '2024-02-29T12:00:00.25Z',
      "timestamp('2024-02-29T12:00:00+02:00')": '2024-02-29T10:00:00Z',
      "timestamp('2024-02-29T12:00:00Z') + duration('1h30m')": '2024-02-29T13:30:00Z',
      "timestamp('2024-01-01T00:00:00Z').getFullYear('America/New_York')": '2023',
      "timestamp('2024-01-01T00:00:00Z').getHours('-01:30')": '22',
      "timestamp('2024-03-01T00:00:00Z').getDayOfYear()": '60',
      "timestamp('2024-03-01T00:00:00Z').getDate() - timestamp('2024-03-01T00:00:00Z').getDayOfMonth()": '1',
      "timestamp('2024-03-03T00:00:00Z').getDayOfWeek()": '0',
      "duration('1h1.5s')": '3601.5s',
      "duration('90m').getHours()": '1',
      "int(timestamp('1969-12-31T23:59:59.5Z'))": '-1',
      'timestamp(string(x.s))': "error: type conversion error from 'string' to 'google.protobuf.Timestamp'",
      "timestamp('nonsense')": 'ERROR: <input>:1:18: invalid timestamp argument',
      "duration('1x')": 'ERROR: <input>:1:17: invalid duration argument',
      "timestamp('9999-12-31T23:59:59Z') + duration('1s')": 'error: timestamp overflow',
      'person.born.getMilliseconds()': '500',
    }))

  test('lists and maps', () =>
    all({
      '[1, 2] + [3]': '[1, 2, 3]',
      '[1, 2][2]': 'error: index out of bounds: 2',
      '[1, 2][-1]': 'error: index out of bounds: -1',
      "{'a': 1}['b']": 'error: no such key: b',
      "{'a': 1, 'a': 2}": 'error: Failed with repeated key',
      "{'a': 1}.a": '1',
      '2 in [1, 2] && !("b" in {"a": 1})': 'true',
      "'%s'.format([[1, 'a', [2]]])": '[1, "a", [2]]',
      'x.list[1] + x.list[1]': 'aa',
      'x.list[2]': 'error: no such overload: string(null_type)',
      "[{'a': 1}] == [{'a': 1}] && [] == []": 'true',
      "labels['b/c'] + labels.a": 'yx',
      '[3, 1, 2].sort()': '[1, 2, 3]',
      "[{'n': 2}, {'n': 1}].sortBy(e, e.n)[0].n": '1',
      'numbers.max() - numbers.min() + numbers.sum()': '8',
      '[].sum()': '0',
      "['b', 'a'].isSorted()": 'false',
      '[1, 2, 1].indexOf(3) + [1, 2, 1].lastIndexOf(1)': '1',
      'sets.equivalent([1, 1, 2], [2, 1]) && sets.intersects([1], [1, 2]) && !sets.contains([1], [2])': 'true',
      '[[1, 2], [3]].flatten().reverse()': '[3, 2, 1]',
      'lists.range(3)': '[0, 1, 2]',
      'lists.range(-1)': '[]',
      '[1, 1, 2].distinct()': '[1, 2]',
    }))

  test('types', () =>
    all({
      'type(1) == int && type(1u) == uint && type(1.0) == double && type(null) == null_type': 'true',
      "type('') == string && type([]) == list && type({}) == map && type(type(1)) == type": 'true',
      "type(timestamp('2024-01-01T00:00:00Z')) == google.protobuf.Timestamp": 'true',
      "type(ip('1.2.3.4')) == net.IP": 'true',
      'type(x.n) == int && type(x.d) == double': 'true',
    }))
})

suite('logic', () => {
  test('an answer makes up for an error on the other side', () =>
    all({
      'true || x.nosuch': 'true',
      'x.nosuch || true': 'true',
      'x.nosuch && false': 'false',
      'x.nosuch && true': 'error: no such key: nosuch',
      'false || x.nosuch': 'error: no such key: nosuch',
      '[0, 1].exists(i, 1 / i == 1)': 'true',
      '[0, 1].all(i, 1 / i == 2)': 'false',
      '[0, 1].all(i, 1 / i == 1)': 'error: division by zero',
      '[0, 1].exists_one(i, 1 / i == 1)': 'error: division by zero',
      'x.s || true': 'true',
      'x.s || false': 'error: no such overload',
      'x.n == 1 ? "yes" : x.nosuch': 'yes',
    }))

  test('macros', () =>
    all({
      '[1, 2, 3].map(i, i > 1, i * 2)': '[4, 6]',
      "{'a': 1, 'b': 2}.map(k, k)": '["a", "b"]',
      '[1, 2, 3].filter(i, i % 2 == 1)': '[1, 3]',
      '[1, 2].exists(i, v, i == 1 && v == 2)': 'true',
      "{'a': 1}.all(k, v, k == 'a' && v == 1)": 'true',
      '[5, 6].transformList(i, v, i > 0, v + i)': '[7]',
      "{'a': 1, 'b': 2}.transformMap(k, v, k != 'a', v + 1)": '{"b":3}',
      '[5, 6].transformMapEntry(i, v, {v: i})': '{5:0, 6:1}',
      '[1, 1].transformMapEntry(i, v, {v: i})': 'error: insert failed: key 1 already exists',
      '[1].map(i, [2].map(i, i))[0][0]': '2',
      'has(x.map.k.v) && !has(x.map.k.w) && !has(person.alive)': 'true',
      'has(x.nosuch.y)': 'error: no such key: nosuch',
      '[1].all(1, true)': 'ERROR: <input>:1:16: argument must be a simple name',
      '[1].all(i, i, true)': 'ERROR: <input>:1:19: duplicate variable name: i',
      "'a'.all(i, true)":
        "ERROR: <input>:1:8: expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)",
    }))

  test('optional values', () =>
    all({
      "x.?nosuch.?y.orValue('z')": 'z',
      'x.?n.hasValue()': 'true',
      "maybe.optMap(m, m + '!').value()": 'there!',
      "maybe.optFlatMap(m, {'there': 1}[?m]).value()": '1',
      "maybe.or(optional.of('x')).value()": 'there',
      '[?optional.of(1), ?optional.none(), 3]': '[1, 3]',
      "{?'a': optional.none(), 'b': 1}": '{"b":1}',
      'optional.of(x.nothing).orValue(1) == null': 'true',
      "{'a': x.nothing}.a == null && has({'a': x.nothing}.a)": 'true',
      'optional.none().value()': 'error: optional.none() dereference',
      "optional.ofNonZeroValue('').hasValue()": 'false',
      '[1][?5].orValue(7)': '7',
      '[optional.of(1), optional.none()].unwrapOpt()': '[1]',
      'numbers.first().value() + numbers.last().value()': '5',
      "maybe == 'there'":
        "ERROR: <input>:1:14: found no matching overload for '_==_' applied to '(optional_type(string), string)'",
    }))

  test('variables whose names have dots, and those that hide others', () =>
    all({
      'a.b + 1': '6',
      '[1].map(x, x)[0]': '1',
      "[{'b': 3}].map(a, a.b)[0]": '5',
      '.a.b': '5',
    }))
})

test('what is not of its type is an error, and nothing else', () => {
  const odd = {
    person: fromJson({ name: 7, tags: 'none', age: null, born: 'never' }, PERSON),
    labels: fromJson({ a: null }, mapType(STRING, STRING)),
  }
  const cases: Record<string, string> = {
    "person.name + 'x'": 'no such overload',
    "person.name.startsWith('x')": 'no such overload: startsWith(int, string)',
    'person.tags.all(t, true)': 'no such overload',
    'person.age': 'no such key: age',
    'person.born.getHours()': 'no such overload: getHours(string)',
    "labels.a + 'x'": 'no such overload',
    'labels.a.size()': 'no such overload: size(null_type)',
  }
  for (const [source, message] of Object.entries(cases)) {
    assert.throws(() => environment.compile(source).evaluate(odd), { message }, source)
  }
})

test('objects of known types', () => {
  all({
    'person.name + person.tags[0]': 'anna',
    'person.nosuch': "ERROR: <input>:1:14: undefined field 'nosuch'",
    'person.alive': 'error: no such key: alive',
    'person.name.first': "ERROR: <input>:1:19: type 'string' does not support field selection",
    "Person{name: 'ben', age: 1}.name": 'ben',
    "Person{name: 'ben', age: 'x'}": "ERROR: <input>:1:37: expected type of field 'age' is 'int' but provided type is 'string'",
    'Nobody{}': "ERROR: <input>:1:14: undeclared reference to 'Nobody' (in container '')",
    'person == null': 'false',
  })
  assert.equal(typeOf(environment.compile("Person{name: 'x'}").evaluate(values).value).name, 'Person')
})

suite('compile errors are printed as the reference prints them', () => {
  const message = (source: string): string => {
    try {
      environment.compile(source)
      return 'compiles'
    } catch (error) {
      return (error as Error).message
    }
  }

  test('with the line and a pointer', () => {
    assert.equal(
      message("x +\n  nosuch.f(2) + x\t+ '\u00e9' + y"),
      "ERROR: <input>:2:3: undeclared reference to 'nosuch' (in container '')\n |   nosuch.f(2) + x + '\u00e9' + y\n | ..^\n" +
        "ERROR: <input>:2:11: undeclared reference to 'f' (in container '')\n |   nosuch.f(2) + x + '\u00e9' + y\n | ..........^\n" +
        "ERROR: <input>:2:27: undeclared reference to 'y' (in container '')\n |   nosuch.f(2) + x + '\u00e9' + y\n | .....................\uff0e....^",
    )
  })

  const syntax: Readonly<Record<string, string>> = {
    'not cel': "1:5: Syntax error: extraneous input 'cel' expecting <EOF>",
    'not cel at all': "1:5: Syntax error: mismatched input 'cel' expecting <EOF>",
    '1 +':
      "1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
    '(1': "1:3: Syntax error: missing ')' at '<EOF>'",
    '1 + $': "1:5: Syntax error: token recognition error at: '$'",
    for: '1:1: reserved identifier: for',
    'x.`a-b`': "1:3: unsupported syntax: '`'",
    'has(x)': '1:5: invalid argument to has() macro',
    "'a'.matches('[')": '1:13: invalid matches argument',
    "'%d'.format(['a'])": '1:14: error during formatting: decimal clause can only be used on integers, was given string',
    "'%s'.format([1, 2])": '1:12: too many arguments supplied to string.format (expected 1, got 2)',
    "[1, 'a']": "1:5: expected type 'int' but found 'string'",
    "[[1], ['a']]": "1:7: expected type 'list(int)' but found 'list(string)'",
    "{'a': 1, 'b': 'c'}": "1:15: expected type 'int' but found 'string'",
    'f(1)': "1:2: undeclared reference to 'f' (in container '')",
    '1 + "a"': "1:3: found no matching overload for '_+_' applied to '(int, string)'",
    'size(1)': "1:5: found no matching overload for 'size' applied to '(int)'",
    '"a".size(1)': "1:9: found no matching overload for 'size' applied to 'string.(int)'",
    '!1': "1:1: found no matching overload for '!_' applied to '(int)'",
    '-"a"': "1:1: found no matching overload for '-_' applied to '(string)'",
    'true ? 1 : "a"': "1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'",
    '1 && true': "1:3: found no matching overload for '_&&_' applied to '(int, bool)'",
    '[1][true]': "1:4: found no matching overload for '_[_]' applied to '(list(int), bool)'",
  }
  for (const [source, wanted] of Object.entries(syntax)) {
    test(source, () => assert.equal(message(source).split('\n')[0], `ERROR: <input>:${wanted}`))
  }
})

test('nothing takes long, however it is written', () => {
  const started = performance.now()
  const list = '[0,1,2,3,4,5,6,7,8,9]'
  const nested = [...'abcdefg'].reduceRight((inner, name) => `${list}.all(${name}, ${inner})`, 'true')
  assert.throws(() => environment.compile(nested).evaluate({}), { message: 'operation cancelled: actual cost limit exceeded' })
  assert.throws(() => environment.compile(`true || ${nested}`).evaluate({}, 5) && environment.compile(nested).evaluate({}), {
    name: 'CostError',
  })
  for (const deep of [
    '('.repeat(5000),
    '['.repeat(5000),
    '-'.repeat(5000),
    '!'.repeat(50_000),
    `1${'+1'.repeat(5000)}`,
    `x${'.a'.repeat(5000)}`,
  ])
    assert.throws(() => environment.compile(deep), CompileError)
  assert.throws(() => environment.compile('lists.range(9000000).size()').evaluate({}), { name: 'CostError' })
  const long = { x: 'a'.repeat(1_000_000) }
  assert.throws(() => environment.compile("x.replace('', x).size()").evaluate(long), { name: 'CostError' })
  assert.throws(() => environment.compile('1'.repeat(100_001)), /exceeds limit: size: 100001, limit 100000/)
  assert.equal(environment.compile(Array(3000).fill('true').join(' && ')).evaluate({}).value, true)
  assert.equal(environment.compile(`'${'a'.repeat(5000)}'.matches('(a*)*b')`).evaluate({}).value, false)
  assert.ok(performance.now() - started < 2000)
})

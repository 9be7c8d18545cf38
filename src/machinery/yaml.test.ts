import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonToYaml, yamlToJson, yamlToJsonStrict } from './yaml.ts'

const read = (text: string): unknown => yamlToJson(Buffer.from(text))

test('blocks, flows, anchors and merges', () => {
  assert.deepEqual(read('a:\n- b\n- c: d\n  e: f\ng: {h: [1, x: z], i}\n'), {
    a: ['b', { c: 'd', e: 'f' }],
    g: { h: [1, { x: 'z' }], i: null },
  })
  assert.deepEqual(read('a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne: *x\n'), { a: { b: 1 }, c: { b: 1, d: 2 }, e: { b: 1 } })
  assert.deepEqual(read('a: |+\n  keep\n\nb: |-\n  strip\nc: >\n  fold\n  ed\n'), { a: 'keep\n\n', b: 'strip', c: 'fold ed\n' })
  assert.deepEqual(read('a: first\n---\na: second\n'), { a: 'first' })
  assert.equal(read(''), null)
  assert.deepEqual(read('{"json": [1, "two"]}'), { json: [1, 'two'] })
})

test('plain scalars are those of YAML 1.1', () => {
  assert.deepEqual(read('[yes, off, y, ~, 0x1F, 010, 08, 1_000, 1e3, .5, 2001-01-01, 1:30, "5", !!str 5]'), [
    true,
    false,
    true,
    null,
    31,
    8,
    8,
    1000,
    1000,
    0.5,
    '2001-01-01',
    '1:30',
    '5',
    '5',
  ])
  assert.deepEqual(read('1: a\ntrue: b\n1.5: c\n'), { 1: 'a', true: 'b', 1.5: 'c' })
  assert.deepEqual(read('[9223372036854775807]'), [9223372036854775807n])
})

test('malformed YAML is refused with the reference’s words', () => {
  const cases: [string, string][] = [
    ['a: b: c', 'yaml: mapping values are not allowed in this context'],
    ['a: 1\n b: 2\n', 'yaml: line 2: mapping values are not allowed in this context'],
    ['\tx: y', 'yaml: found character that cannot start any token'],
    ['a: 1\nb: {c: [}\n', 'yaml: line 1: did not find expected node content'],
    ['a:\n  - b\n c: d', 'yaml: line 2: did not find expected key'],
    ['- a\nb: c', "yaml: line 1: did not find expected '-' indicator"],
    ['{a: b', "yaml: line 1: did not find expected ',' or '}'"],
    ['a: "x', 'yaml: found unexpected end of stream'],
    ['a: *x', "yaml: unknown anchor 'x' referenced"],
    ['%FOO\n---\n', 'yaml: found unknown directive name'],
    ['a: \x01', 'yaml: control characters are not allowed'],
    ['a: &a [*a]', "yaml: anchor 'a' value contains itself"],
    ['<<: x', 'yaml: map merge requires map or sequence of maps as the value'],
  ]
  for (const [text, message] of cases) assert.throws(() => read(text), { name: 'YamlError', message }, text)
})

test('duplicate keys: the last counts, strict reading tells', () => {
  assert.deepEqual(yamlToJsonStrict(Buffer.from('a: 1\nb:\n  c: v\n  c: w\na: 2\n')), {
    value: { a: 2, b: { c: 'w' } },
    duplicates: 'yaml: unmarshal errors:\n  line 4: key "c" already set in map\n  line 5: key "a" already set in map',
  })
})

test('aliases and nesting are bounded', () => {
  const names = [...'abcdefghij']
  const laughs = names.map(
    (name, i) =>
      `${name}: &${name} [${Array(9)
        .fill(i ? `*${names[i - 1]}` : 'x')
        .join(',')}]`,
  )
  assert.throws(() => read(laughs.join('\n')), { message: 'yaml: document contains excessive aliasing' })
  for (const text of ['[', '- ', '? ']) assert.throws(() => read(text.repeat(100_000)), /exceeded max depth of 10000/)
})

test('special keys stay plain members', () => {
  const value = read('__proto__: {x: 1}\n') as object
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
  assert.deepEqual(Object.keys(value), ['__proto__'])
})

test('values are written as the reference writes them', () => {
  const value = {
    empty: '',
    yes: 'yes',
    number: '1',
    date: '2020-01-01',
    base60: '1:30',
    colon: 'a: b',
    hash: '#c',
    lines: 'x\ny\n',
    ending: 'x\n\n',
    open: 'x\ny',
    tab: 'a\tb',
    emoji: '😀',
    list: [1, [2], { b: 1, a: null }, 'x\ny'],
    map: {},
    none: [],
    long: 'word '.repeat(20).trim(),
    k10: 1,
    k9: 1.5,
    big: 9223372036854775807n,
  }
  assert.equal(
    jsonToYaml(value),
    `base60: "1:30"
big: 9223372036854775807
colon: 'a: b'
date: "2020-01-01"
emoji: "\\U0001F600"
empty: ""
ending: |+
  x

hash: '#c'
k9: 1.5
k10: 1
lines: |
  x
  y
list:
- 1
- - 2
- a: null
  b: 1
- |-
  x
  y
long: word word word word word word word word word word word word word word word word
  word word word word
map: {}
none: []
number: "1"
open: |-
  x
  y
tab: "a\\tb"
"yes": "yes"
`,
  )
  assert.deepEqual(read(jsonToYaml(value)), value)
})

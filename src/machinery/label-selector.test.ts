import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labelSelectorFromObject, parseLabelSelector } from './label-selector.ts'

const canonical: [string, string][] = [
  ['', ''],
  ['a', 'a'],
  ['! a', '!a'],
  ['b=1,a==2', 'a==2,b=1'],
  ['a!=b', 'a!=b'],
  ['a in (y, x,x)', 'a in (x,y)'],
  ['x in (foo,,baz),y,z notin ()', 'x in (,baz,foo),y,z notin ()'],
  ['in in (in)', 'in in (in)'],
  ['a=,b', 'a=,b'],
  ['b>5,a<3', 'a<3,b>5'],
]

test('selectors print in canonical form', () => {
  for (const [text, expected] of canonical) assert.equal(parseLabelSelector(text).toString(), expected)
})

test('every operator matches as it should', () => {
  const labels = { app: 'web', tier: 'front', n: '7' }
  const cases: [string, boolean][] = [
    ['app=web', true],
    ['app==db', false],
    ['app!=db', true],
    ['missing!=x', true],
    ['app in (db,web)', true],
    ['app notin (db)', true],
    ['missing notin (x)', true],
    ['app notin (web)', false],
    ['app', true],
    ['missing', false],
    ['!missing', true],
    ['n>6', true],
    ['n<6', false],
    ['app>1', false],
    ['missing<1', false],
    ['app=web,tier in (front,back),!x', true],
    ['app=web,tier=back', false],
  ]
  for (const [text, expected] of cases) assert.equal(parseLabelSelector(text).matches(labels), expected, text)
  assert.equal(parseLabelSelector('a').matches(undefined), false)
  assert.equal(parseLabelSelector('').matches(undefined), true)
  assert.equal(parseLabelSelector('constructor').matches({}), false)
})

test('numbers beyond 2^53 compare exactly', () => {
  const selector = parseLabelSelector('n>9007199254740992')
  assert.equal(selector.matches({ n: '9007199254740993' }), true)
  assert.equal(selector.matches({ n: '9007199254740992' }), false)
  assert.equal(selector.matches({ n: '9223372036854775808' }), false)
})

test('malformed selectors are refused with the reference’s words', () => {
  const cases: [string, string][] = [
    ['!!', "unable to parse requirement: found '!', expected: identifier"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in', "unable to parse requirement: found '' expected: '('"],
    ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a=(', "unable to parse requirement: found '(', expected: identifier"],
    ['a=b,', "found '', expected: identifier after ','"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
    ['a<x', `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`],
  ]
  for (const [text, message] of cases) assert.throws(() => parseLabelSelector(text), { name: 'SelectorError', message })
  assert.throws(
    () => parseLabelSelector('-a=b'),
    /^SelectorError: unable to parse requirement: <nil>: Invalid value: "-a": name part/,
  )
  assert.throws(
    () => parseLabelSelector('a=b_'),
    /: values\[0\]\[a\]: Invalid value: "b_": a valid label must be an empty string/,
  )
  // What is wrong first is reported first.
  assert.throws(() => parseLabelSelector('a=b_,c in'), /values\[0\]\[a\]/)
})

test('selectors of API objects', () => {
  assert.equal(labelSelectorFromObject(undefined).matches({}), false)
  assert.equal(labelSelectorFromObject({}).matches({ a: 'b' }), true)
  const selector = labelSelectorFromObject({
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' },
    ],
  })
  assert.equal(selector.toString(), 'app=web,!old,tier in (a,b)')
  assert.equal(selector.matches({ app: 'web', tier: 'b' }), true)
  assert.equal(selector.matches({ app: 'web', tier: 'b', old: '' }), false)
  assert.throws(() => labelSelectorFromObject({ matchExpressions: [{ key: 'a', operator: 'Gt' }] }), {
    message: '"Gt" is not a valid label selector operator',
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCsv } from './csv.ts'

test('records as encoding/csv reads them', () => {
  const cases: [string, string[][]][] = [
    ['', []],
    ['\n\r\n\n', []],
    ['a,b,c', [['a', 'b', 'c']]],
    ['a,b\nc\n', [['a', 'b'], ['c']]],
    [
      'a,b\r\n\r\nc,d\r\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['a,b\r', [['a', 'b']]],
    ['a\rb', [['a\rb']]],
    [',\n', [['', '']]],
    ['a,,\n', [['a', '', '']]],
    ['""\n', [['']]],
    [' a , b ', [[' a ', ' b ']]],
    ['   \n', [['   ']]],
    ['#comment,b\n', [['#comment', 'b']]],
    ['t,u,1,"g1,g2"\n', [['t', 'u', '1', 'g1,g2']]],
    ['"a ""quoted"" word",b\n', [['a "quoted" word', 'b']]],
    ['"two\r\nlines",b\nc\n', [['two\nlines', 'b'], ['c']]],
    ['"a\n\nb"\n\nc', [['a\n\nb'], ['c']]],
    ['ä,"ö"\n', [['ä', 'ö']]],
  ]
  for (const [text, expected] of cases) assert.deepEqual(parseCsv(text), expected, JSON.stringify(text))
})

test('misplaced quotes, in the words of encoding/csv', () => {
  const bare = 'bare " in non-quoted-field'
  const unbalanced = 'extraneous or missing " in quoted-field'
  const cases: [string, string][] = [
    ['a "word","b"', `parse error on line 1, column 3: ${bare}`],
    ['x\n\nä,b"', `parse error on line 3, column 5: ${bare}`],
    ['"a "word","b"', `parse error on line 1, column 4: ${unbalanced}`],
    ['a,"b', `parse error on line 1, column 5: ${unbalanced}`],
    ['a,"b\n', `parse error on line 1, column 6: ${unbalanced}`],
    ['a,"', `parse error on line 1, column 4: ${unbalanced}`],
    ['a,"b\nc', `record on line 1; parse error on line 2, column 2: ${unbalanced}`],
    ['a,"b\nc"d', `record on line 1; parse error on line 2, column 2: ${unbalanced}`],
    ['x\na,"b\n",c"', `record on line 2; parse error on line 3, column 4: ${bare}`],
  ]
  for (const [text, message] of cases) assert.throws(() => parseCsv(text), { message }, JSON.stringify(text))
})

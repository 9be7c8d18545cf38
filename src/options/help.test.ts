import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { built } from './flag.ts'
import * as types from './flag-types.ts'
import { formatHelp } from './help.ts'
import { groups } from './table.ts'

const text = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen'

const table = {
  zeta: built(types.bool, true, 'Last.'),
  'a-name': built(types.string, 'x y', 'First\nand second line.'),
  long: built(types.strings, ['a', 'b'], text),
  secret: built(types.int, 1, 'Not shown.', { hidden: true }),
  old: built(types.int, 0, 'Gone soon.', { deprecated: 'use another' }),
  verbose: built(types.level, 0, 'How much.', { shorthand: 'v' }),
}

const body = (help: string): string => help.slice(help.indexOf('\nGroup flags'))

suite('help', () => {
  test('prints sorted flags in two columns', () => {
    assert.equal(
      body(formatHelp([['Group', table]], 0)),
      `
Group flags:

      --a-name string   First
                        and second line. (default "x y")
      --long strings    ${text} (default [a,b])
      --old int         Gone soon. (DEPRECATED: use another)
  -v, --verbose Level   How much.
      --zeta            Last. (default true)
`,
    )
  })

  test('wraps texts beside the names when there is room', () => {
    const [, , , ...lines] = body(formatHelp([['Group', { long: table.long }]], 24)).split('\n')
    // The names need 23 columns, so that the texts go below them, and there is no room for those either.
    assert.equal(lines[0], `      --long strings   `)
    assert.equal(lines[1], `                ${text} (default [a,b])`)
  })

  test('wraps texts below the names on a terminal', () => {
    const help = body(formatHelp([['Group', { long: table.long, zeta: table.zeta }]], 60))
    assert.deepEqual(
      help.split('\n').map((line) => line.trimEnd()),
      [
        '',
        'Group flags:',
        '',
        '      --long strings',
        '                one two three four five six seven',
        '                eight nine ten eleven twelve thirteen',
        '                fourteen (default [a,b])',
        '      --zeta',
        '                Last. (default true)',
        '',
      ],
    )
  })

  test('starts with the usage and keeps every line of the whole table within a wide terminal', () => {
    const help = formatHelp(groups, 120)
    assert.match(help, /\n\nUsage:\n {2}kube-apiserver \[flags\]\n\nGeneric flags:\n\n {6}--advertise-address ip /)
    assert.match(help, /\n\nGlobal flags:\n\n {2}-h, --help /)
    const tooLong = help.split('\n').filter((line) => line.trimEnd().length > 120)
    assert.deepEqual(tooLong, [])
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../machinery/object.ts'
import { printerColumns } from './printer-columns.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const OBJECT = {
  metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    s: 'text',
    n: 5,
    f: 1.5,
    big: 1e30,
    b: true,
    d: '2025-12-31T01:00:00Z',
    l: ['x', 'y'],
    m: { k: 1 },
    bad: 'soon',
    none: null,
  },
} as KubeObject

const cell = (type: string, jsonPath: string) => printerColumns([{ name: 'C', type, jsonPath }])[0]?.cell(OBJECT, NOW)

test('cells are of the type of their column, or empty', () => {
  for (const [type, path, wanted] of [
    ['string', '.spec.s', 'text'],
    ['string', '.spec.n', '5'],
    ['string', '.spec.f', '1.5'],
    ['string', '.spec.b', 'true'],
    ['string', '.spec.l', '["x","y"]'],
    ['string', '.spec.l[*]', 'x'],
    ['string', '.spec.m', '{"k":1}'],
    ['string', '.spec.missing', null],
    ['integer', '.spec.n', 5],
    ['integer', '.spec.f', 1],
    ['integer', '.spec.s', null],
    ['number', '.spec.f', 1.5],
    ['number', '.spec.s', null],
    ['boolean', '.spec.b', true],
    ['boolean', '.spec.n', null],
    ['date', '.spec.d', '24h'],
    ['date', '.spec.bad', '<invalid>'],
    ['date', '.spec.n', null],
    ['date', '.spec.missing', null],
  ] as const)
    assert.equal(cell(type, path), wanted, `${type} ${path}`)
})

test('without columns there is the age', () => {
  for (const none of [undefined, []]) {
    const [age, ...more] = printerColumns(none)
    assert.equal(more.length, 0)
    assert.equal(age?.name, 'Age')
    assert.equal(age?.type, 'date')
    assert.equal(age?.cell(OBJECT, NOW), '60m')
  }
})

test('a column says where it comes from unless it says something else', () => {
  const [plain, told] = printerColumns([
    { name: 'A', type: 'string', jsonPath: '.spec.s' },
    { name: 'B', type: 'string', jsonPath: '.spec.s', description: 'about', priority: 1, format: 'byte' },
  ])
  assert.equal(plain?.description, 'Custom resource definition column (in JSONPath format): .spec.s')
  assert.equal(plain?.priority, 0)
  assert.partialDeepStrictEqual(told, { description: 'about', priority: 1, format: 'byte' })
})

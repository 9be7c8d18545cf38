import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApiV2Part } from './openapi-v2.ts'

const DOCUMENT = {
  swagger: '2.0',
  paths: {
    '/apis/toys.example.com/v1/gadgets': {
      get: { parameters: [{ $ref: '#/parameters/limit' }], schema: { $ref: '#/definitions/Gadget' } },
    },
    '/apis/toys.example.com/v10/gadgets': { get: { schema: { $ref: '#/definitions/Other' } } },
    '/apis/': {},
  },
  definitions: {
    Gadget: {
      properties: {
        parts: { items: { $ref: '#/definitions/Gadget' } },
        made: { $ref: '#/definitions/Time' },
        lost: { $ref: '#/definitions/None' },
      },
    },
    Time: { type: 'string' },
    Other: {},
  },
  parameters: { limit: { in: 'query' }, unused: {} },
}

test('the paths of a group version with what they refer to', () => {
  const part = openApiV2Part(DOCUMENT, '/apis/toys.example.com/v1')
  assert.deepEqual(Object.keys(part?.paths ?? {}), ['/apis/toys.example.com/v1/gadgets'])
  assert.deepEqual(Object.keys(part?.definitions ?? {}).sort(), ['Gadget', 'Time'])
  assert.deepEqual(Object.keys(part?.parameters ?? {}), ['limit'])
})

test('what is no such document', () => {
  for (const other of [null, [], {}, { swagger: '2.0' }, { swagger: '3.0', paths: {} }])
    assert.equal(openApiV2Part(other, '/apis/a/v1'), undefined)
})

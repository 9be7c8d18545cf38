import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deniedBy } from './refusals.ts'

test('a webhook says with what code it refuses, as long as it is one', () => {
  for (const code of [400, 403, 422, 500, 999]) assert.equal(deniedBy('w', { code, message: 'no' }).code, code)
  for (const code of [0, 200, 399, 1000, 403.5, -1, '403', null]) assert.equal(deniedBy('w', { code, message: 'no' }).code, 400)
  assert.equal(deniedBy('w', undefined).message, 'admission webhook "w" denied the request without explanation')
})

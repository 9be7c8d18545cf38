import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeV2 } from './merge-v2.ts'
import { encodeV2 } from './protobuf-v2.ts'
import type { DocumentV2 } from './v2.ts'

const own = (): DocumentV2 => ({
  definitions: { 'meta.Time': { type: 'string', description: 'When.' }, 'meta.Status': { type: 'object' } },
  info: { title: 'Kubernetes', version: 'unversioned' },
  parameters: {},
  paths: { '/api/v1/pods': {} },
  security: [],
  securityDefinitions: {},
  swagger: '2.0',
})

const ref = (name: string) => ({ $ref: `#/definitions/${name}` })

test('types that are alike are shared, others get names of their own', () => {
  const toys = (time: string) => ({
    paths: {
      [`/apis/${time}`]: { get: { responses: { 200: { description: 'OK', schema: ref('Toy') } } } },
      '/api/v1/pods': { get: {} },
    },
    definitions: {
      Toy: { type: 'object', properties: { made: ref('meta.Time'), status: ref('meta.Status') } },
      'meta.Time': { type: time, description: 'In other words.' },
      'meta.Status': { type: 'object' },
    },
    parameters: {},
  })
  const merged = mergeV2(own(), [toys('string'), toys('integer'), toys('integer')])
  assert.deepEqual(Object.keys(merged.definitions).sort(), ['Toy', 'Toy_v2', 'meta.Status', 'meta.Time', 'meta.Time_v2'].sort())
  assert.deepEqual(merged.definitions['meta.Time'], own().definitions['meta.Time'])
  assert.deepEqual(merged.definitions.Toy?.properties?.made, ref('meta.Time'))
  assert.deepEqual(merged.paths['/api/v1/pods'], {})
  // Whatever was left out of them, they can be encoded.
  assert.ok(encodeV2(merged).includes('/apis/integer'))
})

test('nothing of ours is changed', () => {
  const ours = own()
  const part = {
    paths: { '/apis/x': {} },
    definitions: { X: { type: 'object' } },
    parameters: { limit: { in: 'query', name: 'limit' } },
  }
  const merged = mergeV2(ours, [part])
  assert.deepEqual(ours, own())
  assert.deepEqual(Object.keys(merged.parameters), ['limit'])
})

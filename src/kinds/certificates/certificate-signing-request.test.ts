import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeContext } from '../../testing/write-context.ts'
import { certificateSigningRequest as kind } from './certificate-signing-request.ts'
import type { Request } from './conditions.ts'

const NOW = '2026-01-02T03:04:05Z'
const EARLIER = '2025-01-01T00:00:00Z'
const PKCS10 = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n').toString('base64')

const request = (status: Request['status'] = {}): Request => ({
  metadata: { name: 'r' },
  spec: { request: PKCS10, signerName: 'example.com/signer', usages: ['client auth'], username: 'alice' },
  status,
})

test('a new request tells who asked, whatever it says itself', () => {
  const created: Request = { spec: { username: 'root', groups: ['system:masters'], extra: { a: ['b'] } } }
  kind.prepareForCreate?.(
    created,
    writeContext({ user: { name: 'alice', uid: '', groups: ['devs'], extra: { z: ['1'], b: ['2'] } } }),
  )
  assert.equal(created.spec?.username, 'alice')
  assert.equal(created.spec?.uid, undefined)
  assert.deepEqual(created.spec?.groups, ['devs'])
  assert.deepEqual(Object.keys(created.spec?.extra ?? {}), ['b', 'z'])
})

test('approval changes conditions and metadata, nothing else', () => {
  const approval = kind.subresources?.find(({ name }) => name === 'approval')
  const old = request({ certificate: 'Yw==', conditions: [{ type: 'Other', status: 'True', lastTransitionTime: EARLIER }] })
  const incoming: Request = {
    metadata: { name: 'r', labels: { a: 'b' } },
    spec: { username: 'mallory' },
    status: {
      certificate: 'eA==',
      conditions: [
        { type: 'Other', status: 'True' },
        { type: 'Approved', status: 'True' },
      ],
    },
  }
  const result = approval?.write?.(old, incoming, writeContext()) as Request
  assert.deepEqual(result.metadata?.labels, { a: 'b' })
  assert.equal(result.spec?.username, 'alice')
  assert.deepEqual(result.status, {
    conditions: [
      { type: 'Other', status: 'True', lastUpdateTime: NOW, lastTransitionTime: EARLIER },
      { type: 'Approved', status: 'True', lastUpdateTime: NOW, lastTransitionTime: NOW },
    ],
    certificate: 'Yw==',
  })
})

test('only the approval subresource decides', () => {
  const strategy = kind.status
  assert.ok(typeof strategy === 'object')
  const decided = request({ conditions: [{ type: 'Approved', status: 'True' }] })
  const messages = (changed: Request, old: Request) =>
    strategy.validate?.(changed, old, writeContext()).map((e) => `${e.field}: ${e.message}`)
  assert.deepEqual(messages(decided, request()), [
    'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
  ])
  assert.deepEqual(messages(request(), decided), [
    'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
  ])
  assert.deepEqual(messages(decided, decided), [])
})

test('a status update cannot reword a decision', () => {
  const strategy = kind.status
  assert.ok(typeof strategy === 'object')
  const old = request({
    conditions: [{ type: 'Approved', status: 'True', reason: 'Reviewed', lastUpdateTime: EARLIER, lastTransitionTime: EARLIER }],
  })
  const changed = request({ conditions: [{ type: 'Approved', status: 'True', reason: 'Forged' }] })
  strategy.prepare?.(changed, old, writeContext())
  assert.deepEqual(changed.status?.conditions, old.status?.conditions)
})

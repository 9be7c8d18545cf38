import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Event } from '../../generated/types.ts'
import { validateEvent } from './event-validation.ts'

const named = (name: string): CoreV1Event => ({
  metadata: { name, namespace: 'default' },
  involvedObject: { namespace: 'default' },
  eventTime: '2026-01-02T03:04:05.000000Z',
  reportingComponent: 'example.com/c',
  reportingInstance: 'i',
  action: 'a',
  reason: 'r',
  type: 'Normal',
})

test('events of the core group have any name that fits into a path, those of events.k8s.io a DNS name', () => {
  const fields = (name: string, apiVersion: string) => validateEvent(named(name), apiVersion).map(({ field }) => field)
  for (const apiVersion of ['v1', 'events.k8s.io/v1']) {
    assert.deepEqual(fields('a.b', apiVersion), [])
    assert.deepEqual(fields('a/b', apiVersion), ['metadata.name'])
  }
  assert.deepEqual(fields('A_B', 'v1'), [])
  assert.deepEqual(fields('A_B', 'events.k8s.io/v1'), ['metadata.name'])
  assert.deepEqual(fields('x'.repeat(254), 'v1'), [])
  assert.deepEqual(fields('x'.repeat(254), 'events.k8s.io/v1'), ['metadata.name'])
})

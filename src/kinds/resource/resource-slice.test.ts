import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceV1ResourceSlice } from '../../generated/types.ts'
import { writeContext } from '../../testing/write-context.ts'
import { resourceSlice } from './resource-slice.ts'

const slice = (): ResourceV1ResourceSlice => ({
  spec: {
    devices: [
      {
        name: 'd',
        attributes: { a: { string: 'x', strings: ['x'] } },
        nodeAllocatableResourceMappings: { cpu: {} },
        taints: [{ key: 'k', effect: 'NoSchedule' }],
      },
    ],
  },
})

test('gated fields go and taints get their time', () => {
  const created = slice()
  resourceSlice.prepareForCreate?.(created, writeContext())
  const device = created.spec?.devices?.[0]
  assert.deepEqual(JSON.parse(JSON.stringify(device)), {
    name: 'd',
    attributes: { a: { string: 'x' } },
    taints: [{ key: 'k', effect: 'NoSchedule', timeAdded: '2026-01-02T03:04:05Z' }],
  })
})

test('gated fields stay when their gate is on, or when the stored slice has them', () => {
  const created = slice()
  resourceSlice.prepareForCreate?.(created, writeContext({ features: ['DRAListTypeAttributes', 'DRANodeAllocatableResources'] }))
  const updated = slice()
  resourceSlice.prepareForUpdate?.(updated, slice(), writeContext())
  for (const { spec } of [created, updated]) {
    assert.deepEqual(spec?.devices?.[0]?.attributes?.a?.strings, ['x'])
    assert.deepEqual(spec?.devices?.[0]?.nodeAllocatableResourceMappings, { cpu: {} })
  }
})

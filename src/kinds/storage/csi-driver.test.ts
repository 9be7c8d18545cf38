import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StorageV1CSIDriver } from '../../generated/types.ts'
import { writeContext } from '../../testing/write-context.ts'
import { csiDriver } from './csi-driver.ts'

const driver = (spec: StorageV1CSIDriver['spec']): StorageV1CSIDriver => ({ metadata: { name: 'd' }, spec })

test('a bare driver gets every default', () => {
  const bare: StorageV1CSIDriver = {}
  csiDriver.defaults?.(bare)
  assert.deepEqual(bare.spec, {
    attachRequired: true,
    podInfoOnMount: false,
    volumeLifecycleModes: ['Persistent'],
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    requiresRepublish: false,
    seLinuxMount: false,
  })
})

test('the generation counts changes of the spec, from none', () => {
  const old = driver({ requiresRepublish: false })
  const same = driver({ requiresRepublish: false, preventPodSchedulingIfMissing: true })
  csiDriver.prepareForUpdate?.(same, old, writeContext())
  assert.equal(same.metadata?.generation, undefined)
  const changed = driver({ requiresRepublish: true })
  csiDriver.prepareForUpdate?.(changed, old, writeContext())
  assert.equal(changed.metadata?.generation, 1)
})

test('a gated field goes, unless the stored driver has it', () => {
  const created = driver({ preventPodSchedulingIfMissing: true })
  csiDriver.prepareForCreate?.(created, writeContext())
  assert.equal(created.spec?.preventPodSchedulingIfMissing, undefined)
  const updated = driver({ preventPodSchedulingIfMissing: true })
  csiDriver.prepareForUpdate?.(updated, driver({ preventPodSchedulingIfMissing: false }), writeContext())
  assert.equal(updated.spec?.preventPodSchedulingIfMissing, true)
})

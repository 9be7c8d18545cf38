import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1PersistentVolumeSpec } from '../../generated/types.ts'
import { writeContext } from '../../testing/write-context.ts'
import { validateInlineVolume, validateVolume, validateVolumeUpdate } from './persistent-volume-rules.ts'

const base: CoreV1PersistentVolumeSpec = { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } }
const fields = (errors: readonly { field: string }[]): string[] => errors.map(({ field }) => field)

test('a volume has exactly one source', () => {
  assert.deepEqual(fields(validateVolume({ spec: base })), ['spec'])
  const spec = { ...base, hostPath: { path: '/x' }, cephfs: { monitors: ['m'] }, nfs: {} }
  assert.deepEqual(fields(validateVolume({ spec })), ['spec.nfs', 'spec.cephFS'])
})

test('a host may not be emptied by its root, however that is written', () => {
  const recycled = (path: string): string[] =>
    fields(validateVolume({ spec: { ...base, hostPath: { path }, persistentVolumeReclaimPolicy: 'Recycle' } }))
  assert.deepEqual(recycled('/./'), ['spec.persistentVolumeReclaimPolicy'])
  assert.deepEqual(recycled('/tmp'), [])
})

test('the secret for expanding may be added and beta labels of nodes may be renamed', () => {
  const affinity = (key: string): CoreV1PersistentVolumeSpec['nodeAffinity'] => ({
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: ['a'] }] }] },
  })
  const csi = { driver: 'd.example', volumeHandle: 'h' }
  const old = { spec: { ...base, csi, nodeAffinity: affinity('failure-domain.beta.kubernetes.io/zone') } }
  const secret = { name: 's', namespace: 'n' }
  const spec = { ...old.spec, csi: { ...csi, controllerExpandSecretRef: secret } }
  const update = (key: string): string[] =>
    fields(validateVolumeUpdate({ spec: { ...spec, nodeAffinity: affinity(key) } }, old, writeContext()))
  assert.deepEqual(update('topology.kubernetes.io/zone'), [])
  assert.deepEqual(update('topology.kubernetes.io/region'), ['nodeAffinity'])
})

test('within another object only a driver’s volume may stand', () => {
  const csi = { driver: 'd.example', volumeHandle: 'h' }
  assert.deepEqual(validateInlineVolume({ accessModes: ['ReadWriteOnce'], csi }, 'f'), [])
  assert.deepEqual(fields(validateInlineVolume({ ...base, hostPath: { path: '/x' } }, 'f')), ['f.capacity', 'f.csi'])
})

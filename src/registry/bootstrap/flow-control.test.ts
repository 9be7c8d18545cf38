import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowcontrolV1FlowSchema } from '../../generated/types.ts'
import { MemoryObjects } from '../../testing/memory-objects.ts'
import { flowSchemaSpec } from './default-flow-control.ts'
import { ensureFlowControl, updateDangling } from './flow-control.ts'

const GROUP = 'flowcontrol.apiserver.k8s.io'
const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec'
const clock = () => Date.UTC(2026, 0, 2)

test('defaults come, come back to their specs, and go when a version has them no more', async () => {
  const store = new MemoryObjects()
  const schemas = store.objects('flowschemas', GROUP)
  const kept = (name: string, mark: string) =>
    schemas.create({
      metadata: { name, annotations: { [AUTO_UPDATE]: mark }, generation: 2 },
      spec: { matchingPrecedence: 7 },
    } as FlowcontrolV1FlowSchema)
  await kept('obsolete', 'true')
  await kept('service-accounts', 'false')
  await kept('catch-all', 'false')
  await kept('probes', 'true')
  await ensureFlowControl(store.objects, clock)
  assert.equal(store.names('prioritylevelconfigurations', GROUP).length, 8)
  assert.equal(store.names('flowschemas', GROUP).length, 11)
  const spec = async (name: string) => ((await schemas.get('', name)) as FlowcontrolV1FlowSchema).spec
  assert.deepEqual(await spec('service-accounts'), { matchingPrecedence: 7 })
  assert.deepEqual(await spec('catch-all'), flowSchemaSpec('catch-all'))
  assert.deepEqual(await spec('probes'), flowSchemaSpec('probes'))
})

test('a flow schema tells whether its priority level is there', async () => {
  const store = new MemoryObjects()
  await ensureFlowControl(store.objects, clock)
  const dangling = async () => {
    const schema = (await store.objects('flowschemas', GROUP).get('', 'probes')) as FlowcontrolV1FlowSchema
    const [condition] = schema.status?.conditions ?? []
    return [condition?.status, condition?.reason, condition?.lastTransitionTime]
  }
  assert.deepEqual(await dangling(), ['False', 'Found', '2026-01-02T00:00:00Z'])
  await store.objects('prioritylevelconfigurations', GROUP).delete('', 'exempt')
  await updateDangling(store.objects, () => Date.UTC(2026, 0, 3))
  assert.deepEqual(await dangling(), ['True', 'NotFound', '2026-01-03T00:00:00Z'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Metrics } from '../observability/metrics.ts'
import { StoragePolls } from './storage-polls.ts'

const lines = async (metrics: Metrics): Promise<string[]> =>
  (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith('apiserver_'))
    .sort()

async function until(metrics: Metrics, wanted: string): Promise<string[]> {
  for (let i = 0; i < 200; i++) {
    const now = await lines(metrics)
    if (now.includes(wanted)) return now
    await sleep(5)
  }
  assert.fail(`${wanted} never came: ${(await lines(metrics)).join(' ')}`)
}

test('objects and databases are measured again and again', async () => {
  const metrics = new Metrics()
  let pods = 2
  const polls = new StoragePolls({
    metrics,
    resources: () => [
      { group: '', resource: 'pods', extent: async () => ({ objects: pods, bytes: pods * 100 }) },
      { group: 'apps', resource: 'deployments', extent: async () => ({ objects: 1, bytes: undefined }) },
      { group: '', resource: 'secrets', extent: () => Promise.reject(new Error('away')) },
    ],
    sizes: async () => [4096, undefined, 8192],
    countPeriod: 10,
    sizeInterval: 10,
  })
  const first = await until(metrics, 'apiserver_resource_objects{group="",resource="pods"} 2')
  assert.deepEqual(
    first.filter((line) => !line.startsWith('apiserver_storage_size')),
    [
      'apiserver_resource_objects{group="",resource="pods"} 2',
      'apiserver_resource_objects{group="",resource="secrets"} -1',
      'apiserver_resource_objects{group="apps",resource="deployments"} 1',
      'apiserver_resource_size_estimate_bytes{group="",resource="pods"} 200',
      'apiserver_resource_size_estimate_bytes{group="",resource="secrets"} -1',
      'apiserver_storage_objects{group="",resource="pods"} 2',
      'apiserver_storage_objects{group="",resource="secrets"} -1',
      'apiserver_storage_objects{group="apps",resource="deployments"} 1',
    ],
  )
  pods = 3
  await until(metrics, 'apiserver_resource_size_estimate_bytes{group="",resource="pods"} 300')
  const last = await until(metrics, 'apiserver_storage_size_bytes{storage_cluster_id="etcd-2"} 8192')
  assert.ok(last.includes('apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 4096'))
  assert.ok(!last.some((line) => line.includes('etcd-1')))
  polls.close()
  pods = 4
  await sleep(40)
  assert.ok((await lines(metrics)).includes('apiserver_resource_objects{group="",resource="pods"} 3'))
})

test('nothing is measured that the flags turn off', async () => {
  const metrics = new Metrics()
  const never = () => assert.fail('asked')
  const polls = new StoragePolls({ metrics, resources: never, sizes: never, countPeriod: 0, sizeInterval: 0 })
  await sleep(20)
  assert.deepEqual(await lines(metrics), [])
  polls.close()
})

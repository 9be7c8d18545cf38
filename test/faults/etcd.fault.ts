import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { withoutEtcd } from '../../src/testing/start-etcd.ts'
import { configMaps } from '../support/client.ts'
import { Cluster } from './cluster.ts'
import { StallingProxy } from './stalling-proxy.ts'
import { Workload } from './workload.ts'

// What may happen to a cluster's machines and network while it is at work. After each: no acknowledged write is lost, none is carried out
// twice, and no watcher misses or repeats a change, or it is told to start over.

const options = { skip: withoutEtcd(), timeout: 120_000 }

test('etcd is killed and comes back', options, async (t) => {
  await using cluster = await Cluster.start({ servers: 2 })
  await using workload = await Workload.start(cluster)
  const [etcd] = cluster.etcd.members
  for (const away of [0, 1500]) {
    await workload.progress(300)
    await etcd!.kill()
    await sleep(away)
    await etcd!.start()
  }
  await workload.progress(300)
  await workload.finish(t)
})

test('an etcd of three members loses its leader', options, async (t) => {
  await using cluster = await Cluster.start({ servers: 2, members: 3 })
  await using workload = await Workload.start(cluster)
  await workload.progress(300)
  const leader = await cluster.leader()
  await leader.kill()
  await workload.progress(300)
  await leader.start()
  await workload.progress(300)
  await workload.finish(t)
})

test('an API server is killed', options, async (t) => {
  await using cluster = await Cluster.start({ servers: 2 })
  await using workload = await Workload.start(cluster)
  await workload.progress(300)
  await cluster.servers[0]!.stop('SIGKILL')
  await workload.progress(300)
  await cluster.replace(0)
  await workload.progress(300)
  await workload.finish(t)
})

test('the network to etcd stands still for 10 s', options, async (t) => {
  const proxies: StallingProxy[] = []
  await using cluster = await Cluster.start({
    servers: 1,
    via: async (endpoints) => {
      for (const endpoint of endpoints) proxies.push(await StallingProxy.start(endpoint))
      return proxies.map(({ endpoint }) => endpoint)
    },
  })
  await using _ = proxies[0]!
  await using workload = await Workload.start(cluster)
  await workload.progress(300)
  for (const proxy of proxies) proxy.stall()
  await sleep(10_000)
  for (const proxy of proxies) proxy.resume()
  await workload.progress(300)
  await workload.finish(t)
})

test('history is compacted under watchers who hang up all the time', options, async (t) => {
  await using cluster = await Cluster.start({ servers: 2 })
  await using workload = await Workload.start(cluster, { watchers: 8, patience: () => Math.random() * 400 })
  const { storage } = workload.history
  let done = false
  const compactor = (async () => {
    for (; !done; await sleep(50)) await storage.compact(Math.max(1, (await storage.currentRevision()) - 20))
  })()
  await workload.progress(700, 60)
  // One that knows nothing of the past by itself, so that those who come to it depend on what etcd still has.
  await cluster.servers[0]!.stop('SIGKILL')
  await cluster.replace(0)
  await workload.progress(700, 60)
  done = true
  await compactor
  await workload.finish(t)
  const answer = await cluster.clients[0]!.call('GET', `${configMaps}?watch=1&resourceVersion=${workload.history.start}`)
  assert.equal(answer.json.object.code, 410, 'what is gone is said to be gone')
})

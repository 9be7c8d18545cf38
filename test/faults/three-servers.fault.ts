import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutEtcd } from '../../src/testing/start-etcd.ts'
import { configMap, configMaps } from '../support/client.ts'
import { Cluster } from './cluster.ts'
import { Workload } from './workload.ts'

// Three servers on one etcd, with clients who go to any of them: they must look like one.

const options = { skip: withoutEtcd(), timeout: 180_000 }

test('three servers are as one', options, async (t) => {
  await using cluster = await Cluster.start({ servers: 3 })
  const { clients } = cluster

  await t.test('writers, readers and watchers on all three', async (t) => {
    await using workload = await Workload.start(cluster, { writers: 6, watchers: 6, patience: () => 500 + Math.random() * 2000 })
    await workload.progress(1500, 60)
    await workload.finish(t)
  })

  await t.test('what one has acknowledged, the others show', async () => {
    const client = async (id: number) => {
      for (let i = 0; i < 60; i++) {
        const [writer, reader] = [clients[(id + i) % 3]!, clients[(id + i + 1) % 3]!]
        const name = `seen-${id}-${i}`
        const created = await writer.call('POST', configMaps, configMap(name, 'first'))
        assert.equal(created.code, 201)
        const listed = await reader.call('GET', configMaps)
        assert.ok(Number(listed.json.metadata.resourceVersion) >= Number(created.json.metadata.resourceVersion))
        assert.ok(listed.json.items.some(({ metadata }: { metadata: { name: string } }) => metadata.name === name))
        const changed = await reader.call('PUT', `${configMaps}/${name}`, { ...created.json, data: { value: 'second' } })
        assert.equal(changed.code, 200, 'the version that one has given is the newest for the others')
        const got = await writer.call('GET', `${configMaps}/${name}`)
        assert.equal(got.json.data.value, 'second')
        assert.equal((await reader.call('DELETE', `${configMaps}/${name}`)).code, 200)
        assert.equal((await writer.call('GET', `${configMaps}/${name}`)).code, 404)
        assert.equal((await writer.call('POST', configMaps, configMap(name))).code, 201)
        assert.equal((await reader.call('DELETE', `${configMaps}/${name}`)).code, 200)
      }
    }
    await Promise.all([0, 1, 2, 3].map(client))
  })

  await t.test('1,000 counters end at the exact sum', async (t) => {
    const counters = 1000
    const competitors = 6
    const create = async (from: number) => {
      for (let i = from; i < counters; i += 8) {
        assert.equal((await clients[i % 3]!.call('POST', configMaps, configMap(`counter-${i}`, '0'))).code, 201)
      }
    }
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(create))
    let conflicts = 0
    const increment = async (id: number, counter: number) => {
      const url = `${configMaps}/counter-${counter}`
      for (let turn = id; ; turn++) {
        const { json } = await clients[turn % 3]!.call('GET', url)
        json.data.value = String(Number(json.data.value) + 1)
        const { code } = await clients[(turn + 1) % 3]!.call('PUT', url, json)
        if (code === 200) return
        assert.equal(code, 409)
        conflicts++
      }
    }
    const compete = async (id: number) => {
      for (let counter = 0; counter < counters; counter++) await increment(id, counter)
    }
    await Promise.all(Array.from({ length: competitors }, (_, id) => compete(id)))
    for (const client of clients) {
      const { json } = await client.call('GET', configMaps)
      const values = json.items.filter(({ metadata }: { metadata: { name: string } }) => metadata.name.startsWith('counter-'))
      assert.equal(values.length, counters)
      for (const { metadata, data } of values) assert.equal(data.value, String(competitors), metadata.name)
    }
    t.diagnostic(`${counters * competitors} increments, ${conflicts} conflicts`)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeOverrides } from '../options/etcd.ts'
import { MemoryStorage } from '../storage/memory.ts'
import { Stores } from './store.ts'

test('resources with an override are in a store of their own', async () => {
  const main = new MemoryStorage()
  const other = new MemoryStorage()
  const stores = new Stores(main, new Map([['/events', other]]))
  assert.equal(stores.of({ group: '', resource: 'events' }), other)
  assert.equal(stores.of({ group: 'events.k8s.io', resource: 'events' }), main)
  assert.equal(stores.of({ group: '', resource: 'pods' }), main)
  await stores.ping()
  await stores.close()
  await assert.rejects(async () => other.ping(), 'both are closed')
  await assert.rejects(async () => main.ping())
})

test('overrides name a resource and its servers', () => {
  assert.deepEqual(storeOverrides(['/events#http://a:1;http://b:2', 'apps/deployments#https://c:3']), [
    { group: '', resource: 'events', servers: ['http://a:1', 'http://b:2'] },
    { group: 'apps', resource: 'deployments', servers: ['https://c:3'] },
  ])
  for (const wrong of ['events', 'events#http://a:1', '/events', '/#http://a:1', '/events#', 'a/b/c#http://a:1', '/a#b#c']) {
    assert.throws(() => storeOverrides([wrong]), /must be of format: group\/resource#servers/, wrong)
  }
})

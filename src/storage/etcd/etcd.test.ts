import { after, before, suite } from 'node:test'
import { startEtcd, type TestEtcd, withoutEtcd } from '../../testing/start-etcd.ts'
import { storageContract } from '../storage-contract.ts'
import { openEtcd } from './etcd.ts'

suite('etcd', { skip: withoutEtcd() }, () => {
  let etcd: TestEtcd
  before(async () => {
    etcd = await startEtcd()
  })
  after(() => etcd[Symbol.asyncDispose]())

  storageContract('etcd', async () => {
    let storage = await openEtcd({ endpoints: etcd.endpoints })
    return {
      storage,
      reopen: async () => {
        await storage.close()
        storage = await openEtcd({ endpoints: etcd.endpoints })
        return storage
      },
    }
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MetaV1ObjectMeta, MetaV1OwnerReference } from '../generated/types.ts'
import { ControlledServer } from './testing.ts'

const NAMESPACE = '/api/v1/namespaces/default'
const KINDS = [
  ['ConfigMap', 'configmaps'],
  ['Secret', 'secrets'],
  ['ServiceAccount', 'serviceaccounts'],
] as const
const POLICIES = ['Background', 'Foreground', 'Orphan']

/** The same numbers every time. */
function numbers(seed: number): (max: number) => number {
  let state = seed
  return (max) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * max)
  }
}

interface Made {
  url: string
  reference: MetaV1OwnerReference
}

for (const storage of ['memory', 'embedded'] as const)
  test(`whatever is made, owned and deleted in whichever order, nothing is left without an owner: ${storage}`, async (t) => {
    for (let seed = 1; seed <= 6; seed++) {
      await using api = await ControlledServer.start({ storage })
      const random = numbers(seed)
      const made: Made[] = []
      const some = (count: number): Made[] => Array.from({ length: count }, () => made[random(made.length)]!).filter(Boolean)
      const step = async (i: number): Promise<void> => {
        if (random(3) > 0 || made.length < 3) {
          const [kind, resource] = KINDS[random(KINDS.length)]!
          // Names come again, so that owners are taken for others.
          const name = `x${random(40)}`
          const owners = new Map(some(random(4)).map(({ reference }) => [reference.uid, reference]))
          const ownerReferences = [...owners.values()].map((owner) => ({ ...owner, blockOwnerDeletion: random(2) === 0 }))
          const { code, body } = await api.call('POST', `${NAMESPACE}/${resource}`, { metadata: { name, ownerReferences } })
          if (code !== 201) return
          made.push({
            url: `${NAMESPACE}/${resource}/${name}`,
            reference: { apiVersion: 'v1', kind, name, uid: body.metadata.uid },
          })
        } else if (random(4) > 0) {
          const propagationPolicy = POLICIES[random(POLICIES.length)]
          await api.call('DELETE', some(1)[0]!.url, { propagationPolicy })
        } else {
          // Owners come and go; some own each other.
          const [dependent, owner] = some(2) as [Made, Made]
          const metadata = { labels: { step: String(i) }, ownerReferences: random(2) ? [owner.reference] : [] }
          const type = { 'content-type': 'application/merge-patch+json' }
          await api.call('PATCH', dependent.url, { metadata }, type)
        }
      }
      for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 4 }, () => step(i)))
      await api.server.server.controllers.settled()
      const left = await objects(api)
      const uids = new Set(left.map(({ uid }) => uid))
      for (const { name, uid, ownerReferences = [], finalizers = [], deletionTimestamp } of left) {
        const what = `seed ${seed}: ${name} ${uid}`
        assert.equal(deletionTimestamp, undefined, `${what} waits: ${finalizers}`)
        const absent = ownerReferences.filter((owner) => !uids.has(owner.uid!))
        assert.deepEqual(absent, [], what)
      }
      t.diagnostic(`seed ${seed}: ${made.length} made, ${left.length} left`)
    }
  })

async function objects(api: ControlledServer): Promise<MetaV1ObjectMeta[]> {
  const lists = await Promise.all(KINDS.map(([, resource]) => api.get(`${NAMESPACE}/${resource}`)))
  return lists.flatMap(({ items }) => items.map(({ metadata }: { metadata: MetaV1ObjectMeta }) => metadata))
}

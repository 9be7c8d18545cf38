import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoreV1Pod, PolicyV1PodDisruptionBudget } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError } from '../../machinery/status.ts'
import type { ObjectAccess, WriteContext } from '../../registry/context.ts'
import { podEviction } from './pod-eviction.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

interface World {
  pod: CoreV1Pod
  budgets: PolicyV1PodDisruptionBudget[]
  deletions: unknown[]
}

/** A namespace with one pod and some budgets. */
function world(pod: CoreV1Pod, ...budgets: PolicyV1PodDisruptionBudget[]): World & { context: WriteContext } {
  const state: World = { pod, budgets, deletions: [] }
  const access = (resource: string): Partial<ObjectAccess> =>
    resource === 'pods'
      ? {
          get: async () => structuredClone(state.pod) as KubeObject,
          delete: async (_namespace, _name, options) => {
            state.deletions.push(options?.deleteOptions)
            return state.pod as KubeObject
          },
        }
      : {
          list: async () => structuredClone(state.budgets) as KubeObject[],
          update: async (_namespace, name, change) => {
            const i = state.budgets.findIndex((budget) => budget.metadata?.name === name)
            const next = change(structuredClone(state.budgets[i]) as KubeObject) as PolicyV1PodDisruptionBudget
            state.budgets[i] = next
            return next as KubeObject
          },
        }
  const env = { objects: access }
  return Object.assign(state, { context: { now: NOW, namespace: 'ns', dryRun: false, env } as unknown as WriteContext })
}

const running = (ready: 'True' | 'False'): CoreV1Pod => ({
  metadata: { name: 'p', labels: { app: 'x' }, resourceVersion: '7' },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
})

const budget = (status: PolicyV1PodDisruptionBudget['status'], spec = {}): PolicyV1PodDisruptionBudget => ({
  metadata: { name: 'b', generation: 1 },
  spec: { selector: { matchLabels: { app: 'x' } }, ...spec },
  status: { observedGeneration: 1, ...status },
})

async function evict(context: WriteContext): Promise<string> {
  try {
    const answer = await podEviction.create?.('p', { metadata: { name: 'p' } }, context)
    return String(answer?.code)
  } catch (error) {
    assert.ok(error instanceof StatusError)
    return `${error.code} ${error.status.details?.causes?.[0]?.message}`
  }
}

test('an eviction takes a disruption from the budget', async () => {
  const w = world(running('True'), budget({ disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2 }))
  assert.equal(await evict(w.context), '201')
  assert.equal(w.deletions.length, 1)
  assert.deepEqual(w.budgets[0]?.status?.disruptedPods, { p: '2026-01-01T00:00:00Z' })
  assert.equal(w.budgets[0]?.status?.disruptionsAllowed, 0)
  assert.equal(w.budgets[0]?.status?.conditions?.[0]?.reason, 'InsufficientPods')
  assert.equal(await evict(w.context), '429 The disruption budget b does not allow evicting pods currently')
  assert.equal(w.deletions.length, 1)
})

test('a budget that is used up or not looked at yet refuses', async () => {
  const full = world(running('True'), budget({ disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 }))
  assert.equal(await evict(full.context), '429 The disruption budget b needs 2 healthy pods and has 2 currently')
  const unseen = world(running('True'), budget({ observedGeneration: 0, disruptionsAllowed: 1 }))
  assert.equal(await evict(unseen.context), '429 The disruption budget b is still being processed by the server.')
})

test('pods that are not ready go when the others are well, or when the budget always allows it', async () => {
  const healthy = { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 }
  const few = { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 }
  assert.equal(await evict(world(running('False'), budget(healthy)).context), '201')
  assert.match(await evict(world(running('False'), budget(few)).context), /^429/)
  const always = world(running('False'), budget(few, { unhealthyPodEvictionPolicy: 'AlwaysAllow' }))
  assert.equal(await evict(always.context), '201')
  assert.deepEqual(always.deletions, [{ preconditions: { resourceVersion: '7' } }])
})

test('pods that do not run need no budget, several budgets are too many', async () => {
  const done = world({ ...running('True'), status: { phase: 'Succeeded' } }, budget({ disruptionsAllowed: 0 }))
  assert.equal(await evict(done.context), '201')
  assert.equal(await evict(world(running('True'), budget({}), budget({})).context), '500')
})

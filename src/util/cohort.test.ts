import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cohort, NEXT_STEP } from './cohort.ts'

test('what comes in during one turn of the event loop goes on step by step, side by side', async () => {
  const cohort = new Cohort()
  const done: string[] = []
  const work = async (name: string): Promise<void> => {
    await cohort.gather()
    done.push(`${name}1`)
    await NEXT_STEP
    done.push(`${name}2`)
  }
  const arrivals = Promise.all(
    ['a', 'b', 'c'].map((name) => new Promise<void>((resolve) => setImmediate(() => resolve(work(name))))),
  )
  assert.deepEqual(done, [])
  await arrivals
  assert.deepEqual(done, ['a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
})

test('a cohort that has gone on takes nobody in any more', async () => {
  const cohort = new Cohort()
  const first = cohort.gather()
  assert.equal(cohort.gather(), first)
  await first
  assert.notEqual(cohort.gather(), first)
})

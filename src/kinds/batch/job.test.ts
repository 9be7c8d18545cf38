import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BatchV1Job } from '../../generated/types.ts'
import { defaultJob, takeTemplateLabels } from './job-defaults.ts'
import { generateSelector } from './job-selector.ts'

function created(job: BatchV1Job): BatchV1Job {
  defaultJob(job)
  generateSelector(job)
  takeTemplateLabels(job)
  return job
}

const IDENTITY = {
  'batch.kubernetes.io/controller-uid': 'u',
  'batch.kubernetes.io/job-name': 'j',
  'controller-uid': 'u',
  'job-name': 'j',
}

test('a job selects its pods by its uid', () => {
  const job = created({ metadata: { name: 'j', uid: 'u' }, spec: { template: {} } })
  assert.deepEqual(job.spec?.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } })
  assert.deepEqual(job.spec?.template?.metadata?.labels, IDENTITY)
  assert.deepEqual(job.metadata?.labels, IDENTITY)
})

test('labels of the template become the job own, with what creation adds', () => {
  const job = created({ metadata: { name: 'j', uid: 'u' }, spec: { template: { metadata: { labels: { app: 'x' } } } } })
  assert.deepEqual(job.metadata?.labels, { app: 'x', ...IDENTITY })
})

test('a manual selector is left alone', () => {
  const selector = { matchLabels: { app: 'x' } }
  const template = { metadata: { labels: { app: 'x' } } }
  const job = created({
    metadata: { name: 'j', uid: 'u', labels: { own: '1' } },
    spec: { manualSelector: true, selector, template },
  })
  assert.deepEqual(job.spec?.selector, selector)
  assert.deepEqual(job.spec?.template?.metadata?.labels, { app: 'x' })
  assert.deepEqual(job.metadata?.labels, { own: '1' })
})

test('a work queue has no completions', () => {
  const job = created({ metadata: {}, spec: { parallelism: 2, template: {} } })
  assert.equal(job.spec?.completions, undefined)
  assert.equal(job.spec?.parallelism, 2)
})

test('labels of the template become the job own, too, when its own are empty; bad ones do not', () => {
  const job = (labels: Record<string, string>) =>
    created({ metadata: { name: 'j', uid: 'u', labels: {} }, spec: { template: { metadata: { labels } } } })
  assert.deepEqual(job({ app: 'x' }).metadata?.labels, { app: 'x', ...IDENTITY })
  assert.deepEqual(job({ app: 'no/such value' }).metadata?.labels, {})
})

import type { BatchV1Job } from '../../generated/types.ts'
import { humanDuration } from '../../machinery/duration.ts'
import { age, type Column, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { templateStrategy } from '../apps/template-strategy.ts'
import { containerColumns, shownSelector } from '../core/template-columns.ts'
import { defaultJob, takeTemplateLabels } from './job-defaults.ts'
import { validateJob, validateJobUpdate } from './job-rules.ts'
import { generateSelector } from './job-selector.ts'
import { validateJobStatus } from './job-status-rules.ts'
import { jobSpecWarnings, nameWarnings } from './job-warnings.ts'

export const job = defineKind<BatchV1Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  resource: 'jobs',
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.batch.v1.Job',
  defaults: defaultJob,
  generation: 'spec',
  defaultPropagation: 'orphan',
  orphanWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  prepareForCreate: (job, context) => {
    generateSelector(job)
    templateStrategy.prepareForCreate(job, context)
    takeTemplateLabels(job)
  },
  prepareForUpdate: (job, old, context) => {
    templateStrategy.prepareForUpdate(job, old, context)
    takeTemplateLabels(job)
  },
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  warnings: (job, old) => {
    if (old && job.metadata?.generation === old.metadata?.generation) return []
    const warnings = old ? [] : nameWarnings(job.metadata?.name ?? '')
    return [...warnings, ...jobSpecWarnings('spec', job.spec ?? {})]
  },
  status: { validate: validateJobStatus },
  columns: [
    column('Status', 'Status of the job.', jobState),
    column('Completions', '@io.k8s.api.batch.v1.JobStatus.succeeded', completions),
    column('Duration', 'Time required to complete the job.', duration),
    age as Column<BatchV1Job>,
    ...containerColumns<BatchV1Job>((job) => job.spec?.template),
    column('Selector', '@io.k8s.api.batch.v1.JobSpec.selector', (job) => shownSelector(job.spec?.selector), { wide: true }),
  ],
  fields: { 'status.successful': (job) => String(job.status?.succeeded ?? 0) },
})

function jobState({ metadata, status = {} }: BatchV1Job): string {
  const has = (type: string): boolean => status.conditions?.some((c) => c.type === type && c.status === 'True') ?? false
  if (has('Complete')) return 'Complete'
  if (has('Failed')) return 'Failed'
  if (metadata?.deletionTimestamp) return 'Terminating'
  if (has('Suspended')) return 'Suspended'
  if (has('FailureTarget')) return 'FailureTarget'
  return has('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running'
}

function completions({ spec = {}, status = {} }: BatchV1Job): string {
  const succeeded = status.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  const parallelism = spec.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function duration({ status = {} }: BatchV1Job, now: number): string {
  if (!status.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : now
  return humanDuration(end - Date.parse(status.startTime))
}

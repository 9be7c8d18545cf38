import type { BatchV1CronJob } from '../../generated/types.ts'
import { age, ageOf, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { dropDisabledTemplateFields } from '../core/pod-spec-features.ts'
import { containerColumns, shownSelector } from '../core/template-columns.ts'
import { validateCronJob, validateCronJobUpdate } from './cron-job-rules.ts'
import { defaultJobSpec } from './job-defaults.ts'
import { jobSpecWarnings, nameWarnings } from './job-warnings.ts'

const SPEC = '@io.k8s.api.batch.v1.CronJobSpec'
const STATUS = '@io.k8s.api.batch.v1.CronJobStatus'

export const cronJob = defineKind<BatchV1CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  resource: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.batch.v1.CronJob',
  defaults: (cronJob) => {
    cronJob.spec ??= {}
    const { spec } = cronJob
    if (!spec.concurrencyPolicy) spec.concurrencyPolicy = 'Allow'
    spec.suspend ??= false
    spec.jobTemplate ??= {}
    spec.jobTemplate.spec ??= {}
    defaultJobSpec(spec.jobTemplate.spec)
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
  },
  generation: 'spec',
  prepareForCreate: (cronJob, context) => dropDisabledTemplateFields(templateOf(cronJob), undefined, context),
  prepareForUpdate: (cronJob, old, context) => dropDisabledTemplateFields(templateOf(cronJob), templateOf(old), context),
  validate: validateCronJob,
  validateUpdate: validateCronJobUpdate,
  warnings,
  status: true,
  columns: [
    column('Schedule', `${SPEC}.schedule`, ({ spec }) => spec?.schedule ?? ''),
    column('Timezone', `${SPEC}.timeZone`, ({ spec }) => spec?.timeZone ?? '<none>'),
    column('Suspend', `${SPEC}.suspend`, ({ spec }) => (spec?.suspend ? 'True' : 'False'), { type: 'boolean' }),
    column('Active', `${STATUS}.active`, ({ status }) => status?.active?.length ?? 0, { type: 'integer' }),
    column('Last Schedule', `${STATUS}.lastScheduleTime`, ({ status }, now) =>
      status?.lastScheduleTime ? ageOf(status.lastScheduleTime, now) : '<none>',
    ),
    age,
    ...containerColumns<BatchV1CronJob>(templateOf),
    column('Selector', '@io.k8s.api.batch.v1.JobSpec.selector', ({ spec }) => shownSelector(spec?.jobTemplate?.spec?.selector), {
      wide: true,
    }),
  ],
})

function templateOf({ spec }: BatchV1CronJob) {
  return spec?.jobTemplate?.spec?.template
}

function warnings(cronJob: BatchV1CronJob, old: BatchV1CronJob | undefined): string[] {
  const spec = cronJob.spec ?? {}
  const result = old ? [] : nameWarnings(cronJob.metadata?.name ?? '')
  if (!old || cronJob.metadata?.generation !== old.metadata?.generation) {
    result.push(...jobSpecWarnings('spec.jobTemplate.spec', spec.jobTemplate?.spec ?? {}))
  }
  if (old && spec.schedule?.includes('TZ')) {
    result.push(
      'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
    )
  }
  return result
}

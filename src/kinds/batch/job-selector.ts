import type { BatchV1Job } from '../../generated/types.ts'

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid'

/** What marked the pods of a job before the names had prefixes. */
export const olderJobLabels = (name: string, uid: string): Record<string, string> => ({
  'controller-uid': uid,
  'job-name': name,
})

/** What marks the pods of a job, with the older names of the same. */
export const jobLabels = (name: string, uid: string): Record<string, string> => ({
  ...olderJobLabels(name, uid),
  [CONTROLLER_UID]: uid,
  'batch.kubernetes.io/job-name': name,
})

/** Marks the pods of a job with its identity and selects them by it, unless the creator does that by hand. */
export function generateSelector(job: BatchV1Job): void {
  const spec = (job.spec ??= {})
  if (spec.manualSelector) return
  const { name = '', uid = '' } = job.metadata ?? {}
  const template = (spec.template ??= {})
  const metadata = (template.metadata ??= {})
  // Changed in place: the job's labels may be this very map.
  const labels = (metadata.labels ??= {})
  for (const [key, value] of Object.entries(jobLabels(name, uid))) labels[key] ??= value
  const selector = (spec.selector ??= {})
  selector.matchLabels = { ...selector.matchLabels }
  selector.matchLabels[CONTROLLER_UID] ??= uid
}

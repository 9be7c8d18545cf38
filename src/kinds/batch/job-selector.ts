import type { BatchV1Job } from '../../generated/types.ts'

const PREFIX = 'batch.kubernetes.io/'
const JOB_NAME = 'job-name'
const CONTROLLER_UID = 'controller-uid'

/** Marks the pods of a job with its identity and selects them by it, unless the creator does that by hand. */
export function generateSelector(job: BatchV1Job): void {
  const spec = (job.spec ??= {})
  if (spec.manualSelector) return
  const { name = '', uid = '' } = job.metadata ?? {}
  const template = (spec.template ??= {})
  const metadata = (template.metadata ??= {})
  // Changed in place: the job's labels may be this very map.
  const labels = (metadata.labels ??= {})
  labels[JOB_NAME] ??= name
  labels[PREFIX + JOB_NAME] ??= name
  labels[CONTROLLER_UID] ??= uid
  labels[PREFIX + CONTROLLER_UID] ??= uid
  const selector = (spec.selector ??= {})
  selector.matchLabels = { ...selector.matchLabels }
  selector.matchLabels[PREFIX + CONTROLLER_UID] ??= uid
}

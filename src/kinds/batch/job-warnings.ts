import type { BatchV1JobSpec } from '../../generated/types.ts'
import { isDns1123Label } from '../../machinery/validation.ts'
import { templateWarnings } from '../core/pod-spec-warnings.ts'

const COMPLETIONS_LIMIT = 100_000
const PARALLELISM_LIMIT = 10_000

/** @param path of the job's spec */
export function jobSpecWarnings(path: string, spec: BatchV1JobSpec): string[] {
  const warnings: string[] = []
  const { completionMode, completions = 0, parallelism = 0 } = spec
  if (completionMode === 'Indexed' && completions > COMPLETIONS_LIMIT && parallelism > PARALLELISM_LIMIT) {
    warnings.push(
      `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
    )
  }
  return [...warnings, ...templateWarnings(`${path}.template`, spec.template)]
}

/** Names of jobs end up in those of pods. */
export function nameWarnings(name: string): string[] {
  const problems = isDns1123Label(name)
  if (!problems.length) return []
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ]
}

import type { BatchV1JobSpec } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required, tooLong } from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { byteLength, isDomainPrefixedPath } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { parsed } from '../apps/selector-rules.ts'
import { validateTemplate } from '../core/pod-validation.ts'
import { notNegative, printed } from '../core/rules.ts'
import { validatePodFailurePolicy, validateSuccessPolicy } from './job-policy-rules.ts'

const COMPLETION_MODES = ['NonIndexed', 'Indexed']
const REPLACEMENT_POLICIES = ['Failed', 'TerminatingOrFailed']
const RESTART_POLICIES = ['OnFailure', 'Never']
const MAX_MANAGED_BY = 63
/** Of indexed jobs: the most pods at a time, and failed indexes. */
const MAX_INDEXED = 100_000
/** The same of jobs with more completions than that, which limit retries per index. */
const MAX_INDEXED_OF_MANY = 10_000
const NEEDS_INDEXES = 'requires indexed completion mode'

/** Rules of a job's spec, wherever it stands. */
export function validateJobSpec(spec: BatchV1JobSpec, path: string, context: WriteContext): FieldError[] {
  return [
    ...notNegative(spec, path, [
      'parallelism',
      'completions',
      'activeDeadlineSeconds',
      'backoffLimit',
      'ttlSecondsAfterFinished',
      'backoffLimitPerIndex',
      'maxFailedIndexes',
    ]),
    ...validateMaxFailedIndexes(spec, path),
    ...validateManagedBy(spec, `${path}.managedBy`),
    ...(spec.completionMode === 'Indexed' ? validateIndexed(spec, path) : validateNotIndexed(spec, path)),
    ...(spec.podFailurePolicy ? validatePodFailurePolicy(spec, `${path}.podFailurePolicy`) : []),
    ...validateSuccess(spec, `${path}.successPolicy`, context),
    ...validateReplacement(spec, `${path}.podReplacementPolicy`),
    ...validateTemplate(spec.template, `${path}.template`, context),
    ...validateRestartPolicy(spec, `${path}.template.spec.restartPolicy`),
  ]
}

/** The rules of a job's own spec, which has a selector. */
export function validateSelectingSpec(spec: BatchV1JobSpec, context: WriteContext): FieldError[] {
  const errors = validateJobSpec(spec, 'spec', context)
  if (!spec.selector) errors.push(required('spec.selector'))
  else errors.push(...validateLabelSelector(spec.selector as LabelSelectorObject, 'spec.selector'))
  // However the selector came about, it must match the pods. None matches no pod.
  const labels = spec.template?.metadata?.labels
  if (parsed(spec.selector)?.matches(labels) === false) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  return errors
}

function validateMaxFailedIndexes(spec: BatchV1JobSpec, path: string): FieldError[] {
  if (spec.maxFailedIndexes === undefined || spec.backoffLimitPerIndex !== undefined) return []
  return [required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')]
}

function validateManagedBy({ managedBy }: BatchV1JobSpec, path: string): FieldError[] {
  if (managedBy === undefined) return []
  const errors = isDomainPrefixedPath(path, managedBy)
  return byteLength(managedBy) > MAX_MANAGED_BY ? [...errors, tooLong(path, MAX_MANAGED_BY)] : errors
}

function validateIndexed(spec: BatchV1JobSpec, path: string): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes = 0 } = spec
  const errors: FieldError[] = []
  if (completions === undefined) errors.push(required(`${path}.completions`, 'when completion mode is Indexed'))
  if (parallelism > MAX_INDEXED) {
    const detail = `must be less than or equal to ${MAX_INDEXED} when completion mode is Indexed`
    errors.push(invalid(`${path}.parallelism`, parallelism, detail))
  }
  const field = `${path}.maxFailedIndexes`
  if (completions !== undefined && maxFailedIndexes > completions) {
    errors.push(invalid(field, maxFailedIndexes, 'must be less than or equal to completions'))
  }
  if (maxFailedIndexes > MAX_INDEXED) {
    errors.push(invalid(field, maxFailedIndexes, `must be less than or equal to ${MAX_INDEXED}`))
  }
  if ((completions ?? 0) <= MAX_INDEXED || spec.backoffLimitPerIndex === undefined) return errors
  const limit = `must be less than or equal to ${MAX_INDEXED_OF_MANY} when completions are above ${MAX_INDEXED} and used with backoff limit per index`
  if (spec.maxFailedIndexes === undefined) {
    errors.push(required(field, `must be specified when completions is above ${MAX_INDEXED}`))
  }
  if (parallelism > MAX_INDEXED_OF_MANY) errors.push(invalid(`${path}.parallelism`, parallelism, limit))
  if (maxFailedIndexes > MAX_INDEXED_OF_MANY) errors.push(invalid(field, maxFailedIndexes, limit))
  return errors
}

function validateNotIndexed(spec: BatchV1JobSpec, path: string): FieldError[] {
  const { completionMode } = spec
  if (completionMode !== undefined && completionMode !== 'NonIndexed') {
    return [notSupported(`${path}.completionMode`, completionMode, COMPLETION_MODES)]
  }
  return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).flatMap((field) =>
    spec[field] === undefined ? [] : [invalid(`${path}.${field}`, spec[field], NEEDS_INDEXES)],
  )
}

function validateSuccess(spec: BatchV1JobSpec, path: string, context: WriteContext): FieldError[] {
  const { successPolicy } = spec
  if (!successPolicy) return []
  if (spec.completionMode === 'Indexed') return validateSuccessPolicy(spec, path)
  return [invalid(path, printed(successPolicy, 'io.k8s.api.batch.v1.SuccessPolicy', context), NEEDS_INDEXES)]
}

function validateReplacement({ podReplacementPolicy, podFailurePolicy }: BatchV1JobSpec, path: string): FieldError[] {
  if (podReplacementPolicy === undefined) return []
  const policies = podFailurePolicy ? ['Failed'] : REPLACEMENT_POLICIES
  return policies.includes(podReplacementPolicy) ? [] : [notSupported(path, podReplacementPolicy, policies)]
}

function validateRestartPolicy({ template, podFailurePolicy }: BatchV1JobSpec, path: string): FieldError[] {
  const policy = template?.spec?.restartPolicy
  // The pod's default isn't one of the job's.
  if (!policy || policy === 'Always') return [required(path, 'valid values: "OnFailure", "Never"')]
  if (!RESTART_POLICIES.includes(policy)) return [notSupported(path, policy, RESTART_POLICIES)]
  if (podFailurePolicy && policy !== 'Never') {
    return [invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')]
  }
  return []
}

import type { AppsV1StatefulSet, AppsV1StatefulSetSpec } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import type { WriteContext } from '../../registry/context.ts'
import { notMoreThan, notNegative } from '../core/rules.ts'
import { amountOf, atMost100Percent, validateCountOrPercent } from './rolling-rules.ts'
import { validateRunningTemplate, validateSelector } from './selector-rules.ts'

const UNCHANGEABLE =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

export function validateStatefulSet({ spec = {} }: AppsV1StatefulSet, context: WriteContext): FieldError[] {
  return [
    ...validatePodManagement(spec),
    ...validateUpdateStrategy(spec),
    ...validateRetention(spec),
    ...notNegative(spec, 'spec', ['replicas', 'minReadySeconds']),
    ...notNegative(spec.ordinals ?? {}, 'spec.ordinals', ['start']),
    ...validateSelector(spec, 'statefulset'),
    ...validateRunningTemplate(spec, 'StatefulSet', context),
    ...notNegative(spec, 'spec', ['revisionHistoryLimit']),
  ]
}

function validatePodManagement({ podManagementPolicy }: AppsV1StatefulSetSpec): FieldError[] {
  const path = 'spec.podManagementPolicy'
  if (!podManagementPolicy) return [required(path)]
  if (podManagementPolicy === 'OrderedReady' || podManagementPolicy === 'Parallel') return []
  return [invalid(path, podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")]
}

function validateUpdateStrategy({ updateStrategy = {} }: AppsV1StatefulSetSpec): FieldError[] {
  const path = 'spec.updateStrategy'
  const { type, rollingUpdate } = updateStrategy
  if (!type) return [required(path)]
  if (type === 'OnDelete') {
    if (!rollingUpdate) return []
    return [invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")]
  }
  if (type !== 'RollingUpdate') return [invalid(path, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'")]
  if (!rollingUpdate) return []
  const { maxUnavailable } = rollingUpdate
  const unavailable = `${path}.rollingUpdate.maxUnavailable`
  return [
    ...notNegative(rollingUpdate, `${path}.rollingUpdate`, ['partition']),
    ...validateCountOrPercent(unavailable, maxUnavailable),
    ...(maxUnavailable !== undefined && amountOf(maxUnavailable) === 0
      ? [invalid(unavailable, maxUnavailable, 'cannot be 0')]
      : []),
    ...atMost100Percent(unavailable, maxUnavailable),
  ]
}

const RETENTION = ['Delete', 'Retain']

function validateRetention({ persistentVolumeClaimRetentionPolicy = {} }: AppsV1StatefulSetSpec): FieldError[] {
  return (['whenDeleted', 'whenScaled'] as const).flatMap((field) => {
    const value = persistentVolumeClaimRetentionPolicy[field] ?? ''
    return RETENTION.includes(value) ? [] : [notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, RETENTION)]
  })
}

export function validateStatefulSetUpdate(set: AppsV1StatefulSet, old: AppsV1StatefulSet, context: WriteContext): FieldError[] {
  const errors = validateStatefulSet(set, context)
  const {
    replicas,
    ordinals,
    template,
    updateStrategy,
    revisionHistoryLimit,
    minReadySeconds,
    persistentVolumeClaimRetentionPolicy,
  } = old.spec ?? {}
  const restored = {
    ...set.spec,
    replicas,
    ordinals,
    template,
    updateStrategy,
    revisionHistoryLimit,
    minReadySeconds,
    persistentVolumeClaimRetentionPolicy,
  }
  if (!equal(restored, old.spec)) errors.push(forbiddenField('spec', UNCHANGEABLE))
  return errors
}

export function validateStatefulSetStatus({ status = {} }: AppsV1StatefulSet): FieldError[] {
  const counts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const
  return [
    ...notNegative(status, 'status', ['replicas', ...counts, 'observedGeneration', 'collisionCount']),
    ...notMoreThan(status, 'status', 'replicas', counts),
    ...notMoreThan(status, 'status', 'readyReplicas', ['availableReplicas']),
  ]
}

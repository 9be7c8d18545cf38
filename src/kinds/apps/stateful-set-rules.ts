import type { AppsV1StatefulSet } from '../../generated/types.ts'
import { type FieldError, forbiddenField, notSupported } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateTemplate } from '../core/pod-validation.ts'
import { notMoreThan, notNegative } from '../core/rules.ts'
import { selectorMatchesTemplate } from './selector-rules.ts'

const UNCHANGEABLE =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

const POLICIES = ['OrderedReady', 'Parallel']
const RESTART_POLICIES = ['Always']

export function validateStatefulSet({ spec = {} }: AppsV1StatefulSet, context: WriteContext): FieldError[] {
  const errors: FieldError[] = []
  if (spec.podManagementPolicy && !POLICIES.includes(spec.podManagementPolicy)) {
    errors.push(notSupported('spec.podManagementPolicy', spec.podManagementPolicy, POLICIES))
  }
  errors.push(...notNegative(spec, 'spec', ['replicas', 'minReadySeconds']), ...selectorMatchesTemplate(spec))
  errors.push(...validateTemplate(spec.template, 'spec.template', context))
  const restartPolicy = spec.template?.spec?.restartPolicy
  if (restartPolicy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, RESTART_POLICIES))
  return errors
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

import type { AppsV1StatefulSet, AppsV1StatefulSetSpec, CoreV1PodTemplateSpec } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { isDns1123Label } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validateClaimSpec } from '../core/claim-validation.ts'
import { validateTemplateMeta } from '../core/pod-validation.ts'
import { notMoreThan, notNegative, printed } from '../core/rules.ts'
import { amountOf, atMost100Percent, validateCountOrPercent } from './rolling-rules.ts'
import { parsed, validateRunningTemplate, validateSelector } from './selector-rules.ts'

const UNCHANGEABLE =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

/** A new set's rules: beyond those of all sets those for what can't change later. */
export function validateStatefulSet(set: AppsV1StatefulSet, context: WriteContext): FieldError[] {
  const { serviceName, volumeClaimTemplates } = set.spec ?? {}
  return [
    ...validateAnySet(set, context),
    ...(serviceName ? isDns1123Label(serviceName) : []).map((message) => invalid('spec.serviceName', serviceName, message)),
    ...(volumeClaimTemplates ?? []).flatMap((claim, i) =>
      validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${i}].spec`),
    ),
  ]
}

function validateAnySet({ spec = {} }: AppsV1StatefulSet, context: WriteContext): FieldError[] {
  return [
    ...validatePodManagement(spec),
    ...validateUpdateStrategy(spec, context),
    ...validateRetention(spec),
    ...notNegative(spec, 'spec', ['replicas', 'minReadySeconds']),
    ...notNegative(spec.ordinals ?? {}, 'spec.ordinals', ['start']),
    ...validateSelector(spec, 'statefulset'),
    ...validateClaimingTemplate(spec, context),
    ...notNegative(spec, 'spec', ['revisionHistoryLimit']),
  ]
}

/** The template's pods also have the volumes that are claimed for them. */
function validateClaimingTemplate(spec: AppsV1StatefulSetSpec, context: WriteContext): FieldError[] {
  const path = 'spec.template'
  const { template, volumeClaimTemplates } = spec
  // What is wrong with it is said elsewhere.
  if (!parsed(spec.selector)) return [invalid('spec.selector', spec.selector)]
  const { volumes } = template?.spec ?? {}
  const taken = new Set(volumes?.map((volume) => volume.name))
  const names = new Set((volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? ''))
  const claimed = [...names]
    .filter((name) => !taken.has(name))
    .map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))
  const whole = template && { ...template, spec: { ...template.spec, volumes: [...(volumes ?? []), ...claimed] } }
  return [
    ...validateTemplateMeta(template, path),
    ...validateRunningTemplate({ ...spec, template: whole as CoreV1PodTemplateSpec }, 'StatefulSet', context),
  ]
}

function validatePodManagement({ podManagementPolicy }: AppsV1StatefulSetSpec): FieldError[] {
  const path = 'spec.podManagementPolicy'
  if (!podManagementPolicy) return [required(path)]
  if (podManagementPolicy === 'OrderedReady' || podManagementPolicy === 'Parallel') return []
  return [invalid(path, podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")]
}

function validateUpdateStrategy({ updateStrategy = {} }: AppsV1StatefulSetSpec, context: WriteContext): FieldError[] {
  const path = 'spec.updateStrategy'
  const { type, rollingUpdate } = updateStrategy
  if (!type) return [required(path)]
  if (type === 'OnDelete') {
    if (!rollingUpdate) return []
    return [invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")]
  }
  if (type !== 'RollingUpdate') {
    const value = printed(updateStrategy, 'io.k8s.api.apps.v1.StatefulSetUpdateStrategy', context)
    return [invalid(path, value, "must be 'RollingUpdate' or 'OnDelete'")]
  }
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

const RETENTION = ['Retain', 'Delete']

function validateRetention({ persistentVolumeClaimRetentionPolicy = {} }: AppsV1StatefulSetSpec): FieldError[] {
  return (['whenDeleted', 'whenScaled'] as const).flatMap((field) => {
    const value = persistentVolumeClaimRetentionPolicy[field] ?? ''
    return RETENTION.includes(value) ? [] : [notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, RETENTION)]
  })
}

export function validateStatefulSetUpdate(set: AppsV1StatefulSet, old: AppsV1StatefulSet, context: WriteContext): FieldError[] {
  const errors = validateAnySet(set, context)
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

import type { CoreV1PersistentVolumeClaim } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import type { WriteContext } from '../../registry/context.ts'
import { CLASS_ANNOTATION, validateClaimSpec } from './claim-validation.ts'
import { differences, immutable } from './rules.ts'

const UNCHANGEABLE = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

/** What an update may change of a claim: its size and class of attributes once it is bound, and what was left open. */
export function validateClaimUpdate(
  claim: CoreV1PersistentVolumeClaim,
  old: CoreV1PersistentVolumeClaim,
  context: WriteContext,
): FieldError[] {
  const { spec = {} } = claim
  const { spec: before = {} } = old
  const errors = validateClaimSpec(spec, 'spec')
  const [annotation, oldAnnotation] = [claim, old].map(({ metadata }) => metadata?.annotations?.[CLASS_ANNOTATION])
  // The annotation may become the field.
  const isUpgraded =
    oldAnnotation !== undefined && before.storageClassName === undefined && spec.storageClassName === oldAnnotation
  if (!isUpgraded && annotation !== oldAnnotation) {
    errors.push(invalid(`metadata.annotations[${CLASS_ANNOTATION}]`, annotation ?? '', 'field is immutable'))
  }

  const was = { ...before }
  const restored = { ...spec }
  if (!before.volumeName) was.volumeName = spec.volumeName
  if (isUpgraded || (oldAnnotation === undefined && before.storageClassName === undefined)) {
    restored.storageClassName = before.storageClassName
  }
  if (claim.status?.phase === 'Bound') {
    if (spec.resources?.requests) {
      const requests = { ...spec.resources.requests, storage: before.resources?.requests?.storage } as Record<string, string>
      restored.resources = { ...spec.resources, requests }
    }
    if (spec.volumeAttributesClassName !== undefined) restored.volumeAttributesClassName = before.volumeAttributesClassName
  }
  if (!equal(restored, was)) {
    const difference = differences('io.k8s.api.core.v1.PersistentVolumeClaimSpec', was, restored, context)
    errors.push(forbiddenField('spec', `${UNCHANGEABLE}\n${difference}`))
  }
  errors.push(...validateSize(claim, old), ...immutable('volumeMode', spec.volumeMode, before.volumeMode))

  const attributes = 'spec.volumeAttributesClassName'
  if (before.volumeAttributesClassName !== undefined) {
    if (spec.volumeAttributesClassName === undefined) {
      errors.push(forbiddenField(attributes, 'update from non-nil value to nil is forbidden'))
    } else if (spec.volumeAttributesClassName === '') {
      errors.push(forbiddenField(attributes, 'update from non-nil value to an empty string is forbidden'))
    }
  }
  return errors
}

/** A claim may take back an expansion that failed, but shrink no further than what it has. */
function validateSize(claim: CoreV1PersistentVolumeClaim, old: CoreV1PersistentVolumeClaim): FieldError[] {
  const size = quantityFromJson(claim.spec?.resources?.requests?.storage ?? '0')
  const before = quantityFromJson(old.spec?.resources?.requests?.storage ?? '0')
  const capacity = quantityFromJson(old.status?.capacity?.storage ?? '0')
  if (size.compare(before) >= 0 || size.compare(capacity) > 0) return []
  return [forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity')]
}

import type { CoreV1PersistentVolumeClaim, CoreV1PersistentVolumeClaimSpec } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import type { LabelSelectorObject } from '../../machinery/label-selector.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../machinery/validation.ts'
import { isWhole } from './resource-names.ts'

export const ACCESS_MODES: readonly string[] = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const VOLUME_MODES: readonly string[] = ['Block', 'Filesystem']

/** The rules of a claim, wherever its spec stands. */
export function validateClaimSpec(spec: CoreV1PersistentVolumeClaimSpec, path: string): FieldError[] {
  const { accessModes = [], selector, storageClassName, volumeMode, volumeAttributesClassName, dataSource, dataSourceRef } = spec
  const errors: FieldError[] = []
  if (!accessModes.length) errors.push(required(`${path}.accessModes`, 'at least 1 access mode is required'))
  if (selector) errors.push(...validateLabelSelector(selector as LabelSelectorObject, `${path}.selector`))
  for (const mode of accessModes) {
    if (!ACCESS_MODES.includes(mode)) errors.push(notSupported(`${path}.accessModes`, mode, ACCESS_MODES))
  }
  if (accessModes.includes('ReadWriteOncePod') && accessModes.some((mode) => mode !== 'ReadWriteOncePod')) {
    errors.push(forbiddenField(`${path}.accessModes`, 'may not use ReadWriteOncePod with other access modes'))
  }
  errors.push(...storageErrors(`${path}.resources[storage]`, spec.resources?.requests?.storage))
  if (storageClassName) errors.push(...subdomain(`${path}.storageClassName`, storageClassName))
  if (volumeMode !== undefined && !VOLUME_MODES.includes(volumeMode)) {
    errors.push(notSupported(`${path}.volumeMode`, volumeMode, VOLUME_MODES))
  }
  if (dataSource) errors.push(...sourceErrors(`${path}.dataSource`, dataSource))
  if (dataSourceRef) errors.push(...sourceErrors(`${path}.dataSourceRef`, dataSourceRef))
  if (dataSourceRef?.namespace) {
    const field = `${path}.dataSourceRef.namespace`
    errors.push(...isDns1123Label(dataSourceRef.namespace).map((message) => invalid(field, dataSourceRef.namespace, message)))
    if (dataSource) {
      const detail = 'may not be specified when dataSourceRef.namespace is specified'
      errors.push(invalid(path, `${path}.dataSource`, detail))
    }
  } else if (dataSource && dataSourceRef && !sameSource(dataSource, dataSourceRef))
    errors.push(invalid(path, {}, 'must match dataSourceRef'))
  if (volumeAttributesClassName) errors.push(...subdomain(`${path}.volumeAttributesClassName`, volumeAttributesClassName))
  return errors
}

const subdomain = (field: string, name: string): FieldError[] =>
  isDns1123Subdomain(name).map((message) => invalid(field, name, message))

function storageErrors(field: string, text: string | undefined): FieldError[] {
  if (text === undefined) return [required(field)]
  return quantityFromJson(text).sign > 0 ? [] : [invalid(field, text, 'must be greater than zero')]
}

type Source = { apiGroup?: string | null; kind?: string; name?: string }

function sourceErrors(field: string, { apiGroup, kind = '', name = '' }: Source): FieldError[] {
  const errors: FieldError[] = []
  if (name === '') errors.push(required(`${field}.name`))
  if (kind === '') errors.push(required(`${field}.kind`))
  if (!apiGroup && kind !== 'PersistentVolumeClaim') {
    errors.push(invalid(field, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
  }
  if (apiGroup) errors.push(...subdomain(`${field}.apiGroup`, apiGroup))
  return errors
}

const sameSource = (a: Source, b: Source): boolean =>
  (a.apiGroup ?? '') === (b.apiGroup ?? '') && a.kind === b.kind && a.name === b.name

export const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

export function claimWarnings(claim: CoreV1PersistentVolumeClaim): string[] {
  const warnings: string[] = []
  if (claim.metadata?.annotations?.[CLASS_ANNOTATION] !== undefined) {
    warnings.push(`metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`)
  }
  const storage = claim.spec?.resources?.requests?.storage
  if (storage !== undefined && !isWhole(quantityFromJson(storage))) {
    warnings.push(`spec.resources.requests[storage]: fractional byte value "${storage}" is invalid, must be an integer`)
  }
  return warnings
}

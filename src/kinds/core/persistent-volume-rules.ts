import type { CoreV1PersistentVolume, CoreV1PersistentVolumeSpec, CoreV1VolumeNodeAffinity } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { printIndented } from '../../machinery/internal-form.ts'
import { type JsonObject, semanticallyEqual } from '../../machinery/json.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { unifiedDiff } from '../../machinery/unified-diff.ts'
import { isDns1123Subdomain } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { ACCESS_MODES, VOLUME_MODES } from './claim-validation.ts'
import { validateNodeSelector } from './node-selector-rules.ts'
import { sourceOf, validateVolumeSource } from './persistent-volume-source-rules.ts'
import { checked, choice } from './pod-field-rules.ts'
import { immutable, immutableStruct, printed } from './rules.ts'

export const validateVolume = ({ metadata, spec = {} }: CoreV1PersistentVolume): FieldError[] => {
  const path = 'spec'
  const errors = [...validateAccessModes(spec, path), ...validateCapacity(spec.capacity, `${path}.capacity`)]
  const { persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName, volumeMode, volumeAttributesClassName } = spec
  errors.push(
    ...choice(`${path}.persistentVolumeReclaimPolicy`, policy || undefined, RECLAIM_POLICIES),
    ...(nodeAffinity ? validateAffinity(nodeAffinity, `${path}.nodeAffinity`) : []),
    ...validateVolumeSource(spec, metadata?.name ?? '', path),
  )
  if (spec.local && !nodeAffinity) {
    errors.push(required(`${path}.nodeAffinity`, 'Local volume requires node affinity'))
  }
  if (policy === 'Recycle' && spec.hostPath && isRoot(spec.hostPath.path ?? '')) {
    const detail = "may not be 'recycle' for a hostPath mount of '/'"
    errors.push(forbiddenField(`${path}.persistentVolumeReclaimPolicy`, detail))
  }
  if (storageClassName) errors.push(...checked(`${path}.storageClassName`, storageClassName, isDns1123Subdomain))
  errors.push(...choice(`${path}.volumeMode`, volumeMode, VOLUME_MODES))
  return [...errors, ...validateAttributesClass(spec, volumeAttributesClassName, path)]
}

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain']

/** The rules of a volume that stands within another object, where only a driver's volumes may be described. */
export function validateInlineVolume(spec: CoreV1PersistentVolumeSpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  const forbid = (field: keyof CoreV1PersistentVolumeSpec, isForbidden: boolean, detail = 'may not be specified'): void => {
    if (isForbidden) errors.push(forbiddenField(`${path}.${field}`, `${detail} in the context of inline volumes`))
  }
  const { persistentVolumeReclaimPolicy: policy, volumeMode } = spec
  forbid('claimRef', Boolean(spec.claimRef))
  forbid('capacity', Object.keys(spec.capacity ?? {}).length > 0)
  if (!spec.csi) errors.push(required(`${path}.csi`, 'has to be specified in the context of inline volumes'))
  errors.push(...validateAccessModes(spec, path))
  forbid('persistentVolumeReclaimPolicy', Boolean(policy) && policy !== 'Retain', 'may only be Retain')
  forbid('nodeAffinity', Boolean(spec.nodeAffinity))
  errors.push(...validateVolumeSource(spec, '', path))
  forbid('storageClassName', Boolean(spec.storageClassName))
  forbid(
    'volumeMode',
    volumeMode !== undefined && volumeMode !== 'Filesystem',
    'may not specify volumeMode other than Filesystem',
  )
  return errors
}

function validateAccessModes({ accessModes = [] }: CoreV1PersistentVolumeSpec, path: string): FieldError[] {
  const field = `${path}.accessModes`
  const errors = accessModes.length ? accessModes.flatMap((mode) => choice(field, mode, ACCESS_MODES)) : [required(field)]
  const others = accessModes.filter((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode))
  if (accessModes.includes('ReadWriteOncePod') && others.length) {
    errors.push(forbiddenField(field, 'may not use ReadWriteOncePod with other access modes'))
  }
  return errors
}

function validateCapacity(capacity: CoreV1PersistentVolumeSpec['capacity'], path: string): FieldError[] {
  const names = Object.keys(capacity ?? {})
  const errors: FieldError[] = names.length ? [] : [required(path)]
  if (names.length !== 1 || names[0] !== 'storage') {
    const shown = capacity && Object.fromEntries(Object.entries(capacity).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    errors.push(notSupported(path, shown, ['storage']))
  }
  for (const name of names) {
    const amount = quantityFromJson(capacity?.[name])
    if (amount.sign < 0) errors.push(invalid(`${path}[${name}]`, amount.value(), 'must be a valid resource quantity'))
    if (amount.sign <= 0) errors.push(invalid(`${path}[${name}]`, String(amount), 'must be greater than zero'))
  }
  return errors
}

const validateAffinity = ({ required: needed }: CoreV1VolumeNodeAffinity, path: string): FieldError[] =>
  needed
    ? validateNodeSelector(needed, `${path}.required`)
    : [required(`${path}.required`, 'must specify required node constraints')]

/** Whether a path leads to `/`, whatever its dots and slashes. */
function isRoot(path: string): boolean {
  if (!path.startsWith('/')) return false
  let depth = 0
  for (const part of path.split('/')) {
    if (part === '..') depth = Math.max(0, depth - 1)
    else if (part && part !== '.') depth++
  }
  return depth === 0
}

function validateAttributesClass(spec: CoreV1PersistentVolumeSpec, name: string | undefined, path: string): FieldError[] {
  if (name === undefined) return []
  const field = `${path}.volumeAttributesClassName`
  const errors = name ? checked(field, name, isDns1123Subdomain) : [required(field, 'an empty string is disallowed')]
  if (!spec.csi) errors.push(required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName'))
  return errors
}

/** What an update may change: everything but where the volume is and from which nodes it is reached. */
export function validateVolumeUpdate(
  volume: CoreV1PersistentVolume,
  old: CoreV1PersistentVolume,
  context: WriteContext,
): FieldError[] {
  // The reference looks at the whole volume twice, and tells of what it finds as often.
  const errors = [...validateVolume(volume), ...validateVolume(volume)]
  const { spec = {} } = volume
  const { spec: before = {} } = old
  const [source, oldSource] = [withoutNewSecret(sourceOf(spec), before), sourceOf(before)]
  if (!semanticallyEqual(source, oldSource)) {
    const difference = sourceDifference(oldSource, source, context)
    const detail = `spec.persistentvolumesource is immutable after creation\n${difference}`
    errors.push(forbiddenField('spec.persistentvolumesource', detail))
  }
  errors.push(...immutable('volumeMode', spec.volumeMode, before.volumeMode))
  if (before.nodeAffinity) {
    const affinity = withOldLabels(spec.nodeAffinity, before.nodeAffinity)
    errors.push(
      ...(affinity
        ? immutableStruct('nodeAffinity', affinity, before.nodeAffinity, `${CORE}VolumeNodeAffinity`, context)
        : immutable('nodeAffinity', undefined, before.nodeAffinity)),
    )
  }
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.push(forbiddenField('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'))
  }
  return errors
}

const CORE = 'io.k8s.api.core.v1.'

/** The secret for expanding a driver's volume may be added later. */
function withoutNewSecret(source: CoreV1PersistentVolumeSpec, old: CoreV1PersistentVolumeSpec): CoreV1PersistentVolumeSpec {
  if (!source.csi?.controllerExpandSecretRef || !old.csi || old.csi.controllerExpandSecretRef) return source
  return { ...source, csi: { ...source.csi, controllerExpandSecretRef: undefined } }
}

/** Members of the internal spec that aren't of the source. */
const NO_SOURCE = new Set([
  'Capacity',
  'AccessModes',
  'ClaimRef',
  'PersistentVolumeReclaimPolicy',
  'StorageClassName',
  'MountOptions',
  'VolumeMode',
  'NodeAffinity',
  'VolumeAttributesClassName',
])

function sourceDifference(before: object, after: object, context: WriteContext): string {
  const print = (source: object): string => {
    const form = printed(source, `${CORE}PersistentVolumeSpec`, context) as JsonObject
    return printIndented(Object.fromEntries(Object.entries(form).filter(([name]) => !NO_SOURCE.has(name))))
  }
  return unifiedDiff(print(before), print(after))
}

/** Labels of nodes that went by another name before they became stable; a volume may change to the new one. */
const RENAMED: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
}

function withOldLabels(
  affinity: CoreV1VolumeNodeAffinity | undefined,
  old: CoreV1VolumeNodeAffinity,
): CoreV1VolumeNodeAffinity | undefined {
  if (!affinity?.required) return affinity
  const nodeSelectorTerms = affinity.required.nodeSelectorTerms?.map((term, i) => ({
    ...term,
    matchExpressions: term.matchExpressions?.map((expression, j) => {
      const before = old.required?.nodeSelectorTerms?.[i]?.matchExpressions?.[j]?.key
      return before !== undefined && RENAMED[before] === expression.key ? { ...expression, key: before } : expression
    }),
  }))
  return { ...affinity, required: { ...affinity.required, nodeSelectorTerms } }
}

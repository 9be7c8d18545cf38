import type { CoreV1PodSpec, CoreV1ProjectedVolumeSource, CoreV1Volume } from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, quote, required } from '../../machinery/field-errors.ts'
import { validateAnnotations, validateLabels } from '../../machinery/label-validation.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../machinery/validation.ts'
import { validateClaimSpec } from './claim-validation.ts'
import { validateDownwardFile } from './pod-downward-rules.ts'
import { checked, choice, driverName, fileMode, hostPath, present, unreservedPath } from './pod-field-rules.ts'
import { validateBlockSource } from './pod-volume-block-rules.ts'

export interface VolumeSurroundings {
  /** Name of the pod, where it is known. */
  podName: string
  /** Whether this is a pod rather than a template. */
  isPod: boolean
}

/**
 * The volumes of a pod.
 * @param errors gets what is wrong with them
 * @returns those that are right, by name: others can't be mounted
 */
export function validateVolumes(
  { volumes }: CoreV1PodSpec,
  path: string,
  surroundings: VolumeSurroundings,
  errors: FieldError[],
): ReadonlyMap<string, CoreV1Volume> {
  const valid = new Map<string, CoreV1Volume>()
  volumes?.forEach((volume, i) => {
    const at = `${path}[${i}]`
    const { name = '' } = volume
    const problems = validateSource(volume, at, surroundings)
    if (!name) problems.push(required(`${at}.name`))
    else problems.push(...checked(`${at}.name`, name, isDns1123Label))
    if (valid.has(name)) problems.push(duplicate(`${at}.name`, name))
    if (problems.length) errors.push(...problems)
    else valid.set(name, volume)
  })
  return valid
}

/** How the sources are called in errors where that isn't their name. */
const PATHS: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' }

function validateSource(volume: CoreV1Volume, path: string, surroundings: VolumeSurroundings): FieldError[] {
  const errors: FieldError[] = []
  let isFirst = true
  for (const [kind, source] of Object.entries(volume)) {
    if (kind === 'name' || source === undefined || source === null) continue
    const at = `${path}.${PATHS[kind] ?? kind}`
    if (isFirst) errors.push(...validateOneSource(volume, kind, at, path, surroundings))
    else errors.push(forbiddenField(at, 'may not specify more than 1 volume type'))
    isFirst = false
  }
  return isFirst ? [required(path, 'must specify a volume type')] : errors
}

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

function validateOneSource(
  volume: CoreV1Volume,
  kind: string,
  at: string,
  path: string,
  { podName, isPod }: VolumeSurroundings,
): FieldError[] {
  switch (kind) {
    case 'emptyDir': {
      const { sizeLimit } = volume.emptyDir!
      if (sizeLimit === undefined || quantityFromJson(sizeLimit).sign >= 0) return []
      return [forbiddenField(`${at}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
    }
    case 'hostPath': {
      const source = volume.hostPath!
      const errors = source.path ? hostPath(`${at}.path`, source.path) : [required(`${at}.path`)]
      return [...errors, ...choice(`${at}.type`, source.type, HOST_PATH_TYPES)]
    }
    case 'secret':
      return validateFiles(volume.secret!, at, 'secretName')
    case 'configMap':
      return validateFiles(volume.configMap!, at, 'name')
    case 'downwardAPI': {
      const { defaultMode, items } = volume.downwardAPI!
      return [...fileMode(`${at}.defaultMode`, defaultMode), ...(items ?? []).flatMap((file) => validateDownwardFile(file, at))]
    }
    case 'projected':
      return validateProjected(volume.projected!, at)
    case 'persistentVolumeClaim':
      return present(`${at}.claimName`, volume.persistentVolumeClaim!.claimName)
    case 'ephemeral': {
      const template = volume.ephemeral!.volumeClaimTemplate
      if (!template) return [required(`${at}.volumeClaimTemplate`)]
      const own = `${at}.volumeClaimTemplate`
      return [
        ...validateLabels(template.metadata?.labels, `${own}.labels`),
        ...validateAnnotations(template.metadata?.annotations, `${own}.annotations`),
        ...validateClaimSpec(template.spec ?? {}, `${own}.spec`),
        ...validateClaimName(podName, volume.name ?? '', `${path}.name`),
      ]
    }
    case 'image': {
      const { reference, pullPolicy } = volume.image!
      return [
        ...(isPod ? present(`${at}.reference`, reference) : []),
        ...choice(`${at}.pullPolicy`, pullPolicy || undefined, ['Always', 'IfNotPresent', 'Never']),
      ]
    }
    case 'csi': {
      const { driver = '', nodePublishSecretRef } = volume.csi!
      const errors = driverName(`${at}.driver`, driver)
      if (!nodePublishSecretRef) return errors
      if (!nodePublishSecretRef.name) return [...errors, required(`${at}.nodePublishSecretRef.name`)]
      return [...errors, ...checked(`${at}.name`, nodePublishSecretRef.name, isDns1123Subdomain)]
    }
    case 'iscsi': {
      const { initiatorName, targetPortal = '' } = volume.iscsi!
      const errors = validateBlockSource(volume, kind, at)
      if (initiatorName === undefined || `${volume.name}:${targetPortal}`.length <= 64) return errors
      const detail =
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
      return [...errors, invalid(`${path}.name`, volume.name, detail)]
    }
    case 'storageos': {
      const { volumeName, volumeNamespace, secretRef } = volume.storageos!
      return [
        ...(volumeName ? checked(`${at}.volumeName`, volumeName, isDns1123Label) : [required(`${at}.volumeName`)]),
        ...(volumeNamespace ? checked(`${at}.volumeNamespace`, volumeNamespace, isDns1123Label) : []),
        ...(secretRef ? present(`${at}.secretRef.name`, secretRef.name) : []),
      ]
    }
    default:
      return validateBlockSource(volume, kind, at)
  }
}

/** The claim that is made for the volume is named after it and the pod. */
function validateClaimName(podName: string, name: string, field: string): FieldError[] {
  if (!podName || !name) return []
  const claim = `${podName}-${name}`
  return isDns1123Subdomain(claim).map((message) => invalid(field, name, `PVC name ${quote(claim)}: ${message}`))
}

interface Item {
  key?: string
  path?: string
  mode?: number
}

function validateFiles<T extends { defaultMode?: number; items?: Item[] }>(
  source: T,
  at: string,
  name: keyof T & string,
): FieldError[] {
  return [
    ...present(`${at}.${name}`, source[name] as string | undefined),
    ...fileMode(`${at}.defaultMode`, source.defaultMode),
    ...validateItems(source.items, `${at}.items`),
  ]
}

function validateItems(items: readonly Item[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => [
    ...present(`${path}[${i}].key`, item.key),
    ...present(`${path}[${i}].path`, item.path),
    ...unreservedPath(`${path}[${i}].path`, item.path ?? ''),
    ...fileMode(`${path}[${i}].mode`, item.mode),
  ])
}

const MIN_EXPIRATION = 600
const MAX_EXPIRATION = 2 ** 32

function validateProjected({ defaultMode, sources }: CoreV1ProjectedVolumeSource, path: string): FieldError[] {
  const errors = fileMode(`${path}.defaultMode`, defaultMode)
  const paths = new Set<string>()
  const claim = (file: string | undefined, value: string | undefined): void => {
    if (!file) return
    if (paths.has(file)) errors.push(invalid(path, value, 'conflicting duplicate paths'))
    paths.add(file)
  }
  sources?.forEach((source, i) => {
    const at = `${path}.sources[${i}]`
    const { secret, configMap, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source
    for (const [name, files] of [
      ['secret', secret],
      ['configMap', configMap],
    ] as const) {
      if (!files) continue
      errors.push(...present(`${at}.${name}.name`, files.name), ...validateItems(files.items, `${at}.${name}.items`))
      for (const item of files.items ?? []) claim(item.path, files.name)
    }
    for (const file of downwardAPI?.items ?? []) {
      errors.push(...validateDownwardFile(file, `${at}.downwardAPI`))
      claim(file.path, file.path)
    }
    if (token) {
      const seconds = token.expirationSeconds ?? 0
      const field = `${at}.serviceAccountToken.expirationSeconds`
      if (seconds < MIN_EXPIRATION) {
        errors.push(invalid(field, seconds, 'may not specify a duration less than 10 minutes'))
      }
      if (seconds > MAX_EXPIRATION) {
        errors.push(invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds'))
      }
      errors.push(...(token.path ? unreservedPath(`${path}.path`, token.path) : [required(`${path}.path`)]))
    }
    if (bundle) {
      const own = `${at}.clusterTrustBundle`
      if (bundle.name === undefined && bundle.signerName === undefined) {
        errors.push(required(own, 'either name or signerName must be specified'))
      } else if (bundle.name === '') errors.push(required(`${own}.name`, 'must be a valid object name'))
      else if (bundle.signerName === '') errors.push(required(`${own}.signerName`, 'must be a valid signer name'))
      errors.push(...present(`${own}.path`, bundle.path), ...unreservedPath(`${own}.path`, bundle.path ?? ''))
      claim(bundle.path, bundle.path)
    }
    if (Object.values(source).filter(Boolean).length > 1) {
      errors.push(forbiddenField(at, 'may not specify more than 1 volume type'))
    }
  })
  return errors
}

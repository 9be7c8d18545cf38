import type {
  CoreV1PodSpec,
  CoreV1ProjectedVolumeSource,
  CoreV1ServiceAccountTokenProjection,
  CoreV1Volume,
  CoreV1VolumeProjection,
} from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, quote, required } from '../../machinery/field-errors.ts'
import { validateAnnotations, validateLabels } from '../../machinery/label-validation.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../machinery/validation.ts'
import { validateClaimSpec } from './claim-validation.ts'
import {
  checkChoice,
  checkEach,
  checkFileMode,
  checkNeeded,
  checkPresent,
  checkText,
  checkUnreservedPath,
} from './field-checks.ts'
import { validateDownwardFile } from './pod-downward-rules.ts'
import { driverName, hostPath } from './pod-field-rules.ts'
import { validateBlockSource } from './pod-volume-block-rules.ts'

export interface VolumeSurroundings {
  /** Name of the pod, where it is known. */
  podName: string
  /** Whether this is a pod rather than a template. */
  isPod: boolean
}

const NO_VOLUMES: ReadonlyMap<string, CoreV1Volume> = new Map()

/**
 * The volumes of a pod.
 * @param errors gets what is wrong with them
 * @returns those that are right, by name: others can't be mounted
 */
export function validateVolumes(
  errors: FieldError[],
  { volumes }: CoreV1PodSpec,
  path: string,
  surroundings: VolumeSurroundings,
): ReadonlyMap<string, CoreV1Volume> {
  if (!volumes?.length) return NO_VOLUMES
  const valid = new Map<string, CoreV1Volume>()
  for (let i = 0; i < volumes.length; i++) {
    const volume = volumes[i]!
    const at = `${path}.volumes[${i}]`
    const { name = '' } = volume
    const before = errors.length
    validateSource(errors, volume, at, surroundings)
    checkNeeded(errors, at, 'name', name, isDns1123Label)
    if (valid.has(name)) errors.push(duplicate(`${at}.name`, name))
    if (errors.length === before) valid.set(name, volume)
  }
  return valid
}

/** How the sources are called in errors where that isn't their name. */
const PATHS: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' }

function validateSource(errors: FieldError[], volume: CoreV1Volume, path: string, surroundings: VolumeSurroundings): void {
  let isFirst = true
  for (const kind in volume) {
    const source = volume[kind as keyof CoreV1Volume]
    if (kind === 'name' || source === undefined || source === null) continue
    const at = `${path}.${PATHS[kind] ?? kind}`
    if (isFirst) validateOneSource(errors, volume, kind, at, path, surroundings)
    else errors.push(forbiddenField(at, 'may not specify more than 1 volume type'))
    isFirst = false
  }
  if (isFirst) errors.push(required(path, 'must specify a volume type'))
}

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']

function validateOneSource(
  errors: FieldError[],
  volume: CoreV1Volume,
  kind: string,
  at: string,
  path: string,
  { podName, isPod }: VolumeSurroundings,
): void {
  switch (kind) {
    case 'emptyDir': {
      const { sizeLimit } = volume.emptyDir!
      if (sizeLimit === undefined || quantityFromJson(sizeLimit).sign >= 0) break
      errors.push(forbiddenField(`${at}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
      break
    }
    case 'hostPath': {
      const source = volume.hostPath!
      errors.push(...(source.path ? hostPath(`${at}.path`, source.path) : [required(`${at}.path`)]))
      checkChoice(errors, at, 'type', source.type, HOST_PATH_TYPES)
      break
    }
    case 'secret':
      validateFiles(errors, volume.secret!, at, 'secretName')
      break
    case 'configMap':
      validateFiles(errors, volume.configMap!, at, 'name')
      break
    case 'downwardAPI': {
      const { defaultMode, items } = volume.downwardAPI!
      checkFileMode(errors, at, 'defaultMode', defaultMode)
      if (items) for (const file of items) validateDownwardFile(errors, file, at)
      break
    }
    case 'projected':
      validateProjected(errors, volume.projected!, at)
      break
    case 'persistentVolumeClaim':
      checkPresent(errors, at, 'claimName', volume.persistentVolumeClaim!.claimName)
      break
    case 'ephemeral': {
      const template = volume.ephemeral!.volumeClaimTemplate
      const own = `${at}.volumeClaimTemplate`
      if (template) {
        errors.push(...validateLabels(template.metadata?.labels, `${own}.labels`))
        errors.push(...validateAnnotations(template.metadata?.annotations, `${own}.annotations`))
        errors.push(...validateClaimSpec(template.spec ?? {}, `${own}.spec`))
        errors.push(...validateClaimName(podName, volume.name ?? '', `${path}.name`))
      } else errors.push(required(own))
      break
    }
    case 'image': {
      const { reference, pullPolicy } = volume.image!
      if (isPod) checkPresent(errors, at, 'reference', reference)
      if (pullPolicy) checkChoice(errors, at, 'pullPolicy', pullPolicy, PULL_POLICIES)
      break
    }
    case 'csi': {
      const { driver = '', nodePublishSecretRef } = volume.csi!
      errors.push(...driverName(`${at}.driver`, driver))
      if (!nodePublishSecretRef) break
      if (nodePublishSecretRef.name) checkText(errors, at, 'name', nodePublishSecretRef.name, isDns1123Subdomain)
      else errors.push(required(`${at}.nodePublishSecretRef.name`))
      break
    }
    case 'iscsi': {
      const { initiatorName, targetPortal = '' } = volume.iscsi!
      errors.push(...validateBlockSource(volume, kind, at))
      if (initiatorName === undefined || `${volume.name}:${targetPortal}`.length <= 64) break
      const detail =
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
      errors.push(invalid(`${path}.name`, volume.name, detail))
      break
    }
    case 'storageos': {
      const { volumeName, volumeNamespace, secretRef } = volume.storageos!
      checkNeeded(errors, at, 'volumeName', volumeName, isDns1123Label)
      if (volumeNamespace) checkText(errors, at, 'volumeNamespace', volumeNamespace, isDns1123Label)
      if (secretRef) checkPresent(errors, at, 'secretRef.name', secretRef.name)
      break
    }
    default:
      errors.push(...validateBlockSource(volume, kind, at))
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
  errors: FieldError[],
  source: T,
  at: string,
  name: keyof T & string,
): void {
  checkPresent(errors, at, name, source[name] as string | undefined)
  checkFileMode(errors, at, 'defaultMode', source.defaultMode)
  checkEach(errors, at, 'items', source.items, validateItem, undefined)
}

function validateItem(errors: FieldError[], { key, path, mode }: Item, at: string): void {
  checkPresent(errors, at, 'key', key)
  checkPresent(errors, at, 'path', path)
  checkUnreservedPath(errors, at, 'path', path ?? '')
  checkFileMode(errors, at, 'mode', mode)
}

function validateProjected(errors: FieldError[], { defaultMode, sources }: CoreV1ProjectedVolumeSource, path: string): void {
  checkFileMode(errors, path, 'defaultMode', defaultMode)
  if (sources) checkEach(errors, path, 'sources', sources, validateProjection, { path, files: new Set<string>() })
}

/** What the sources of a projected volume share: its path, and the files that the sources before make. */
interface ProjectedVolume {
  path: string
  files: Set<string>
}

const KEY_SOURCES = ['secret', 'configMap'] as const

function validateProjection(errors: FieldError[], source: CoreV1VolumeProjection, at: string, volume: ProjectedVolume): void {
  for (const kind of KEY_SOURCES) {
    const files = source[kind]
    if (!files) continue
    checkPresent(errors, at, `${kind}.name`, files.name)
    checkEach(errors, at, `${kind}.items`, files.items, validateItem, undefined)
    if (files.items) for (const item of files.items) claimFile(errors, volume, item.path, files.name)
  }
  const { downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source
  if (downwardAPI?.items) {
    const own = `${at}.downwardAPI`
    for (const file of downwardAPI.items) {
      validateDownwardFile(errors, file, own)
      claimFile(errors, volume, file.path, file.path)
    }
  }
  if (token) validateToken(errors, token, at, volume.path)
  if (bundle) {
    const own = `${at}.clusterTrustBundle`
    if (bundle.name === undefined && bundle.signerName === undefined) {
      errors.push(required(own, 'either name or signerName must be specified'))
    } else if (bundle.name === '') errors.push(required(`${own}.name`, 'must be a valid object name'))
    else if (bundle.signerName === '') errors.push(required(`${own}.signerName`, 'must be a valid signer name'))
    checkPresent(errors, own, 'path', bundle.path)
    checkUnreservedPath(errors, own, 'path', bundle.path ?? '')
    claimFile(errors, volume, bundle.path, bundle.path)
  }
  let kinds = 0
  for (const kind in source) if (source[kind as keyof CoreV1VolumeProjection]) kinds++
  if (kinds > 1) errors.push(forbiddenField(at, 'may not specify more than 1 volume type'))
}

function claimFile(errors: FieldError[], volume: ProjectedVolume, file: string | undefined, value: string | undefined): void {
  if (!file) return
  if (volume.files.has(file)) errors.push(invalid(volume.path, value, 'conflicting duplicate paths'))
  volume.files.add(file)
}

const MIN_EXPIRATION = 600
const MAX_EXPIRATION = 2 ** 32

/** @param path of the volume, by which the reference calls the token's */
function validateToken(errors: FieldError[], token: CoreV1ServiceAccountTokenProjection, at: string, path: string): void {
  const seconds = token.expirationSeconds ?? 0
  if (seconds < MIN_EXPIRATION || seconds > MAX_EXPIRATION) {
    const detail = seconds < MIN_EXPIRATION ? 'less than 10 minutes' : 'larger than 2^32 seconds'
    const field = `${at}.serviceAccountToken.expirationSeconds`
    errors.push(invalid(field, seconds, `may not specify a duration ${detail}`))
  }
  if (token.path) checkUnreservedPath(errors, path, 'path', token.path)
  else errors.push(required(`${path}.path`))
}

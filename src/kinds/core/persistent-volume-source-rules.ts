import type {
  CoreV1CSIPersistentVolumeSource,
  CoreV1ISCSIPersistentVolumeSource,
  CoreV1PersistentVolumeSpec,
  CoreV1SecretReference,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { isDns1123Label } from '../../machinery/validation.ts'
import { checked, choice, driverName, hostPath, objectName, present } from './pod-field-rules.ts'
import { validateBlockSource, validateIscsi } from './pod-volume-block-rules.ts'

type SourceName = keyof CoreV1PersistentVolumeSpec

/** In the order that they are looked at; only the first one that is there counts. */
const SOURCES: readonly SourceName[] = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
]

/** How errors of a source call it where that isn't its name, and those that tell of one too many. */
const PATHS: Partial<Record<SourceName, string>> = { gcePersistentDisk: 'persistentDisk' }
const SURPLUS_PATHS: Partial<Record<SourceName, string>> = { cephfs: 'cephFS' }

/** Where a volume is. @param name of the volume, empty for one that stands within another object */
export function validateVolumeSource(spec: CoreV1PersistentVolumeSpec, name: string, path: string): FieldError[] {
  const given = SOURCES.filter((source) => spec[source])
  if (!given.length) return [required(path, 'must specify a volume type')]
  return given.flatMap((source, i) => {
    if (i > 0 && source !== 'flexVolume') {
      return [forbiddenField(`${path}.${SURPLUS_PATHS[source] ?? source}`, 'may not specify more than 1 volume type')]
    }
    return validateSource(spec, source, `${path}.${PATHS[source] ?? source}`, name)
  })
}

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

function validateSource(spec: CoreV1PersistentVolumeSpec, source: SourceName, at: string, name: string): FieldError[] {
  switch (source) {
    case 'hostPath':
      return [...pathErrors(`${at}.path`, spec.hostPath!.path), ...choice(`${at}.type`, spec.hostPath!.type, HOST_PATH_TYPES)]
    case 'local':
      return pathErrors(`${at}.path`, spec.local!.path)
    case 'iscsi':
      return validateIscsiTarget(spec.iscsi!, at, name)
    case 'csi':
      return validateCsi(spec.csi!, at)
    case 'glusterfs': {
      const { endpointsNamespace: namespace } = spec.glusterfs!
      const errors = validateBlockSource(spec, source, at)
      const field = `${at}.endpointsNamespace`
      if (namespace === undefined) return errors
      if (namespace) return [...errors, ...checked(field, namespace, isDns1123Label)]
      const detail = 'if the endpointnamespace is set, it must be a valid namespace name'
      return [...errors, invalid(field, namespace, detail)]
    }
    case 'azureFile': {
      const errors = validateBlockSource(spec, source, at)
      return spec.azureFile!.secretNamespace === '' ? [...errors, required(`${at}.secretNamespace`)] : errors
    }
    case 'cinder': {
      const { secretRef } = spec.cinder!
      const errors = validateBlockSource(spec, source, at)
      return secretRef ? [...errors, ...present(`${at}.secretRef.namespace`, secretRef.namespace)] : errors
    }
    case 'storageos': {
      const { volumeName, volumeNamespace, secretRef } = spec.storageos!
      return [
        ...(volumeName ? checked(`${at}.volumeName`, volumeName, isDns1123Label) : [required(`${at}.volumeName`)]),
        ...(volumeNamespace ? checked(`${at}.volumeNamespace`, volumeNamespace, isDns1123Label) : []),
        ...(secretRef ? present(`${at}.secretRef.name`, secretRef.name) : []),
        ...(secretRef ? present(`${at}.secretRef.namespace`, secretRef.namespace) : []),
      ]
    }
    default:
      return validateBlockSource(spec, source, at)
  }
}

const pathErrors = (field: string, path: string | undefined): FieldError[] => (path ? hostPath(field, path) : [required(field)])

const MAX_PORTAL_ID = 64

function validateIscsiTarget(source: CoreV1ISCSIPersistentVolumeSource, at: string, name: string): FieldError[] {
  const { targetPortal = '', iqn, initiatorName, secretRef } = source
  const errors = [
    ...present(`${at}.targetPortal`, targetPortal),
    ...present(`${at}.iqn`, iqn),
    ...validateIscsi(source, at, 'must be valid format'),
    ...(secretRef ? present(`${at}.secretRef.name`, secretRef.name) : []),
  ]
  if (initiatorName === undefined || `${name}:${targetPortal}`.length <= MAX_PORTAL_ID) return errors
  const detail =
    'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
  return [...errors, invalid(`${at}.targetportal`, targetPortal, detail)]
}

const CSI_SECRETS = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const

const validateCsi = (source: CoreV1CSIPersistentVolumeSource, at: string): FieldError[] => [
  ...driverName(`${at}.driver`, source.driver ?? ''),
  ...present(`${at}.volumeHandle`, source.volumeHandle),
  ...CSI_SECRETS.flatMap((field) => {
    const secret = source[field]
    return secret ? validateSecret(secret, `${at}.${field}`) : []
  }),
]

const validateSecret = ({ name, namespace }: CoreV1SecretReference, at: string): FieldError[] => [
  ...objectName(`${at}.name`, name),
  ...(namespace ? checked(`${at}.namespace`, namespace, isDns1123Label) : [required(`${at}.namespace`)]),
]

/** The members of a spec that say where the volume is. */
export const sourceOf = (spec: CoreV1PersistentVolumeSpec): CoreV1PersistentVolumeSpec =>
  Object.fromEntries(Object.entries(spec).filter(([field]) => SOURCES.includes(field as SourceName)))

import type { CoreV1AzureDiskVolumeSource, CoreV1ISCSIVolumeSource, CoreV1Volume } from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { byteLength, inclusiveRangeError } from '../../machinery/validation.ts'
import { choice, descendingPath, present, within } from './pod-field-rules.ts'

/** Texts without which a source names no disk or share. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  gcePersistentDisk: ['pdName'],
  awsElasticBlockStore: ['volumeID'],
  gitRepo: ['repository'],
  nfs: ['server', 'path'],
  iscsi: ['targetPortal', 'iqn'],
  glusterfs: ['endpoints', 'path'],
  rbd: ['image'],
  cinder: ['volumeID'],
  vsphereVolume: ['volumePath'],
  azureFile: ['secretName', 'shareName'],
  azureDisk: ['diskName', 'diskURI'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  flexVolume: ['driver'],
}

/** Sources that are disks or shares of a system outside of the cluster. */
export function validateBlockSource(volume: CoreV1Volume, kind: string, at: string): FieldError[] {
  const source = volume[kind as keyof CoreV1Volume] as unknown as Record<string, unknown>
  const errors = (NEEDED[kind] ?? []).flatMap((field) => present(`${at}.${field}`, source[field] as string | undefined))
  return [...errors, ...furtherErrors(volume, kind, at)]
}

const MAX_LUN = 255
const PAIRS = 'must be a host:port pair or multiple pairs separated by commas'
const MAX_TENANT = 65

function furtherErrors(volume: CoreV1Volume, kind: string, at: string): FieldError[] {
  switch (kind) {
    case 'gcePersistentDisk':
      return partition(`${at}.partition`, volume.gcePersistentDisk!.partition)
    case 'awsElasticBlockStore':
      return partition(`${at}.partition`, volume.awsElasticBlockStore!.partition)
    case 'flexVolume':
      return Object.keys(volume.flexVolume!.options ?? {})
        .filter(isReserved)
        .map((key) => invalid(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))
    case 'gitRepo':
      return descendingPath(`${at}.directory`, volume.gitRepo!.directory ?? '')
    case 'nfs': {
      const { path = '' } = volume.nfs!
      return !path.startsWith('/') ? [invalid(`${at}.path`, path, 'must be an absolute path')] : []
    }
    case 'iscsi':
      return validateIscsi(volume.iscsi!, at, 'must be valid format starting with iqn, eui, or naa')
    case 'rbd':
      return volume.rbd!.monitors?.length ? [] : [required(`${at}.monitors`)]
    case 'cephfs':
      return volume.cephfs!.monitors?.length ? [] : [required(`${at}.monitors`)]
    case 'cinder': {
      const { secretRef } = volume.cinder!
      return secretRef ? present(`${at}.secretRef.name`, secretRef.name) : []
    }
    case 'azureDisk':
      return validateAzureDisk(volume.azureDisk!, at)
    case 'flocker': {
      const { datasetName = '', datasetUUID = '' } = volume.flocker!
      if (!datasetName && !datasetUUID) return [required(at, 'one of datasetName and datasetUUID is required')]
      const errors: FieldError[] = []
      if (datasetName && datasetUUID) {
        errors.push(invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
      }
      if (datasetName.includes('/')) errors.push(invalid(`${at}.datasetName`, datasetName, "must not contain '/'"))
      return errors
    }
    case 'fc': {
      const { targetWWNs = [], wwids = [], lun } = volume.fc!
      const field = `${at}.targetWWNs`
      const errors: FieldError[] = []
      if (!targetWWNs.length && !wwids.length) {
        errors.push(required(field, 'must specify either targetWWNs or wwids, but not both'))
      }
      if (!targetWWNs.length) return errors
      if (wwids.length) errors.push(invalid(field, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'))
      if (lun === undefined) return [...errors, required(`${at}.lun`, 'lun is required if targetWWNs is specified')]
      return [...errors, ...within(`${at}.lun`, lun, 0, MAX_LUN)]
    }
    case 'quobyte': {
      const { registry = '', tenant = '', volume: name } = volume.quobyte!
      const errors: FieldError[] = []
      if (!registry) errors.push(required(`${at}.registry`, PAIRS))
      else if (byteLength(tenant) >= MAX_TENANT) {
        errors.push(required(`${at}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
      } else {
        for (const pair of registry.split(',')) {
          if (!/^([^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair)) errors.push(invalid(`${at}.registry`, registry, PAIRS))
        }
      }
      return [...errors, ...present(`${at}.volume`, name)]
    }
    default:
      return []
  }
}

/** No partition at all is 0. */
const partition = (field: string, number = 0): FieldError[] =>
  number < 0 || number > 255 ? [invalid(field, number, inclusiveRangeError(1, 255))] : []

const isReserved = (key: string): boolean => /(?:^|\.)(?:kubernetes|k8s)\.io$/.test(key.split('/', 1)[0]!.toLowerCase())

const QUALIFIED_NAMES: readonly [prefix: string, form: RegExp][] = [
  ['iqn', /iqn\.[0-9]{4}-[0-9]{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[A-Za-z0-9]{16}$/],
  ['naa', /^naa.[A-Za-z0-9]{32}$/],
]

/** @param unknown what is said of names that start with none of the known formats */
export function validateIscsi(source: CoreV1ISCSIVolumeSource, at: string, unknown: string): FieldError[] {
  const { iqn, lun, initiatorName, chapAuthDiscovery, chapAuthSession, secretRef } = source
  return [
    ...(iqn ? qualifiedName(`${at}.iqn`, iqn, unknown) : []),
    ...within(`${at}.lun`, lun, 0, MAX_LUN),
    ...((chapAuthDiscovery || chapAuthSession) && !secretRef ? [required(`${at}.secretRef`)] : []),
    ...(initiatorName === undefined ? [] : qualifiedName(`${at}.initiatorname`, initiatorName, unknown)),
  ]
}

function qualifiedName(field: string, name: string, unknown: string): FieldError[] {
  const known = QUALIFIED_NAMES.find(([prefix]) => name.startsWith(prefix))
  if (!known) return [invalid(field, name, unknown)]
  return known[1].test(name) ? [] : [invalid(field, name, 'must be valid format')]
}

const MANAGED_DISK = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const BLOB_DISK = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'

function validateAzureDisk({ cachingMode, kind, diskURI = '' }: CoreV1AzureDiskVolumeSource, at: string): FieldError[] {
  const errors = [
    ...choice(`${at}.cachingMode`, cachingMode, ['None', 'ReadOnly', 'ReadWrite']),
    ...choice(`${at}.kind`, kind, ['Dedicated', 'Managed', 'Shared']),
  ]
  if (kind === 'Managed') {
    if (!diskURI.startsWith('/subscriptions/')) errors.push(notSupported(`${at}.diskURI`, diskURI, [MANAGED_DISK]))
  } else if (kind !== undefined && !diskURI.startsWith('https://')) {
    errors.push(notSupported(`${at}.diskURI`, diskURI, [BLOB_DISK]))
  }
  return errors
}

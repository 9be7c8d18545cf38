import type {
  CoreV1DownwardAPIVolumeFile,
  CoreV1ObjectFieldSelector,
  CoreV1ResourceFieldSelector,
} from '../../generated/types.ts'
import { addMessages, type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { quantityFromJson } from '../../machinery/quantity.ts'
import { isQualifiedName } from '../../machinery/validation.ts'
import { checkChoice, checkFileMode, checkPresent, checkUnreservedPath } from './field-checks.ts'

const KNOWN_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.host',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.phase',
  'status.podIP',
  'status.podIPs',
]
export const ENV_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
const FILE_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
const RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

const SUBSCRIPT = /^(.+?)\['(.*)'\]$/s

/** A field of the pod that shows inside. `allowed` are the fields that may show there. */
export function validateFieldRef(
  errors: FieldError[],
  { apiVersion, fieldPath }: CoreV1ObjectFieldSelector,
  path: string,
  allowed: readonly string[],
): void {
  checkPresent(errors, path, 'apiVersion', apiVersion)
  if (!fieldPath) {
    errors.push(required(`${path}.fieldPath`))
    return
  }
  const match = fieldPath.endsWith("']") ? SUBSCRIPT.exec(fieldPath) : undefined
  const subscripted = match?.[1]
  const ofMetadata = subscripted === 'metadata.annotations' || subscripted === 'metadata.labels'
  const problem = fieldProblem(apiVersion ?? '', fieldPath, subscripted, ofMetadata)
  if (problem) {
    errors.push(invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${problem}`))
    return
  }
  const subscript = match?.[2]
  if (subscript !== undefined) {
    const key = subscripted === 'metadata.annotations' ? subscript.toLowerCase() : subscript
    addMessages(errors, path, key, isQualifiedName(key))
    return
  }
  checkChoice(errors, path, 'fieldPath', fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath, allowed)
}

function fieldProblem(version: string, field: string, subscripted: string | undefined, ofMetadata: boolean): string | undefined {
  if (version !== 'v1') return `unsupported pod version: ${version}`
  if (subscripted !== undefined) return ofMetadata ? undefined : `field label does not support subscript: ${field}`
  return KNOWN_FIELDS.includes(field) ? undefined : `field label not supported: ${field}`
}

/** An amount of a container that shows inside. In files the container must be named. */
export function validateResourceRef(
  errors: FieldError[],
  { containerName, resource, divisor }: CoreV1ResourceFieldSelector,
  path: string,
  inFile: boolean,
): void {
  if (inFile && !containerName) errors.push(required(`${path}.containerName`))
  else if (!resource) errors.push(required(`${path}.resource`))
  else if (!RESOURCES.includes(resource) && !isHugePages(resource)) {
    errors.push(notSupported(`${path}.resource`, resource, RESOURCES))
  }
  if (divisor === undefined || quantityFromJson(divisor).isZero) return
  const problem = divisorProblem(resource ?? '', String(quantityFromJson(divisor)))
  if (problem) errors.push(invalid(`${path}.divisor`, resource, problem))
}

const isHugePages = (resource: string): boolean => /^(limits|requests)\.hugepages-/.test(resource)

function divisorProblem(resource: string, divisor: string): string | undefined {
  const only = (divisors: string, what: string) => `only divisor's values ${divisors} are supported with the ${what} resource`
  if (resource.endsWith('.cpu')) return divisor === '1m' || divisor === '1' ? undefined : only('1m and 1', 'cpu')
  if (BYTE_DIVISORS.includes(divisor)) return undefined
  const bytes = BYTE_DIVISORS.join(', ')
  if (resource.endsWith('.memory')) return only(bytes, 'memory')
  if (isHugePages(resource)) return only(bytes, 'hugepages')
  return resource.endsWith('.ephemeral-storage') ? only(bytes, 'local ephemeral storage') : undefined
}

/** A file of a volume that shows a pod's own data; the reference's paths don't number them. */
export function validateDownwardFile(errors: FieldError[], file: CoreV1DownwardAPIVolumeFile, path: string): void {
  const { fieldRef, resourceFieldRef } = file
  checkPresent(errors, path, 'path', file.path)
  checkUnreservedPath(errors, path, 'path', file.path ?? '')
  checkFileMode(errors, path, 'mode', file.mode)
  if (fieldRef) {
    validateFieldRef(errors, fieldRef, `${path}.fieldRef`, FILE_FIELDS)
    if (resourceFieldRef) {
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    }
  } else if (resourceFieldRef) validateResourceRef(errors, resourceFieldRef, `${path}.resourceFieldRef`, true)
  else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'))
}

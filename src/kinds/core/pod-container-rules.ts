import type {
  CoreV1Container,
  CoreV1ContainerPort,
  CoreV1ContainerResizePolicy,
  CoreV1ContainerRestartRule,
  CoreV1EnvFromSource,
  CoreV1EnvVar,
  CoreV1FileKeySelector,
  CoreV1PodSpec,
  CoreV1SecretKeySelector,
  CoreV1Volume,
  CoreV1VolumeDevice,
  CoreV1VolumeMount,
} from '../../generated/types.ts'
import {
  addMessages,
  duplicate,
  type FieldError,
  fieldNotFound,
  forbiddenField,
  invalid,
  required,
} from '../../machinery/field-errors.ts'
import {
  isConfigMapKey,
  isDns1123Label,
  isDns1123Subdomain,
  isRelaxedEnvVarName,
  isValidPortName,
} from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import {
  checkChoice,
  checkEach,
  checkNeeded,
  checkNeededChoice,
  checkObjectName,
  checkPresent,
  checkRange,
  checkText,
  setFor,
} from './field-checks.ts'
import { ENV_FIELDS, validateFieldRef, validateResourceRef } from './pod-downward-rules.ts'
import { descendingPath, hasBacksteps, mustChoose } from './pod-field-rules.ts'
import { validateLifecycle, validateProbes } from './pod-probe-rules.ts'
import { validateResources } from './pod-resource-rules.ts'
import { validateContainerSecurity } from './pod-security-rules.ts'
import { isRestartableInit } from './pod-spec-visit.ts'

export interface ContainerSurroundings {
  spec: CoreV1PodSpec
  /** The pod's volumes that are right. */
  volumes: ReadonlyMap<string, CoreV1Volume>
  context: WriteContext
}

const KINDS = ['containers', 'initContainers', 'ephemeralContainers'] as const

/** All containers of a pod. `path` is the pod spec's. */
export function validateContainers(errors: FieldError[], path: string, surroundings: ContainerSurroundings): void {
  const { spec } = surroundings
  const grace = spec.terminationGracePeriodSeconds ?? undefined
  const names = new Set<string>()
  if (!spec.containers?.length) errors.push(required(`${path}.containers`))
  for (const kind of KINDS) {
    const containers: readonly CoreV1Container[] | undefined = spec[kind]
    for (let i = 0; containers && i < containers.length; i++) {
      const container = containers[i]!
      const at = `${path}.${kind}[${i}]`
      validateContainer(errors, container, at, surroundings)
      if (names.has(container.name ?? '')) errors.push(duplicate(`${at}.name`, container.name))
      else if (container.name) names.add(container.name)
      const runsOn = kind === 'containers' || isRestartableInit(container)
      if (kind === 'initContainers' && !runsOn) validateOneTime(errors, container, at)
      else if (runsOn) {
        if (container.lifecycle) validateLifecycle(errors, container.lifecycle, `${at}.lifecycle`, grace)
        validateProbes(errors, container, at, grace)
      }
    }
  }
  validateHostPorts(errors, spec, path)
}

const ONGOING = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

/** Containers that end before the pod starts have nothing to watch. */
function validateOneTime(errors: FieldError[], container: CoreV1Container, at: string): void {
  for (const field of ONGOING) {
    if (!container[field]) continue
    errors.push(forbiddenField(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))
  }
  container.resizePolicy?.forEach(({ restartPolicy }, i) => {
    if (restartPolicy !== 'RestartContainer') return
    const problem = "must not be set to 'RestartContainer' for non-sidecar initContainers"
    errors.push(invalid(`${at}.resizePolicy[${i}].restartPolicy`, restartPolicy, problem))
  })
}

const MESSAGE_POLICIES = ['FallbackToLogsOnError', 'File']
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure']

function validateContainer(
  errors: FieldError[],
  container: CoreV1Container,
  at: string,
  surroundings: ContainerSurroundings,
): void {
  const { name, image, ports, volumeMounts, volumeDevices, resources, resizePolicy, securityContext } = container
  checkNeeded(errors, at, 'name', name, isDns1123Label)
  if (!image) errors.push(required(`${at}.image`))
  else if (image.trim() !== image) {
    errors.push(invalid(`${at}.image`, image, 'must not have leading or trailing whitespace'))
  }
  checkNeededChoice(errors, at, 'terminationMessagePolicy', container.terminationMessagePolicy, MESSAGE_POLICIES)
  if (ports) checkEach(errors, at, 'ports', ports, validatePort, setFor(ports))
  checkEach(errors, at, 'env', container.env, validateVariable, surroundings)
  container.envFrom?.forEach((source, i) => {
    validateEnvFrom(errors, source, `${at}.envFrom`, i)
  })
  if (volumeMounts) validateMounts(errors, volumeMounts, container, at, surroundings)
  if (volumeDevices) validateDevices(errors, volumeDevices, container, at, surroundings)
  checkNeededChoice(errors, at, 'imagePullPolicy', container.imagePullPolicy, PULL_POLICIES)
  if (resources) validateResources(errors, resources, `${at}.resources`, surroundings.spec)
  if (resizePolicy) validateResizePolicy(errors, resizePolicy, `${at}.resizePolicy`)
  checkChoice(errors, at, 'restartPolicy', container.restartPolicy, RESTART_POLICIES)
  checkEach(errors, at, 'restartPolicyRules', container.restartPolicyRules, validateRestartRule, undefined)
  if (securityContext) {
    const { spec, context } = surroundings
    validateContainerSecurity(errors, securityContext, `${at}.securityContext`, spec, context)
  }
}

const RESTART_ACTIONS = ['Restart', 'RestartAllContainers']
const EXIT_CODE_OPERATORS = ['In', 'NotIn']

function validateRestartRule(errors: FieldError[], { action = '', exitCodes }: CoreV1ContainerRestartRule, at: string): void {
  checkChoice(errors, at, 'action', action, RESTART_ACTIONS)
  if (exitCodes) checkChoice(errors, at, 'exitCodes.operator', exitCodes.operator ?? '', EXIT_CODE_OPERATORS)
  else errors.push(required(`${at}.exitCodes`, 'must be specified'))
}

function validateResizePolicy(errors: FieldError[], policies: readonly CoreV1ContainerResizePolicy[], at: string): void {
  const names = new Set<string>()
  policies.forEach(({ resourceName = '', restartPolicy }, i) => {
    if (names.has(resourceName)) errors.push(duplicate(`${at}[${i}]`, resourceName))
    names.add(resourceName)
    errors.push(...mustChoose(at, resourceName, ['cpu', 'memory']))
    errors.push(...mustChoose(at, restartPolicy, ['NotRequired', 'RestartContainer']))
  })
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

/** @param names of the container's ports before */
function validatePort(
  errors: FieldError[],
  { name, containerPort, hostPort, protocol }: CoreV1ContainerPort,
  at: string,
  names: Set<string> | undefined,
): void {
  if (name) {
    const messages = isValidPortName(name)
    if (messages.length) addMessages(errors, `${at}.name`, name, messages)
    else if (names?.has(name)) errors.push(duplicate(`${at}.name`, name))
    names?.add(name)
  }
  if (containerPort) checkRange(errors, at, 'containerPort', containerPort, 1, 65535)
  else errors.push(required(`${at}.containerPort`))
  if (hostPort) checkRange(errors, at, 'hostPort', hostPort, 1, 65535)
  checkNeededChoice(errors, at, 'protocol', protocol, PROTOCOLS)
}

/** Containers of a pod share their node's ports. */
function validateHostPorts(errors: FieldError[], spec: CoreV1PodSpec, path: string): void {
  let taken: Set<string> | undefined
  spec.containers?.forEach(({ ports }, i) => {
    ports?.forEach(({ hostPort = 0, containerPort, hostIP = '', protocol = '' }, j) => {
      if (!hostPort) return
      const field = `${path}.containers[${i}].ports[${j}].hostPort`
      if (spec.hostNetwork && hostPort !== containerPort) {
        errors.push(invalid(field, hostPort, 'must match `containerPort` when `hostNetwork` is true'))
      }
      const port = `${protocol}/${hostIP}/${hostPort}`
      taken ??= new Set()
      if (taken.has(port)) errors.push(duplicate(field, port))
      taken.add(port)
    })
  })
}

function validateVariable(
  errors: FieldError[],
  { name, value, valueFrom }: CoreV1EnvVar,
  at: string,
  { volumes }: ContainerSurroundings,
): void {
  checkNeeded(errors, at, 'name', name, isRelaxedEnvVarName)
  if (!valueFrom) return
  const path = `${at}.valueFrom`
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom
  let count = 0
  if (fieldRef) {
    count++
    validateFieldRef(errors, fieldRef, `${path}.fieldRef`, ENV_FIELDS)
  }
  if (resourceFieldRef) {
    count++
    validateResourceRef(errors, resourceFieldRef, `${path}.resourceFieldRef`, false)
  }
  if (configMapKeyRef) {
    count++
    validateKeyRef(errors, configMapKeyRef, `${path}.configMapKeyRef`)
  }
  if (secretKeyRef) {
    count++
    validateKeyRef(errors, secretKeyRef, `${path}.secretKeyRef`)
  }
  if (fileKeyRef) {
    count++
    validateFileKey(errors, fileKeyRef, `${path}.fileKeyRef`, volumes)
  }
  if (!count) {
    const kinds = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    errors.push(invalid(path, '', `must specify one of: ${kinds}`))
  } else if (value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'))
  else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
}

/** A value of a ConfigMap or Secret. */
function validateKeyRef(errors: FieldError[], { name = '', key }: CoreV1SecretKeySelector, field: string): void {
  checkText(errors, field, 'name', name, isDns1123Subdomain)
  checkNeeded(errors, field, 'key', key, isConfigMapKey)
}

function validateFileKey(
  errors: FieldError[],
  { key, volumeName = '', path: file }: CoreV1FileKeySelector,
  field: string,
  volumes: ContainerSurroundings['volumes'],
): void {
  checkPresent(errors, field, 'key', key)
  checkPresent(errors, field, 'volumeName', volumeName)
  checkPresent(errors, field, 'path', file)
  if (!volumes.has(volumeName)) errors.push(fieldNotFound(`${field}.volumeName`, volumeName))
  if (file) errors.push(...descendingPath(`${field}.path`, file))
}

function validateEnvFrom(
  errors: FieldError[],
  { prefix, configMapRef, secretRef }: CoreV1EnvFromSource,
  path: string,
  i: number,
): void {
  const at = `${path}[${i}]`
  if (prefix) checkText(errors, at, 'prefix', prefix, isRelaxedEnvVarName)
  if (configMapRef) checkObjectName(errors, at, 'configMapRef.name', configMapRef.name)
  if (secretRef) checkObjectName(errors, at, 'secretRef.name', secretRef.name)
  if (!configMapRef && !secretRef) errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
  if (configMapRef && secretRef) errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
}

const PROPAGATION = ['Bidirectional', 'HostToContainer', 'None']

function validateMounts(
  errors: FieldError[],
  mounts: readonly CoreV1VolumeMount[],
  container: CoreV1Container,
  path: string,
  { volumes }: ContainerSurroundings,
): void {
  const points = setFor(mounts)
  const { volumeDevices } = container
  for (let i = 0; i < mounts.length; i++) {
    const at = `${path}.volumeMounts[${i}]`
    const { name = '', mountPath = '', subPath, subPathExpr, mountPropagation } = mounts[i]!
    checkPresent(errors, at, 'name', name)
    if (!volumes.has(name)) errors.push(fieldNotFound(`${at}.name`, name))
    if (!mountPath) errors.push(required(`${at}.mountPath`))
    if (points?.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'))
    points?.add(mountPath)
    if (volumeDevices?.some((device) => device.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeDevices'))
    }
    if (volumeDevices?.some((device) => device.devicePath === mountPath)) {
      errors.push(invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
    }
    if (subPath) errors.push(...descendingPath(`${at}.subPath`, subPath))
    if (subPathExpr) {
      if (subPath) errors.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
      errors.push(...descendingPath(`${at}.subPathExpr`, subPathExpr))
    }
    checkChoice(errors, at, 'mountPropagation', mountPropagation, PROPAGATION)
    if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
      const detail = 'Bidirectional mount propagation is available only to privileged containers'
      errors.push(forbiddenField(`${at}.mountPropagation`, detail))
    }
  }
}

function validateDevices(
  errors: FieldError[],
  devices: readonly CoreV1VolumeDevice[],
  { volumeMounts }: CoreV1Container,
  path: string,
  { volumes }: ContainerSurroundings,
): void {
  const names = new Set<string>()
  const paths = new Set<string>()
  devices.forEach(({ name = '', devicePath = '' }, i) => {
    const at = `${path}.volumeDevices[${i}]`
    checkPresent(errors, at, 'name', name)
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, 'must be unique'))
    const volume = volumes.get(name)
    if (!volume) errors.push(fieldNotFound(`${at}.name`, name))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      errors.push(invalid(`${at}.name`, name, detail))
    }
    if (!devicePath) errors.push(required(`${at}.devicePath`))
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'))
    if (hasBacksteps(devicePath)) {
      errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    } else paths.add(devicePath)
    if (volumeMounts?.some((mount) => mount.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'))
    }
    if (volumeMounts?.some((mount) => mount.mountPath === devicePath)) {
      errors.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'))
    }
    if (name) names.add(name)
  })
}

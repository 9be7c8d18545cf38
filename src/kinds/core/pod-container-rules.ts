import type { CoreV1Container, CoreV1EnvFromSource, CoreV1EnvVar, CoreV1PodSpec, CoreV1Volume } from '../../generated/types.ts'
import {
  duplicate,
  type FieldError,
  fieldNotFound,
  forbiddenField,
  invalid,
  notSupported,
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
import { ENV_FIELDS, validateFieldRef, validateResourceRef } from './pod-downward-rules.ts'
import { checked, choice, descendingPath, mustChoose, objectName, present, within } from './pod-field-rules.ts'
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

/** All containers of a pod. `path` is the pod spec's. */
export function validateContainers(path: string, surroundings: ContainerSurroundings): FieldError[] {
  const { spec } = surroundings
  const errors: FieldError[] = []
  const names = new Set<string>()
  if (!spec.containers?.length) errors.push(required(`${path}.containers`))
  for (const kind of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    spec[kind]?.forEach((container: CoreV1Container, i) => {
      const at = `${path}.${kind}[${i}]`
      errors.push(...validateContainer(container, at, surroundings))
      if (names.has(container.name ?? '')) errors.push(duplicate(`${at}.name`, container.name))
      else if (container.name) names.add(container.name)
      const runsOn = kind === 'containers' || isRestartableInit(container)
      if (kind === 'initContainers' && !runsOn) errors.push(...validateOneTime(container, at))
      else if (runsOn) {
        const grace = spec.terminationGracePeriodSeconds ?? undefined
        errors.push(...validateLifecycle(container.lifecycle, `${at}.lifecycle`, grace), ...validateProbes(container, at, grace))
      }
    })
  }
  errors.push(...validateHostPorts(spec, `${path}.containers`))
  return errors
}

/** Containers that end before the pod starts have nothing to watch. */
function validateOneTime(container: CoreV1Container, at: string): FieldError[] {
  const detail = 'may not be set for init containers without restartPolicy=Always'
  const errors = (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((field) =>
    container[field] ? [forbiddenField(`${at}.${field}`, detail)] : [],
  )
  container.resizePolicy?.forEach(({ restartPolicy }, i) => {
    if (restartPolicy !== 'RestartContainer') return
    const problem = "must not be set to 'RestartContainer' for non-sidecar initContainers"
    errors.push(invalid(`${at}.resizePolicy[${i}].restartPolicy`, restartPolicy, problem))
  })
  return errors
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']

function validateContainer(container: CoreV1Container, at: string, surroundings: ContainerSurroundings): FieldError[] {
  const { name, image, securityContext } = container
  const errors = name ? checked(`${at}.name`, name, isDns1123Label) : [required(`${at}.name`)]
  if (!image) errors.push(required(`${at}.image`))
  else if (image.trim() !== image) {
    errors.push(invalid(`${at}.image`, image, 'must not have leading or trailing whitespace'))
  }
  errors.push(
    ...mustChoose(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, ['FallbackToLogsOnError', 'File']),
    ...validatePorts(container, `${at}.ports`),
    ...(container.env ?? []).flatMap((variable, i) => validateVariable(variable, `${at}.env[${i}]`, surroundings)),
    ...(container.envFrom ?? []).flatMap((source, i) => validateEnvFrom(source, `${at}.envFrom`, i)),
    ...validateMounts(container, at, surroundings),
    ...validateDevices(container, at, surroundings),
    ...mustChoose(`${at}.imagePullPolicy`, container.imagePullPolicy, PULL_POLICIES),
    ...validateResources(container.resources ?? {}, `${at}.resources`, surroundings.spec),
    ...validateResizePolicy(container, `${at}.resizePolicy`),
    ...validateRestarts(container, at),
  )
  if (securityContext) {
    const { spec, context } = surroundings
    errors.push(...validateContainerSecurity(securityContext, `${at}.securityContext`, spec, context))
  }
  return errors
}

function validateRestarts({ restartPolicy, restartPolicyRules }: CoreV1Container, at: string): FieldError[] {
  return [
    ...choice(`${at}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']),
    ...(restartPolicyRules ?? []).flatMap(({ action = '', exitCodes }, i) => {
      const own = `${at}.restartPolicyRules[${i}]`
      return [
        ...choice(`${own}.action`, action, ['Restart', 'RestartAllContainers']),
        ...(exitCodes
          ? choice(`${own}.exitCodes.operator`, exitCodes.operator ?? '', ['In', 'NotIn'])
          : [required(`${own}.exitCodes`, 'must be specified')]),
      ]
    }),
  ]
}

function validateResizePolicy({ resizePolicy }: CoreV1Container, at: string): FieldError[] {
  const names = new Set<string>()
  return (resizePolicy ?? []).flatMap(({ resourceName = '', restartPolicy }, i) => {
    const errors = names.has(resourceName) ? [duplicate(`${at}[${i}]`, resourceName)] : []
    names.add(resourceName)
    return [
      ...errors,
      ...mustChoose(at, resourceName, ['cpu', 'memory']),
      ...mustChoose(at, restartPolicy, ['NotRequired', 'RestartContainer']),
    ]
  })
}

function validatePorts({ ports }: CoreV1Container, path: string): FieldError[] {
  const names = new Set<string>()
  return (ports ?? []).flatMap(({ name, containerPort, hostPort, protocol }, i) => {
    const at = `${path}[${i}]`
    const errors: FieldError[] = []
    if (name) {
      errors.push(...checked(`${at}.name`, name, isValidPortName))
      if (!errors.length && names.has(name)) errors.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
    return [
      ...errors,
      ...(containerPort ? within(`${at}.containerPort`, containerPort, 1, 65535) : [required(`${at}.containerPort`)]),
      ...(hostPort ? within(`${at}.hostPort`, hostPort, 1, 65535) : []),
      ...mustChoose(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
    ]
  })
}

/** Containers of a pod share their node's ports. */
function validateHostPorts(spec: CoreV1PodSpec, path: string): FieldError[] {
  const taken = new Set<string>()
  const errors: FieldError[] = []
  spec.containers?.forEach(({ ports }, i) => {
    ports?.forEach(({ hostPort = 0, containerPort, hostIP = '', protocol = '' }, j) => {
      const field = `${path}[${i}].ports[${j}].hostPort`
      if (!hostPort) return
      if (spec.hostNetwork && hostPort !== containerPort) {
        errors.push(invalid(field, hostPort, 'must match `containerPort` when `hostNetwork` is true'))
      }
      const port = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(port)) errors.push(duplicate(field, port))
      taken.add(port)
    })
  })
  return errors
}

function validateVariable(variable: CoreV1EnvVar, at: string, { volumes }: ContainerSurroundings): FieldError[] {
  const { name, value, valueFrom } = variable
  const errors = name ? checked(`${at}.name`, name, isRelaxedEnvVarName) : [required(`${at}.name`)]
  if (!valueFrom) return errors
  const path = `${at}.valueFrom`
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, `${path}.fieldRef`, ENV_FIELDS))
  if (resourceFieldRef) errors.push(...validateResourceRef(resourceFieldRef, `${path}.resourceFieldRef`, false))
  for (const [kind, reference] of [
    ['configMapKeyRef', configMapKeyRef],
    ['secretKeyRef', secretKeyRef],
  ] as const) {
    if (!reference) continue
    const field = `${path}.${kind}`
    errors.push(...checked(`${field}.name`, reference.name ?? '', isDns1123Subdomain))
    errors.push(...(reference.key ? checked(`${field}.key`, reference.key, isConfigMapKey) : [required(`${field}.key`)]))
  }
  if (fileKeyRef) {
    const field = `${path}.fileKeyRef`
    const { key, volumeName = '', path: file } = fileKeyRef
    const volume = volumes.get(volumeName)
    errors.push(...present(`${field}.key`, key), ...present(`${field}.volumeName`, volumeName), ...present(`${field}.path`, file))
    if (!volume) errors.push(fieldNotFound(`${field}.volumeName`, volumeName))
    if (file) errors.push(...descendingPath(`${field}.path`, file))
  }
  const count = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length
  if (!count) {
    const kinds = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    errors.push(invalid(path, '', `must specify one of: ${kinds}`))
  } else if (value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'))
  else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
  return errors
}

function validateEnvFrom({ prefix, configMapRef, secretRef }: CoreV1EnvFromSource, path: string, i: number): FieldError[] {
  const at = `${path}[${i}]`
  const errors = prefix ? checked(`${at}.prefix`, prefix, isRelaxedEnvVarName) : []
  if (configMapRef) errors.push(...objectName(`${at}.configMapRef.name`, configMapRef.name))
  if (secretRef) errors.push(...objectName(`${at}.secretRef.name`, secretRef.name))
  if (!configMapRef && !secretRef) errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
  if (configMapRef && secretRef) errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
  return errors
}

const PROPAGATION = ['Bidirectional', 'HostToContainer', 'None']

function validateMounts(container: CoreV1Container, path: string, { volumes }: ContainerSurroundings): FieldError[] {
  const points = new Set<string>()
  const { volumeMounts, volumeDevices } = container
  return (volumeMounts ?? []).flatMap((mount, i) => {
    const at = `${path}.volumeMounts[${i}]`
    const { name = '', mountPath = '', subPath, subPathExpr, mountPropagation } = mount
    const errors = present(`${at}.name`, name)
    if (!volumes.has(name)) errors.push(fieldNotFound(`${at}.name`, name))
    if (!mountPath) errors.push(required(`${at}.mountPath`))
    if (points.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'))
    points.add(mountPath)
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
    if (mountPropagation !== undefined) {
      if (!PROPAGATION.includes(mountPropagation)) {
        errors.push(notSupported(`${at}.mountPropagation`, mountPropagation, PROPAGATION))
      }
      if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
        const detail = 'Bidirectional mount propagation is available only to privileged containers'
        errors.push(forbiddenField(`${at}.mountPropagation`, detail))
      }
    }
    return errors
  })
}

function validateDevices(
  { volumeDevices, volumeMounts }: CoreV1Container,
  path: string,
  { volumes }: ContainerSurroundings,
): FieldError[] {
  const names = new Set<string>()
  const paths = new Set<string>()
  return (volumeDevices ?? []).flatMap(({ name = '', devicePath = '' }, i) => {
    const at = `${path}.volumeDevices[${i}]`
    const errors = present(`${at}.name`, name)
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, 'must be unique'))
    const volume = volumes.get(name)
    if (!volume) errors.push(fieldNotFound(`${at}.name`, name))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      errors.push(invalid(`${at}.name`, name, detail))
    }
    if (!devicePath) errors.push(required(`${at}.devicePath`))
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'))
    if (devicePath.split('/').includes('..')) {
      errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    } else paths.add(devicePath)
    if (volumeMounts?.some((mount) => mount.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'))
    }
    if (volumeMounts?.some((mount) => mount.mountPath === devicePath)) {
      errors.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'))
    }
    if (name) names.add(name)
    return errors
  })
}

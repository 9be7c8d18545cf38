import type { CoreV1Container, CoreV1PodSpec } from '../../generated/types.ts'
import { duplicate, type FieldError, fieldNotFound, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { CONTAINER_KINDS } from './pod-spec-visit.ts'

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']

/** The rules of a pod spec that occur most; `path` is where it stands. */
export function validatePodSpec(spec: CoreV1PodSpec, path: string, _context: WriteContext): FieldError[] {
  const errors: FieldError[] = []
  const volumes = validateVolumes(spec, path, errors)
  validateContainers(spec, path, volumes, errors)
  if (!RESTART_POLICIES.includes(spec.restartPolicy ?? '')) {
    errors.push(
      spec.restartPolicy
        ? notSupported(`${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES)
        : required(`${path}.restartPolicy`),
    )
  }
  if (
    spec.activeDeadlineSeconds !== undefined &&
    !(spec.activeDeadlineSeconds >= 1 && spec.activeDeadlineSeconds <= 2 ** 31 - 1)
  ) {
    errors.push(
      invalid(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 'must be between 1 and 2147483647, inclusive'),
    )
  }
  if (spec.serviceAccountName) errors.push(...named(`${path}.serviceAccountName`, spec.serviceAccountName, isDns1123Subdomain))
  if (spec.nodeName) errors.push(...named(`${path}.nodeName`, spec.nodeName, isDns1123Subdomain))
  if (spec.hostname) errors.push(...named(`${path}.hostname`, spec.hostname, isDns1123Label))
  if (spec.subdomain) errors.push(...named(`${path}.subdomain`, spec.subdomain, isDns1123Label))
  return errors
}

const named = (field: string, value: string, check: (value: string) => readonly string[]): FieldError[] =>
  check(value).map((message) => invalid(field, value, message))

/** @returns the volumes' names */
function validateVolumes(spec: CoreV1PodSpec, path: string, errors: FieldError[]): Set<string> {
  const names = new Set<string>()
  spec.volumes?.forEach(({ name = '', persistentVolumeClaim }, i) => {
    const field = `${path}.volumes[${i}].name`
    if (persistentVolumeClaim && !persistentVolumeClaim.claimName) {
      errors.push(required(`${path}.volumes[${i}].persistentVolumeClaim.claimName`))
    }
    if (!name) errors.push(required(field))
    else if (names.has(name)) errors.push(duplicate(field, name))
    else errors.push(...named(field, name, isDns1123Label))
    names.add(name)
  })
  return names
}

function validateContainers(spec: CoreV1PodSpec, path: string, volumes: Set<string>, errors: FieldError[]): void {
  if (!spec.containers?.length) errors.push(required(`${path}.containers`))
  const names = new Set<string>()
  for (const kind of ['containers', 'initContainers', 'ephemeralContainers'] satisfies (typeof CONTAINER_KINDS)[number][]) {
    spec[kind]?.forEach((container, i) => {
      const at = `${path}.${kind}[${i}]`
      const { name = '' } = container
      if (!name) errors.push(required(`${at}.name`))
      else errors.push(...named(`${at}.name`, name, isDns1123Label))
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
      else if (name) names.add(name)
      validateContainer(container, at, volumes, errors)
    })
  }
}

function validateContainer(container: CoreV1Container, at: string, volumes: Set<string>, errors: FieldError[]): void {
  if (!container.image) errors.push(required(`${at}.image`))
  else if (container.image.trim() !== container.image) {
    errors.push(invalid(`${at}.image`, container.image, 'must not have leading or trailing whitespace'))
  }
  container.ports?.forEach((port, i) => {
    if (!port.containerPort) errors.push(required(`${at}.ports[${i}].containerPort`))
    else if (port.containerPort < 1 || port.containerPort > 65535) {
      errors.push(invalid(`${at}.ports[${i}].containerPort`, port.containerPort, 'must be between 1 and 65535, inclusive'))
    }
  })
  container.env?.forEach(({ name = '' }, i) => {
    if (!name) errors.push(required(`${at}.env[${i}].name`))
  })
  container.volumeMounts?.forEach((mount, i) => {
    if (!mount.name) errors.push(required(`${at}.volumeMounts[${i}].name`))
    else if (!volumes.has(mount.name)) errors.push(fieldNotFound(`${at}.volumeMounts[${i}].name`, mount.name))
    if (!mount.mountPath) errors.push(required(`${at}.volumeMounts[${i}].mountPath`))
  })
  if (container.imagePullPolicy && !PULL_POLICIES.includes(container.imagePullPolicy)) {
    errors.push(notSupported(`${at}.imagePullPolicy`, container.imagePullPolicy, PULL_POLICIES))
  }
}

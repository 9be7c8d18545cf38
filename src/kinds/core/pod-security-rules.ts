import type {
  CoreV1AppArmorProfile,
  CoreV1Container,
  CoreV1PodSpec,
  CoreV1SeccompProfile,
  CoreV1SecurityContext,
  CoreV1WindowsSecurityContextOptions,
} from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, required, tooLong } from '../../machinery/field-errors.ts'
import { byteLength, isDns1123Subdomain, isValidUserId } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { checked, choice, descendingPath, mustChoose } from './pod-field-rules.ts'
import { CONTAINER_KINDS } from './pod-spec-visit.ts'
import { printed } from './rules.ts'

const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined']
const MAX_PROFILE = 4095
const SELINUX_POLICIES = ['MountOption', 'Recursive']

const userId = (field: string, id: number | undefined): FieldError[] =>
  id === undefined ? [] : isValidUserId(id).map((message) => invalid(field, id, message))

/**
 * What a pod's processes run as, for the whole pod.
 * @param old the spec that an update replaces
 */
export function validatePodSecurity(
  spec: CoreV1PodSpec,
  path: string,
  context: WriteContext,
  old: CoreV1PodSpec | undefined,
): FieldError[] {
  const errors: FieldError[] = []
  const shared = spec.shareProcessNamespace && spec.hostPID
  if (shared) {
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled'
    errors.push(invalid(`${path}.shareProcessNamespace`, true, detail))
  }
  if (spec.hostUsers === false) {
    const detail = 'when `hostUsers` is false'
    if (spec.hostNetwork) errors.push(forbiddenField(`${path}.hostNetwork`, detail))
    if (spec.hostPID) errors.push(forbiddenField(`${path}.HostPID`, detail))
    if (spec.hostIPC) errors.push(forbiddenField(`${path}.HostIPC`, detail))
  }
  errors.push(...validateHostProcess(spec, path, context))
  const { securityContext: security } = spec
  if (!security) return errors
  const at = `${path}.securityContext`
  // Mounting with a label for all volumes waits for its feature.
  const isNewPolicy = !old?.securityContext?.seLinuxChangePolicy && !context.env.settings.feature('SELinuxMount')
  return [
    ...errors,
    ...userId(`${at}.fsGroup`, security.fsGroup),
    ...userId(`${at}.runAsUser`, security.runAsUser),
    ...userId(`${at}.runAsGroup`, security.runAsGroup),
    ...(security.supplementalGroups ?? []).flatMap((id, i) => userId(`${at}.supplementalGroups[${i}]`, id)),
    ...validateSysctls(security.sysctls ?? [], `${at}.sysctls`),
    ...choice(`${at}.fsGroupChangePolicy`, security.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...choice(`${at}.supplementalGroupsPolicy`, security.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...choice(`${at}.seLinuxChangePolicy`, security.seLinuxChangePolicy, isNewPolicy ? ['Recursive'] : SELINUX_POLICIES),
    ...validateSeccomp(security.seccompProfile, `${at}.seccompProfile`, context),
    ...validateWindows(security.windowsOptions, `${at}.windowsOptions`),
    ...validateAppArmor(security.appArmorProfile, `${at}.appArmorProfile`),
  ]
}

/** What a container's processes run as. */
export function validateContainerSecurity(
  security: CoreV1SecurityContext,
  path: string,
  spec: CoreV1PodSpec,
  context: WriteContext,
): FieldError[] {
  const { privileged, procMount, allowPrivilegeEscalation, capabilities } = security
  const errors: FieldError[] = []
  if (privileged && !context.env.settings.allowPrivileged) {
    errors.push(forbiddenField(`${path}.privileged`, 'disallowed by cluster policy'))
  }
  errors.push(...userId(`${path}.runAsUser`, security.runAsUser), ...userId(`${path}.runAsGroup`, security.runAsGroup))
  errors.push(...choice(`${path}.procMount`, procMount, ['Default', 'Unmasked']))
  if (procMount === 'Unmasked' && spec.hostUsers !== false) {
    errors.push(invalid(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  errors.push(...validateSeccomp(security.seccompProfile, `${path}.seccompProfile`, context))
  if (allowPrivilegeEscalation === false) {
    const value = printed(security, 'io.k8s.api.core.v1.SecurityContext', context)
    const problem = 'cannot set `allowPrivilegeEscalation` to false and'
    if (privileged) errors.push(invalid(path, value, `${problem} \`privileged\` to true`))
    if (capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      errors.push(invalid(path, value, `${problem} \`capabilities.Add\` CAP_SYS_ADMIN`))
    }
  }
  return [
    ...errors,
    ...validateWindows(security.windowsOptions, `${path}.windowsOptions`),
    ...validateAppArmor(security.appArmorProfile, `${path}.appArmorProfile`),
  ]
}

function validateSeccomp(profile: CoreV1SeccompProfile | undefined, path: string, context: WriteContext): FieldError[] {
  if (!profile) return []
  const { type, localhostProfile } = profile
  const at = `${path}.localhostProfile`
  const errors = type
    ? choice(`${path}.type`, type, PROFILES)
    : [required(`${path}.type`, 'type is required when seccompProfile is set')]
  if (type === 'Localhost') {
    if (localhostProfile === undefined) return [...errors, required(at, 'must be set when seccomp type is Localhost')]
    return [...errors, ...descendingPath(at, localhostProfile)]
  }
  if (localhostProfile === undefined) return errors
  const value = printed(profile, 'io.k8s.api.core.v1.SeccompProfile', context)
  return [...errors, invalid(at, value, 'can only be set when seccomp type is Localhost')]
}

function validateAppArmor(profile: CoreV1AppArmorProfile | undefined, path: string): FieldError[] {
  if (!profile) return []
  const { type, localhostProfile } = profile
  const at = `${path}.localhostProfile`
  if (!type) return [required(`${path}.type`, 'type is required when appArmorProfile is set')]
  if (type !== 'Localhost') {
    const errors = choice(`${path}.type`, type, PROFILES)
    if (errors.length || localhostProfile === undefined) return errors
    return [invalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost')]
  }
  if (!localhostProfile?.trim()) return [required(at, 'must be set when AppArmor type is Localhost')]
  if (localhostProfile.trim() !== localhostProfile) {
    return [invalid(at, localhostProfile, 'must not be padded with whitespace')]
  }
  return byteLength(localhostProfile) > MAX_PROFILE ? [tooLong(at, MAX_PROFILE)] : []
}

const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/
const MAX_SYSCTL = 253
const SYSCTL_PROBLEM = `must have at most ${MAX_SYSCTL} characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`

function validateSysctls(sysctls: readonly { name?: string }[], path: string): FieldError[] {
  const names = new Set<string>()
  return sysctls.flatMap(({ name = '' }, i) => {
    const at = `${path}[${i}].name`
    if (!name) return [required(at)]
    if (name.length > MAX_SYSCTL || !SYSCTL.test(name)) return [invalid(at, name, SYSCTL_PROBLEM)]
    if (names.has(name)) return [duplicate(at, name)]
    names.add(name)
    return []
  })
}

const MAX_USER = 104
const MAX_CREDENTIALS = 64 * 1024

function validateWindows(options: CoreV1WindowsSecurityContextOptions | undefined, path: string): FieldError[] {
  if (!options) return []
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options
  const errors: FieldError[] = []
  if (gmsaCredentialSpecName !== undefined) {
    errors.push(...checked(`${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName, isDns1123Subdomain))
  }
  if (gmsaCredentialSpec === '') {
    errors.push(invalid(`${path}.gmsaCredentialSpec`, '', 'gmsaCredentialSpec cannot be an empty string'))
  } else if (byteLength(gmsaCredentialSpec ?? '') > MAX_CREDENTIALS) {
    const detail = `gmsaCredentialSpec size must be under ${MAX_CREDENTIALS / 1024} KiB`
    errors.push(invalid(`${path}.gmsaCredentialSpec`, gmsaCredentialSpec, detail))
  }
  if (runAsUserName !== undefined) {
    for (const problem of userNameProblems(runAsUserName)) {
      errors.push(invalid(`${path}.runAsUserName`, runAsUserName, `runAsUserName${problem}`))
    }
  }
  return errors
}

function userNameProblems(text: string): string[] {
  if (!text) return [' cannot be an empty string']
  if (/[\x00-\x1f\x7f]/.test(text)) return [' cannot contain control characters']
  const parts = text.split('\\')
  if (parts.length > 2) return [' cannot contain more than one backslash']
  const user = parts.at(-1)!
  const problems: string[] = []
  if (!user) problems.push("'s User cannot be empty")
  else if (user.length > MAX_USER) problems.push(`'s User length must not be longer than ${MAX_USER} characters`)
  if (/^[. ]+$/.test(user)) problems.push("'s User cannot contain only periods or spaces")
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    problems.push('\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  }
  return problems
}

/** Windows pods whose processes run on the host do so with all their containers, and with its network. */
function validateHostProcess(spec: CoreV1PodSpec, path: string, context: WriteContext): FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  const errors: FieldError[] = []
  let [count, onHost] = [0, 0]
  for (const kind of CONTAINER_KINDS) {
    spec[kind]?.forEach(({ securityContext }: CoreV1Container, i) => {
      const own = securityContext?.windowsOptions?.hostProcess
      if (own !== undefined && ofPod !== undefined && own !== ofPod) {
        const at = `${path}.${kind}[${i}].securityContext.windowsOptions.hostProcess`
        errors.push(invalid(at, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`))
      }
      count++
      if (own ?? ofPod) onHost++
    })
  }
  if (!onHost) return errors
  if (onHost !== count) {
    const detail = 'If pod contains any hostProcess containers then all containers must be HostProcess containers'
    errors.push(invalid(path, '', detail))
  }
  if (!spec.hostNetwork) {
    const detail = 'hostNetwork must be true if pod contains any hostProcess containers'
    errors.push(invalid(`${path}.hostNetwork`, false, detail))
  }
  if (!context.env.settings.allowPrivileged) {
    errors.push(forbiddenField(path, 'hostProcess containers are disallowed by cluster policy'))
  }
  return errors
}

/** The operating system of a pod's containers. */
export function validateOs({ os }: CoreV1PodSpec, path: string): FieldError[] {
  if (!os) return []
  return os.name ? mustChoose(path, os.name, ['linux', 'windows']) : [required(`${path}.name`)]
}

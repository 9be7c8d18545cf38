import type {
  CoreV1AppArmorProfile,
  CoreV1Container,
  CoreV1PodSpec,
  CoreV1SeccompProfile,
  CoreV1SecurityContext,
  CoreV1WindowsSecurityContextOptions,
} from '../../generated/types.ts'
import {
  addMessages,
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  required,
  tooLong,
} from '../../machinery/field-errors.ts'
import { byteLength, isDns1123Subdomain, isValidUserId } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { checkChoice } from './field-checks.ts'
import { checked, choice, descendingPath } from './pod-field-rules.ts'
import { CONTAINER_KINDS } from './pod-spec-visit.ts'
import { printed } from './rules.ts'

const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined']
const MAX_PROFILE = 4095
const SELINUX_POLICIES = ['MountOption', 'Recursive']

const GROUP_CHANGES = ['Always', 'OnRootMismatch']
const GROUP_POLICIES = ['Merge', 'Strict']
const PROC_MOUNTS = ['Default', 'Unmasked']
const SYSTEMS = ['linux', 'windows']

function checkUserId(errors: FieldError[], at: string, name: string, id: number | undefined): void {
  if (id === undefined) return
  const messages = isValidUserId(id)
  if (messages.length) addMessages(errors, `${at}.${name}`, id, messages)
}

/**
 * What a pod's processes run as, for the whole pod.
 * @param old the spec that an update replaces
 */
export function validatePodSecurity(
  errors: FieldError[],
  spec: CoreV1PodSpec,
  path: string,
  context: WriteContext,
  old: CoreV1PodSpec | undefined,
): void {
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
  validateHostProcess(errors, spec, path, context)
  const { securityContext: security } = spec
  if (!security) return
  const at = `${path}.securityContext`
  checkUserId(errors, at, 'fsGroup', security.fsGroup)
  checkUserId(errors, at, 'runAsUser', security.runAsUser)
  checkUserId(errors, at, 'runAsGroup', security.runAsGroup)
  security.supplementalGroups?.forEach((id, i) => {
    checkUserId(errors, at, `supplementalGroups[${i}]`, id)
  })
  if (security.sysctls) errors.push(...validateSysctls(security.sysctls, `${at}.sysctls`))
  checkChoice(errors, at, 'fsGroupChangePolicy', security.fsGroupChangePolicy, GROUP_CHANGES)
  checkChoice(errors, at, 'supplementalGroupsPolicy', security.supplementalGroupsPolicy, GROUP_POLICIES)
  if (security.seLinuxChangePolicy !== undefined) {
    // Mounting with a label for all volumes waits for its feature.
    const isNew = !old?.securityContext?.seLinuxChangePolicy && !context.env.settings.feature('SELinuxMount')
    checkChoice(errors, at, 'seLinuxChangePolicy', security.seLinuxChangePolicy, isNew ? ['Recursive'] : SELINUX_POLICIES)
  }
  if (security.seccompProfile) validateSeccomp(errors, security.seccompProfile, `${at}.seccompProfile`, context)
  if (security.windowsOptions) errors.push(...validateWindows(security.windowsOptions, `${at}.windowsOptions`))
  if (security.appArmorProfile) errors.push(...validateAppArmor(security.appArmorProfile, `${at}.appArmorProfile`))
}

/** What a container's processes run as. */
export function validateContainerSecurity(
  errors: FieldError[],
  security: CoreV1SecurityContext,
  path: string,
  spec: CoreV1PodSpec,
  context: WriteContext,
): void {
  const { privileged, procMount, allowPrivilegeEscalation, capabilities } = security
  if (privileged && !context.env.settings.allowPrivileged) {
    errors.push(forbiddenField(`${path}.privileged`, 'disallowed by cluster policy'))
  }
  checkUserId(errors, path, 'runAsUser', security.runAsUser)
  checkUserId(errors, path, 'runAsGroup', security.runAsGroup)
  checkChoice(errors, path, 'procMount', procMount, PROC_MOUNTS)
  if (procMount === 'Unmasked' && spec.hostUsers !== false) {
    errors.push(invalid(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  if (security.seccompProfile) validateSeccomp(errors, security.seccompProfile, `${path}.seccompProfile`, context)
  if (allowPrivilegeEscalation === false) {
    const refuse = (detail: string): void => {
      const value = printed(security, 'io.k8s.api.core.v1.SecurityContext', context)
      errors.push(invalid(path, value, `cannot set \`allowPrivilegeEscalation\` to false and ${detail}`))
    }
    if (privileged) refuse('`privileged` to true')
    if (capabilities?.add?.includes('CAP_SYS_ADMIN')) refuse('`capabilities.Add` CAP_SYS_ADMIN')
  }
  if (security.windowsOptions) errors.push(...validateWindows(security.windowsOptions, `${path}.windowsOptions`))
  if (security.appArmorProfile) errors.push(...validateAppArmor(security.appArmorProfile, `${path}.appArmorProfile`))
}

function validateSeccomp(errors: FieldError[], profile: CoreV1SeccompProfile, path: string, context: WriteContext): void {
  const { type, localhostProfile } = profile
  if (type) checkChoice(errors, path, 'type', type, PROFILES)
  else errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'))
  const at = `${path}.localhostProfile`
  if (type === 'Localhost') {
    if (localhostProfile === undefined) errors.push(required(at, 'must be set when seccomp type is Localhost'))
    else errors.push(...descendingPath(at, localhostProfile))
  } else if (localhostProfile !== undefined) {
    const value = printed(profile, 'io.k8s.api.core.v1.SeccompProfile', context)
    errors.push(invalid(at, value, 'can only be set when seccomp type is Localhost'))
  }
}

function validateAppArmor(profile: CoreV1AppArmorProfile, path: string): FieldError[] {
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

function validateWindows(options: CoreV1WindowsSecurityContextOptions, path: string): FieldError[] {
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
function validateHostProcess(errors: FieldError[], spec: CoreV1PodSpec, path: string, context: WriteContext): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  let count = 0
  let onHost = 0
  for (const kind of CONTAINER_KINDS) {
    const containers: readonly CoreV1Container[] | undefined = spec[kind]
    for (let i = 0; containers && i < containers.length; i++) {
      const own = containers[i]!.securityContext?.windowsOptions?.hostProcess
      if (own !== undefined && ofPod !== undefined && own !== ofPod) {
        const at = `${path}.${kind}[${i}].securityContext.windowsOptions.hostProcess`
        errors.push(invalid(at, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`))
      }
      count++
      if (own ?? ofPod) onHost++
    }
  }
  if (!onHost) return
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
}

/** The operating system of a pod's containers. */
export function validateOs({ os }: CoreV1PodSpec, path: string): FieldError[] {
  if (!os) return []
  return os.name ? choice(`${path}.os`, os.name, SYSTEMS) : [required(`${path}.os.name`)]
}

import type { CoreV1LifecycleHandler, CoreV1Probe, CoreV1SELinuxOptions } from '../../generated/types.ts'
import { quote } from '../../machinery/field-errors.ts'
import { type Check, containersThat, counted, joinQuoted, plural, settersText, sorted } from './check.ts'

// https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline

const DEFAULT_CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

const APP_ARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/'
const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod'
/** The container's name follows. */
export const SECCOMP_CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/'

/** Seccomp and AppArmor name those profiles alike that confine a container. */
export const isConfined = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost'

export const appArmorProfile: Check = (pod) => {
  const own = pod.spec.securityContext?.appArmorProfile
  const podIsBad = own && !isConfined(own.type)
  const types = podIsBad ? [own.type ?? ''] : []
  const containers = containersThat(pod, ({ securityContext }) => {
    const profile = securityContext?.appArmorProfile
    if (!profile || isConfined(profile.type)) return false
    types.push(profile.type ?? '')
    return true
  })
  const annotations = Object.entries(pod.annotations)
    .filter(([key, value]) => key.startsWith(APP_ARMOR_ANNOTATION) && !isAppArmorAnnotationAllowed(value))
    .map(([key, value]) => `${key}=${quote(value)}`)
    .sort()
  const setters = settersText(podIsBad, containers)
  const all = [setters, annotations.length ? plural(annotations.length, 'annotation') : ''].filter((text) => text)
  if (!all.length) return undefined
  const values = [...sorted(types), ...annotations]
  return {
    reason: plural(values.length, 'forbidden AppArmor profile'),
    detail: `${all.join(' and ')} must not set AppArmor profile type to ${joinQuoted(values)}`,
  }
}

const isAppArmorAnnotationAllowed = (profile: string): boolean =>
  profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/')

export const defaultCapabilities: Check = (pod) => {
  const added: string[] = []
  const containers = containersThat(pod, ({ securityContext }) => {
    const bad = securityContext?.capabilities?.add?.filter((name) => !DEFAULT_CAPABILITIES.has(name)) ?? []
    added.push(...bad)
    return bad.length > 0
  })
  if (!containers.length) return undefined
  const names = joinQuoted(sorted(added))
  return {
    reason: 'non-default capabilities',
    detail: `${counted('container', containers)} must not include ${names} in securityContext.capabilities.add`,
  }
}

export const hostNamespaces: Check = ({ spec }) => {
  const shared = [
    ...(spec.hostNetwork ? ['hostNetwork=true'] : []),
    ...(spec.hostPID ? ['hostPID=true'] : []),
    ...(spec.hostIPC ? ['hostIPC=true'] : []),
  ]
  return shared.length ? { reason: 'host namespaces', detail: shared.join(', ') } : undefined
}

export const hostPathVolumes: Check = ({ spec }) => {
  const volumes = spec.volumes?.filter((volume) => volume.hostPath).map((volume) => volume.name ?? '') ?? []
  return volumes.length ? { reason: 'hostPath volumes', detail: counted('volume', volumes) } : undefined
}

export const hostPorts: Check = (pod) => {
  const ports: string[] = []
  const containers = containersThat(pod, (container) => {
    const used = container.ports?.filter((port) => port.hostPort) ?? []
    for (const { hostPort } of used) ports.push(String(hostPort))
    return used.length > 0
  })
  if (!containers.length) return undefined
  const all = sorted(ports)
  const uses = plural(containers.length, 'uses', 'use')
  return {
    reason: 'hostPort',
    detail: `${counted('container', containers)} ${uses} ${plural(all.length, 'hostPort')} ${all.join(', ')}`,
  }
}

export const probeHosts: Check = (pod) => {
  const hosts: string[] = []
  const containers = containersThat(pod, ({ livenessProbe, readinessProbe, startupProbe, lifecycle }) => {
    const found = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf)
    hosts.push(...found)
    return found.length > 0
  })
  if (!containers.length) return undefined
  const uses = plural(containers.length, 'uses', 'use')
  return {
    reason: 'probe or lifecycle host',
    detail: `${counted('container', sorted(containers))} ${uses} ${counted('probe or lifecycle host', sorted(hosts))}`,
  }
}

function hostsOf(handler: CoreV1Probe | CoreV1LifecycleHandler | undefined): string[] {
  return [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''].filter((host) => host !== '')
}

export const privileged: Check = (pod) => {
  const containers = containersThat(pod, ({ securityContext }) => securityContext?.privileged)
  if (!containers.length) return undefined
  return { reason: 'privileged', detail: `${counted('container', containers)} must not set securityContext.privileged=true` }
}

export const procMount: Check = (pod) => {
  const types: string[] = []
  const containers = containersThat(pod, ({ securityContext }) => {
    const type = securityContext?.procMount
    if (type === undefined || type === 'Default') return false
    types.push(type)
    return true
  })
  if (!containers.length) return undefined
  const detail = `${counted('container', containers)} must not set securityContext.procMount to ${joinQuoted(sorted(types))}`
  return { reason: 'procMount', detail }
}

/** @param allowed SELinux types beside none */
export const seLinuxOptions = (...allowed: string[]): Check => {
  return (pod) => {
    const types: string[] = []
    let user = false
    let role = false
    const isBad = (options: CoreV1SELinuxOptions | undefined): boolean => {
      if (!options) return false
      const badType = Boolean(options.type) && !allowed.includes(options.type ?? '')
      if (badType) types.push(options.type ?? '')
      if (options.user) user = true
      if (options.role) role = true
      return badType || Boolean(options.user) || Boolean(options.role)
    }
    const podIsBad = isBad(pod.spec.securityContext?.seLinuxOptions)
    const containers = containersThat(pod, ({ securityContext }) => isBad(securityContext?.seLinuxOptions))
    const setters = settersText(podIsBad, containers)
    if (!setters) return undefined
    const set = [
      ...(types.length ? [counted('type', sorted(types))] : []),
      ...(user ? ['user may not be set'] : []),
      ...(role ? ['role may not be set'] : []),
    ]
    return { reason: 'seLinuxOptions', detail: `${setters} set forbidden securityContext.seLinuxOptions: ${set.join('; ')}` }
  }
}

/** Before there was a field for it. */
export const seccompAnnotations: Check = ({ annotations, containers }) => {
  const keys = [SECCOMP_POD_ANNOTATION, ...containers.map(({ name }) => SECCOMP_CONTAINER_ANNOTATION + (name ?? ''))]
  const forbidden = sorted(
    keys.flatMap((key) => {
      const value = annotations[key]
      return value === undefined || isSeccompAnnotationAllowed(value) ? [] : [`${key}=${quote(value)}`]
    }),
  )
  if (!forbidden.length) return undefined
  return { reason: 'seccompProfile', detail: `forbidden ${plural(forbidden.length, 'annotation')} ${forbidden.join(', ')}` }
}

const isSeccompAnnotationAllowed = (profile: string): boolean =>
  profile === 'runtime/default' || profile === 'docker/default' || profile.startsWith('localhost/')

export const seccompProfile: Check = (pod) => {
  const own = pod.spec.securityContext?.seccompProfile
  const podIsBad = own && !isConfined(own.type)
  const types = podIsBad ? [own.type ?? ''] : []
  const containers = containersThat(pod, ({ securityContext }) => {
    const profile = securityContext?.seccompProfile
    if (!profile || isConfined(profile.type)) return false
    types.push(profile.type ?? '')
    return true
  })
  const setters = settersText(podIsBad, containers)
  if (!setters) return undefined
  return {
    reason: 'seccompProfile',
    detail: `${setters} must not set securityContext.seccompProfile.type to ${joinQuoted(sorted(types))}`,
  }
}

/** @param allowed names of the sysctls that touch nothing outside of the pod */
export const sysctls = (allowed: ReadonlySet<string>): Check => {
  return ({ spec }) => {
    const names = spec.securityContext?.sysctls?.map(({ name }) => name ?? '').filter((name) => !allowed.has(name)) ?? []
    return names.length ? { reason: 'forbidden sysctls', detail: names.join(', ') } : undefined
  }
}

export const hostProcess: Check = (pod) => {
  const containers = containersThat(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess)
  const setters = settersText(pod.spec.securityContext?.windowsOptions?.hostProcess, containers)
  if (!setters) return undefined
  return { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` }
}

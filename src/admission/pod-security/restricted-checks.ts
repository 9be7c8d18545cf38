import type { CoreV1Volume } from '../../generated/types.ts'
import { isConfined, seccompProfile } from './baseline-checks.ts'
import { type Check, containersThat, counted, joinQuoted, plural, settersText, sorted } from './check.ts'

// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted

export const privilegeEscalation: Check = (pod) => {
  const containers = containersThat(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (!containers.length) return undefined
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${counted('container', containers)} must set securityContext.allowPrivilegeEscalation=false`,
  }
}

export const noCapabilities: Check = (pod) => {
  const keeping = containersThat(pod, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'))
  const added: string[] = []
  const adding = containersThat(pod, ({ securityContext }) => {
    const bad = securityContext?.capabilities?.add?.filter((name) => name !== 'NET_BIND_SERVICE') ?? []
    added.push(...bad)
    return bad.length > 0
  })
  if (!keeping.length && !adding.length) return undefined
  const details = [
    ...(keeping.length ? [`${counted('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length
      ? [`${counted('container', adding)} must not include ${joinQuoted(sorted(added))} in securityContext.capabilities.add`]
      : []),
  ]
  return { reason: 'unrestricted capabilities', detail: details.join('; ') }
}

const ALLOWED_VOLUMES: readonly (keyof CoreV1Volume)[] = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

const OTHER_VOLUMES: readonly (keyof CoreV1Volume)[] = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
]

export const restrictedVolumes: Check = ({ spec }) => {
  const bad = spec.volumes?.filter((volume) => !ALLOWED_VOLUMES.some((type) => volume[type] !== undefined)) ?? []
  if (!bad.length) return undefined
  const types = sorted(bad.map((volume) => OTHER_VOLUMES.find((type) => volume[type] !== undefined) ?? 'unknown'))
  const names = bad.map((volume) => volume.name ?? '')
  return {
    reason: 'restricted volume types',
    detail: `${counted('volume', names)} ${plural(bad.length, 'uses', 'use')} ${counted('restricted volume type', types)}`,
  }
}

export const runAsNonRoot: Check = (pod) => {
  const reason = 'runAsNonRoot != true'
  const own = pod.spec.securityContext?.runAsNonRoot
  const saying = containersThat(pod, ({ securityContext }) => securityContext?.runAsNonRoot === false)
  const setters = settersText(own === false, saying)
  if (setters) return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` }
  const silent = own ? [] : containersThat(pod, ({ securityContext }) => securityContext?.runAsNonRoot === undefined)
  if (!silent.length) return undefined
  return { reason, detail: `pod or ${counted('container', silent)} must set securityContext.runAsNonRoot=true` }
}

export const runAsUser: Check = (pod) => {
  const containers = containersThat(pod, ({ securityContext }) => securityContext?.runAsUser === 0)
  const setters = settersText(pod.spec.securityContext?.runAsUser === 0, containers)
  return setters ? { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` } : undefined
}

export const seccompRequired: Check = (pod) => {
  const forbidden = seccompProfile(pod)
  if (forbidden) return forbidden
  if (isConfined(pod.spec.securityContext?.seccompProfile?.type)) return undefined
  const silent = containersThat(pod, ({ securityContext }) => !securityContext?.seccompProfile)
  if (!silent.length) return undefined
  return {
    reason: 'seccompProfile',
    detail: `pod or ${counted('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  }
}

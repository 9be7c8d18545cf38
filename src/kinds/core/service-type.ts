import type { CoreV1Service, CoreV1ServiceSpec } from '../../generated/types.ts'

/** The spec, which decoding has put there. */
export function specOf(service: CoreV1Service): CoreV1ServiceSpec {
  service.spec ??= {}
  return service.spec
}

const typeOf = (service: CoreV1Service): string => service.spec?.type ?? ''

export const needsClusterIp = (service: CoreV1Service): boolean => typeOf(service) !== 'ExternalName'

export const needsNodePort = (service: CoreV1Service): boolean =>
  typeOf(service) === 'NodePort' || typeOf(service) === 'LoadBalancer'

export const isLoadBalancer = (service: CoreV1Service): boolean => typeOf(service) === 'LoadBalancer'

/** Load balancers that send traffic to local endpoints only ask every node's health check port who has some. */
export const needsHealthCheckPort = (service: CoreV1Service): boolean =>
  isLoadBalancer(service) && service.spec?.externalTrafficPolicy === 'Local'

/** Reachable from outside of the cluster. */
export const isExternal = (service: CoreV1Service): boolean =>
  needsNodePort(service) || (typeOf(service) === 'ClusterIP' && Boolean(service.spec?.externalIPs?.length))

/** Without a virtual address: its name resolves to its endpoints. */
export const isHeadless = (service: CoreV1Service): boolean =>
  service.spec?.clusterIPs?.length === 1 && service.spec.clusterIPs[0] === 'None'

export const hasSelector = (service: CoreV1Service): boolean => Object.keys(service.spec?.selector ?? {}).length > 0

import type { CoreV1Service } from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { isExternal, isLoadBalancer, needsClusterIp, needsHealthCheckPort, needsNodePort, specOf } from './service-type.ts'

export const sameClusterIps = (a: CoreV1Service, b: CoreV1Service): boolean =>
  equal(a.spec?.clusterIPs ?? [], b.spec?.clusterIPs ?? [])

export const sameFamilies = (a: CoreV1Service, b: CoreV1Service): boolean =>
  equal(a.spec?.ipFamilies ?? [], b.spec?.ipFamilies ?? [])

/**
 * The type decides which fields make sense. When it changes, those that don't any more are dropped: but only if the writer didn't
 * change them as well, which validation then refuses.
 */
export function dropTypeDependentFields(service: CoreV1Service, old: CoreV1Service): void {
  const spec = specOf(service)
  const before = specOf(old)
  if (needsClusterIp(old) && !needsClusterIp(service)) {
    if ((spec.clusterIP ?? '') === (before.clusterIP ?? '') && sameClusterIps(service, old)) {
      spec.clusterIP = undefined
      spec.clusterIPs = undefined
    }
    if (sameFamilies(service, old)) spec.ipFamilies = undefined
    if (spec.ipFamilyPolicy === before.ipFamilyPolicy) spec.ipFamilyPolicy = undefined
  }
  if (needsNodePort(old) && !needsNodePort(service)) {
    const known = new Set(nodePortsOf(old))
    if (nodePortsOf(service).every((port) => known.has(port))) for (const port of spec.ports ?? []) port.nodePort = undefined
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(service) && spec.healthCheckNodePort === before.healthCheckNodePort) {
    spec.healthCheckNodePort = undefined
  }
  if (isLoadBalancer(old) && !isLoadBalancer(service)) {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts)
      spec.allocateLoadBalancerNodePorts = undefined
    if (spec.loadBalancerClass === before.loadBalancerClass) spec.loadBalancerClass = undefined
  }
  if (isExternal(old) && !isExternal(service) && spec.externalTrafficPolicy === before.externalTrafficPolicy) {
    spec.externalTrafficPolicy = undefined
  }
  if (!isLoadBalancer(service) && service.status) service.status = { ...service.status, loadBalancer: {} }
}

/** The node ports of a service's ports, without the health check's. */
export function nodePortsOf(service: CoreV1Service): number[] {
  return (service.spec?.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []))
}

/**
 * Writers may leave out what the server chose for them: it is taken over from the stored service, so that writing the same manifest
 * again changes nothing.
 */
export function patchAllocated(service: CoreV1Service, old: CoreV1Service): void {
  const spec = specOf(service)
  const before = specOf(old)
  if (needsClusterIp(old) && needsClusterIp(service)) {
    spec.clusterIP ||= before.clusterIP
    if (!spec.clusterIPs?.length && before.clusterIPs?.length) spec.clusterIPs = [...before.clusterIPs]
  }
  if (needsNodePort(old) && needsNodePort(service)) {
    const kept = new Set(nodePortsOf(service))
    const used = new Set(nodePortsOf(old).filter((port) => kept.has(port)))
    const byName = new Map((before.ports ?? []).map(({ name = '', nodePort }) => [name, nodePort]))
    for (const port of spec.ports ?? []) {
      const known = byName.get(port.name ?? '')
      if (!port.nodePort && known && !used.has(known)) port.nodePort = known
    }
  }
  if (needsHealthCheckPort(old) && needsHealthCheckPort(service)) spec.healthCheckNodePort ||= before.healthCheckNodePort
}

/** Keeps `clusterIP` and the first of `clusterIPs` in step, from what a writer may mean who knows only the older field. */
export function normalizeClusterIps(service: CoreV1Service, old: CoreV1Service | undefined): void {
  const spec = specOf(service)
  const given = spec.clusterIP ?? ''
  if (!old) {
    if (given && !spec.clusterIPs?.length) spec.clusterIPs = [given]
    return
  }
  const before = specOf(old)
  const previous = before.clusterIP ?? ''
  if (before.clusterIPs?.length && !spec.clusterIPs?.length && given === previous) spec.clusterIPs = [...before.clusterIPs]
  if (given === previous || !sameClusterIps(service, old)) return
  spec.clusterIPs = previous && !given ? undefined : [given]
}

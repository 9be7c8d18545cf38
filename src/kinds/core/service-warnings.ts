import type { CoreV1Service } from '../../generated/types.ts'
import { warningsForCIDR, warningsForIP } from '../../machinery/ip-address-validation.ts'
import { needsClusterIp } from './service-type.ts'

const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints'
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode'

/** What is accepted but won't work, or not for long. */
export function serviceWarnings(service: CoreV1Service): string[] {
  const spec = service.spec ?? {}
  const warnings: string[] = []
  if (service.metadata?.annotations?.[TOPOLOGY_HINTS] !== undefined) {
    warnings.push(`annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`)
  }
  if (needsClusterIp(service) && spec.clusterIP !== 'None') {
    for (const [i, ip] of (spec.clusterIPs ?? []).entries()) warnings.push(...warningsForIP(`spec.clusterIPs[${i}]`, ip))
  }
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) warnings.push(...warningsForIP(`spec.externalIPs[${i}]`, ip))
  if (spec.loadBalancerIP) warnings.push(...warningsForIP('spec.loadBalancerIP', spec.loadBalancerIP))
  for (const [i, cidr] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    warnings.push(...warningsForCIDR(`spec.loadBalancerSourceRanges[${i}]`, cidr.trim()))
  }
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  } else if (spec.externalIPs?.length) {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters')
  }
  if (spec.type !== 'ExternalName' && spec.externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  }
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  }
  return warnings
}

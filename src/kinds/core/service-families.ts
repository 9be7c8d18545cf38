import type { CoreV1Service } from '../../generated/types.ts'
import { type FieldError, invalid, invalidObject } from '../../machinery/field-errors.ts'
import { familyOf, type IpFamily } from '../addresses.ts'
import { hasSelector, needsClusterIp, specOf } from './service-type.ts'
import { sameClusterIps, sameFamilies } from './service-update.ts'
import { clusterIpErrors } from './service-validation.ts'

const otherFamily = (family: IpFamily): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4')

/**
 * Fills in ipFamilyPolicy and ipFamilies and refuses what the cluster can't serve (KEP-563).
 *
 * @param configured the cluster's families, primary first
 * @throws StatusError when they don't go together
 */
export function initFamilies(service: CoreV1Service, old: CoreV1Service | undefined, configured: readonly IpFamily[]): void {
  if (!needsClusterIp(service) || staysPreferDualStack(service, old)) return
  const spec = specOf(service)
  spec.ipFamilyPolicy ??= old?.spec?.ipFamilyPolicy ?? (isBareHeadless(service) ? 'RequireDualStack' : 'SingleStack')
  refuse(service, clusterIpErrors(service))
  refuse(service, reconcile(service, old, configured))
  if (isBareHeadless(service)) {
    // Nobody knows its endpoints' families, so that both are fine even on a cluster with one.
    const [family = configured[0]!] = (spec.ipFamilies ?? []) as IpFamily[]
    if ((spec.ipFamilies?.length ?? 0) < 2) {
      spec.ipFamilies = spec.ipFamilyPolicy === 'SingleStack' ? [family] : [family, otherFamily(family)]
    }
    return
  }
  refuse(service, unavailable(service, configured))
  if (!spec.ipFamilies?.length) spec.ipFamilies = [configured[0]!]
  if (spec.ipFamilyPolicy !== 'SingleStack' && spec.ipFamilies.length === 1 && configured.length === 2) {
    spec.ipFamilies = [spec.ipFamilies[0]!, otherFamily(spec.ipFamilies[0] as IpFamily)]
  }
}

/** A service that prefers two families isn't changed just because the cluster has gained or lost one. */
export function staysPreferDualStack(service: CoreV1Service, old: CoreV1Service | undefined): boolean {
  if (!old || old.spec?.type !== service.spec?.type) return false
  if (!['ClusterIP', 'NodePort', 'LoadBalancer'].includes(service.spec?.type ?? '')) return false
  if (service.spec?.ipFamilyPolicy !== 'PreferDualStack') return false
  if ((old.spec?.ipFamilyPolicy ?? 'PreferDualStack') !== 'PreferDualStack') return false
  return sameClusterIps(service, old) && sameFamilies(service, old)
}

/** Headless without a selector. */
function isBareHeadless(service: CoreV1Service): boolean {
  return service.spec?.clusterIP === 'None' && !hasSelector(service)
}

function reconcile(service: CoreV1Service, old: CoreV1Service | undefined, configured: readonly IpFamily[]): FieldError[] {
  const spec = specOf(service)
  const policy = spec.ipFamilyPolicy
  const errors: FieldError[] = []
  const refusePolicy = (detail: string): void => {
    errors.push(invalid('spec.ipFamilyPolicy', policy, detail))
  }
  if (old && policy === 'SingleStack') {
    // The policy alone says that the second address shall go.
    if (sameClusterIps(old, service)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1)
    if (sameFamilies(old, service)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1)
  } else if (old) {
    const reduced = (now: readonly string[] = [], before: readonly string[] = []): boolean =>
      now.length > 0 && now.length < before.length
    if (reduced(spec.clusterIPs, old.spec?.clusterIPs)) refusePolicy("must be 'SingleStack' to release the secondary cluster IP")
    if (reduced(spec.ipFamilies, old.spec?.ipFamilies)) refusePolicy("must be 'SingleStack' to release the secondary IP family")
  }
  if (policy === 'SingleStack') {
    const needsTwo = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
    if (spec.clusterIPs?.length === 2) refusePolicy(`${needsTwo} cluster IPs are specified`)
    if (spec.ipFamilies?.length === 2) refusePolicy(`${needsTwo} IP families are specified`)
  }
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === 'None') break
    if (i < (spec.ipFamilies?.length ?? 0)) continue
    const family = familyOf(ip)
    if (family && configured.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else
      errors.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family ?? 'unknown'} is not configured on this cluster`))
  }
  return errors
}

function unavailable(service: CoreV1Service, configured: readonly IpFamily[]): FieldError[] {
  const { ipFamilyPolicy, ipFamilies = [] } = specOf(service)
  const errors: FieldError[] = []
  if (ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    errors.push(invalid('spec.ipFamilyPolicy', ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
  }
  for (const [i, family] of ipFamilies.entries()) {
    if (!configured.includes(family as IpFamily)) {
      errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
    }
  }
  return errors
}

function refuse(service: CoreV1Service, errors: readonly FieldError[]): void {
  if (errors.length) throw invalidObject({ group: '', kind: 'Service' }, service.metadata?.name ?? '', errors)
}

import type { CoreV1Service, CoreV1ServicePort } from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import {
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  isValidLabelValue,
  isValidPortName,
  isValidPortNum,
} from '../../machinery/validation.ts'
import { cidrErrors, familyOf, ipErrors, nonSpecialIpErrors } from '../addresses.ts'
import { isExternal, isHeadless, isLoadBalancer, needsHealthCheckPort, specOf } from './service-type.ts'

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const AFFINITIES = ['ClientIP', 'None']
const POLICIES = ['Cluster', 'Local']
const FAMILIES = ['IPv4', 'IPv6']
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const MAX_AFFINITY_TIMEOUT = 86_400

const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints'
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode'
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const BALANCERS_ONLY = "may only be used when `type` is 'LoadBalancer'"

/** The rules for one service by itself. */
export function validateService(service: CoreV1Service): FieldError[] {
  return validateAgainst(service, undefined)
}

/** The rules for a change. Addresses in old forms that were there before stay valid. */
export function validateServiceUpdate(service: CoreV1Service, old: CoreV1Service): FieldError[] {
  return [
    ...clusterIpChanges(service, old),
    ...familyChanges(service, old),
    ...balancerClass(service, old),
    ...(needsHealthCheckPort(old) &&
    needsHealthCheckPort(service) &&
    old.spec?.healthCheckNodePort !== service.spec?.healthCheckNodePort
      ? [forbiddenField('spec.healthCheckNodePort', 'field is immutable')]
      : []),
    ...validateAgainst(service, old),
  ]
}

function validateAgainst(service: CoreV1Service, old: CoreV1Service | undefined): FieldError[] {
  const spec = specOf(service)
  const ports = spec.ports ?? []
  return [
    ...topologyAnnotations(service),
    ...(!ports.length && !isHeadless(service) && spec.type !== 'ExternalName' ? [required('spec.ports')] : []),
    ...typeRules(service),
    ...validatePorts(ports),
    ...selectorErrors(spec.selector),
    ...affinityErrors(service),
    ...clusterIpErrors(service, old),
    ...(spec.externalIPs ?? []).flatMap((ip, i) => {
      const field = `spec.externalIPs[${i}]`
      const errors = ipErrors(field, ip, old?.spec?.externalIPs)
      return errors.length ? errors : nonSpecialIpErrors(field, ip)
    }),
    ...oneOf('spec.type', spec.type, TYPES),
    ...nodePortErrors(service),
    ...duplicatePorts(ports),
    ...sourceRanges(service, old),
    ...(spec.allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer(service)
      ? [forbiddenField('spec.allocateLoadBalancerNodePorts', BALANCERS_ONLY)]
      : []),
    ...balancerClass(service, undefined),
    ...externalPolicy(service),
    ...supportedOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, POLICIES),
    ...supportedOf('spec.trafficDistribution', spec.trafficDistribution, DISTRIBUTIONS),
  ]
}

/** A field that must hold one of a few values. */
function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value ? supportedOf(field, value, supported) : [required(field)]
}

/** A field that holds one of a few values if it is set at all. */
function supportedOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)]
}

function topologyAnnotations(service: CoreV1Service): FieldError[] {
  const hints = service.metadata?.annotations?.[TOPOLOGY_HINTS]
  const mode = service.metadata?.annotations?.[TOPOLOGY_MODE]
  if (hints === undefined || mode === undefined || hints === mode) return []
  return [
    invalid(`metadata.annotations[${TOPOLOGY_MODE}]`, mode, `must match annotations[${TOPOLOGY_HINTS}] when both are specified`),
  ]
}

function typeRules(service: CoreV1Service): FieldError[] {
  const { type, clusterIPs = [], ipFamilies = [], ipFamilyPolicy, externalName = '' } = specOf(service)
  if (type === 'LoadBalancer' || type === 'NodePort') {
    return isHeadless(service) ? [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`)] : []
  }
  if (type !== 'ExternalName') return []
  const errors: FieldError[] = []
  const unset = 'may not be set for ExternalName services'
  if (clusterIPs.length) errors.push(forbiddenField('spec.clusterIPs', unset))
  if (ipFamilies.length) errors.push(forbiddenField('spec.ipFamilies', unset))
  if (ipFamilyPolicy !== undefined) errors.push(forbiddenField('spec.ipFamilyPolicy', unset))
  const host = externalName.endsWith('.') ? externalName.slice(0, -1) : externalName
  if (host === '') errors.push(required('spec.externalName'))
  else errors.push(...isDns1123Subdomain(host).map((message) => invalid('spec.externalName', host, message)))
  return errors
}

function validatePorts(ports: readonly CoreV1ServicePort[]): FieldError[] {
  const names = new Set<string>()
  return ports.flatMap((port, i) => {
    const field = `spec.ports[${i}]`
    const { name = '', port: number = 0, protocol = '', targetPort = 0, appProtocol } = port
    const errors: FieldError[] = []
    if (name === '' && ports.length > 1) errors.push(required(`${field}.name`))
    else if (name !== '') {
      errors.push(...isDns1123Label(name).map((message) => invalid(`${field}.name`, name, message)))
      if (names.has(name)) errors.push(duplicate(`${field}.name`, name))
      names.add(name)
    }
    errors.push(...isValidPortNum(number).map((message) => invalid(`${field}.port`, number, message)))
    errors.push(...oneOf(`${field}.protocol`, protocol, PROTOCOLS))
    const targetErrors = typeof targetPort === 'string' ? isValidPortName(targetPort) : isValidPortNum(Number(targetPort))
    errors.push(...targetErrors.map((message) => invalid(`${field}.targetPort`, targetPort, message)))
    if (appProtocol !== undefined) {
      errors.push(...isQualifiedName(appProtocol).map((message) => invalid(`${field}.appProtocol`, appProtocol, message)))
    }
    return errors
  })
}

function selectorErrors(selector: Readonly<Record<string, string>> | undefined): FieldError[] {
  return Object.entries(selector ?? {}).flatMap(([key, value]) => [
    ...isQualifiedName(key).map((message) => invalid('spec.selector', key, message)),
    ...isValidLabelValue(value).map((message) => invalid('spec.selector', value, message)),
  ])
}

function affinityErrors(service: CoreV1Service): FieldError[] {
  const { sessionAffinity, sessionAffinityConfig } = specOf(service)
  const errors = oneOf('spec.sessionAffinity', sessionAffinity, AFFINITIES)
  if (sessionAffinity !== 'ClientIP') return errors
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0
  if (seconds <= 0 || seconds > MAX_AFFINITY_TIMEOUT) {
    const detail = `must be greater than 0 and less than ${MAX_AFFINITY_TIMEOUT}`
    errors.push(invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, detail))
  }
  return errors
}

/** The rules among clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy, which allocation needs checked as well. */
export function clusterIpErrors(service: CoreV1Service, old?: CoreV1Service): FieldError[] {
  const { type, clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = specOf(service)
  if (type === 'ExternalName') return []
  const field = 'spec.clusterIPs'
  const errors: FieldError[] = []
  if (clusterIP !== '') {
    if (!clusterIPs.length) errors.push(required(field))
    else if (clusterIPs[0] !== clusterIP) errors.push(invalid(field, clusterIPs, 'first value must match `clusterIP`'))
  } else if (clusterIPs.length) errors.push(invalid(field, clusterIPs, 'must be empty when `clusterIP` is not specified'))

  for (const [i, family] of ipFamilies.entries()) {
    if (!FAMILIES.includes(family)) errors.push(notSupported(`spec.ipFamilies[${i}]`, family, FAMILIES))
    if (ipFamilies.indexOf(family) < i) errors.push(duplicate(`spec.ipFamilies[${i}]`, family))
  }
  if (ipFamilyPolicy !== undefined && !FAMILY_POLICIES.includes(ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, FAMILY_POLICIES))
  }

  let bad = false
  for (const [i, ip] of clusterIPs.entries()) {
    if (i === 0 && ip === 'None') {
      if (clusterIPs.length === 1) continue
      bad = true
      errors.push(invalid(field, clusterIPs, "'None' must be the first and only value"))
      continue
    }
    const wrong = ipErrors(`${field}[${i}]`, ip, old?.spec?.clusterIPs)
    bad ||= wrong.length > 0
    errors.push(...wrong)
  }
  if (clusterIPs.length > 2) errors.push(invalid(field, clusterIPs, 'may only hold up to 2 values'))
  if (bad) return errors

  const families = clusterIPs.map(familyOf)
  if (clusterIPs.length > 1 && new Set(families).size < 2) {
    errors.push(invalid(field, clusterIPs, 'may specify no more than one IP for each IP family'))
  }
  if (isHeadless(service)) return errors
  for (const [i, ip] of clusterIPs.entries()) {
    const expected = ipFamilies[i]
    if (expected && FAMILIES.includes(expected) && families[i] !== expected) {
      errors.push(invalid(`${field}[${i}]`, ip, `expected an ${expected} value as indicated by \`ipFamilies[${i}]\``))
    }
  }
  return errors
}

function nodePortErrors(service: CoreV1Service): FieldError[] {
  const { type, ports = [] } = specOf(service)
  const errors: FieldError[] = []
  const field = (i: number): string => `spec.ports[${i}].nodePort`
  if (type === 'ClusterIP') {
    for (const [i, port] of ports.entries()) {
      if (port.nodePort) errors.push(forbiddenField(field(i), "may not be used when `type` is 'ClusterIP'"))
    }
  }
  const seen = new Set<string>()
  for (const [i, port] of ports.entries()) {
    if (!port.nodePort) continue
    const key = `${port.protocol}/${port.nodePort}`
    if (seen.has(key)) errors.push(duplicate(field(i), port.nodePort))
    seen.add(key)
  }
  return errors
}

function duplicatePorts(ports: readonly CoreV1ServicePort[]): FieldError[] {
  const seen = new Set<string>()
  return ports.flatMap(({ protocol = '', port = 0 }, i) => {
    const key = `${protocol}/${port}`
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    // The struct as the reference prints it.
    const shown = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }
    return [duplicate(`spec.ports[${i}]`, shown)]
  })
}

function sourceRanges(service: CoreV1Service, old: CoreV1Service | undefined): FieldError[] {
  const ranges = service.spec?.loadBalancerSourceRanges ?? []
  const field = 'spec.LoadBalancerSourceRanges'
  if (ranges.length) {
    const before = (old?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim())
    return [
      ...(isLoadBalancer(service) ? [] : [forbiddenField(field, BALANCERS_ONLY)]),
      ...ranges.flatMap((range, i) => cidrErrors(`${field}[${i}]`, range.trim(), before)),
    ]
  }
  const annotation = service.metadata?.annotations?.[SOURCE_RANGES]
  if (annotation === undefined) return []
  const at = `metadata.annotations[${SOURCE_RANGES}]`
  const before = (old?.metadata?.annotations?.[SOURCE_RANGES] ?? '').split(',').map((range) => range.trim())
  const text = annotation.trim()
  return [
    ...(isLoadBalancer(service) ? [] : [forbiddenField(at, BALANCERS_ONLY)]),
    ...(text === '' ? [] : text.split(',').flatMap((range) => cidrErrors(at, range.trim(), before))),
  ]
}

function balancerClass(service: CoreV1Service, old: CoreV1Service | undefined): FieldError[] {
  const name = service.spec?.loadBalancerClass
  const field = 'spec.loadBalancerClass'
  const errors: FieldError[] = []
  if (old && isLoadBalancer(old) && isLoadBalancer(service) && old.spec?.loadBalancerClass !== name) {
    errors.push(invalid(field, name, 'may not change once set'))
  }
  if (name === undefined) return errors
  if (!isLoadBalancer(service)) errors.push(forbiddenField(field, BALANCERS_ONLY))
  else errors.push(...isQualifiedName(name).map((message) => invalid(field, name, message)))
  return errors
}

function externalPolicy(service: CoreV1Service): FieldError[] {
  const { externalTrafficPolicy: policy = '', healthCheckNodePort: port = 0 } = specOf(service)
  const errors: FieldError[] = []
  if (isExternal(service)) errors.push(...oneOf('spec.externalTrafficPolicy', policy, POLICIES))
  else if (policy !== '') {
    errors.push(invalid('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services'))
  }
  if (!needsHealthCheckPort(service)) {
    if (port !== 0) {
      const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
      errors.push(invalid('spec.healthCheckNodePort', port, detail))
    }
  } else if (port === 0) errors.push(required('spec.healthCheckNodePort'))
  else errors.push(...isValidPortNum(port).map((message) => invalid('spec.healthCheckNodePort', port, message)))
  return errors
}

/** The first address never changes, unless the type goes to or comes from ExternalName; the second one may come and go. */
function clusterIpChanges(service: CoreV1Service, old: CoreV1Service): FieldError[] {
  if (service.spec?.type === 'ExternalName' || old.spec?.type === 'ExternalName') return []
  if (isHeadless(old) && isHeadless(service)) return []
  const now = service.spec?.clusterIPs ?? []
  const before = old.spec?.clusterIPs ?? []
  const changed = (i: number): FieldError => invalid(`spec.clusterIPs[${i}]`, now, 'may not change once set')
  if (now.length === before.length) return before.flatMap((ip, i) => (ip === now[i] ? [] : [changed(i)]))
  const errors: FieldError[] = []
  if (!now.length) errors.push(invalid('spec.clusterIPs[0]', null, 'primary clusterIP can not be unset'))
  else if (before.length && now[0] !== before[0]) errors.push(changed(0))
  if (now.length === 1 && before.length > 1 && service.spec?.ipFamilyPolicy !== 'SingleStack') {
    const detail = "must be set to 'SingleStack' when releasing the secondary clusterIP"
    errors.push(invalid('spec.ipFamilyPolicy', service.spec?.ipFamilyPolicy, detail))
  }
  return errors
}

function familyChanges(service: CoreV1Service, old: CoreV1Service): FieldError[] {
  if (service.spec?.type === 'ExternalName' || old.spec?.type === 'ExternalName') return []
  if (isHeadless(old) || isHeadless(service)) return []
  const now = service.spec?.ipFamilies ?? []
  const before = old.spec?.ipFamilies ?? []
  const field = 'spec.ipFamilies[0]'
  const unchangeable = 'may not change once set'
  if (now.length === before.length) {
    return before.flatMap((family, i) => (family === now[i] ? [] : [invalid(field, now, unchangeable)]))
  }
  const errors: FieldError[] = []
  const addresses = service.spec?.clusterIPs ?? []
  if (now.length < before.length && !addresses.length) errors.push(invalid(field, now, 'primary ipFamily can not be unset'))
  if (now.length && before.length && now[0] !== before[0]) errors.push(invalid(field, addresses, unchangeable))
  if (now.length === 1 && before.length > 1 && service.spec?.ipFamilyPolicy !== 'SingleStack') {
    const detail = "must be set to 'SingleStack' when releasing the secondary ipFamily"
    errors.push(invalid('spec.ipFamilyPolicy', service.spec?.ipFamilyPolicy, detail))
  }
  return errors
}

const IP_MODES = ['Proxy', 'VIP']

/** The rules for what load balancers report. */
export function validateServiceStatus(service: CoreV1Service, old: CoreV1Service): FieldError[] {
  const ingresses = service.status?.loadBalancer?.ingress ?? []
  const field = 'status.loadBalancer'
  if (
    !isLoadBalancer(service) &&
    ingresses.length &&
    JSON.stringify(ingresses) !== JSON.stringify(old.status?.loadBalancer?.ingress)
  ) {
    return [forbiddenField(`${field}.ingress`, "may only be used when `spec.type` is 'LoadBalancer'")]
  }
  const before = (old.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)
  return ingresses.flatMap(({ ip = '', hostname = '', ipMode }, i) => {
    const at = `${field}.ingress[${i}]`
    const errors: FieldError[] = ip ? ipErrors(`${at}.ip`, ip, before) : []
    if (ipMode !== undefined && !ip) errors.push(forbiddenField(`${at}.ipMode`, 'may not be specified when `ip` is not set'))
    else if (ipMode === undefined && ip) errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'))
    else if (ipMode !== undefined && !IP_MODES.includes(ipMode)) errors.push(notSupported(`${at}.ipMode`, ipMode, IP_MODES))
    if (hostname) {
      errors.push(...isDns1123Subdomain(hostname).map((message) => invalid(`${at}.hostname`, hostname, message)))
      if (familyOf(hostname)) errors.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'))
    }
    return errors
  })
}

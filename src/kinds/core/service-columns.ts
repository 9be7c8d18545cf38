import type { CoreV1Service } from '../../generated/types.ts'

export function externalAddresses(service: CoreV1Service): string {
  const { type, externalIPs = [], externalName = '' } = service.spec ?? {}
  switch (type) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs.join(',') || '<none>'
    case 'LoadBalancer':
      return [...balancerAddresses(service), ...externalIPs].join(',') || '<pending>'
    case 'ExternalName':
      return externalName
    default:
      return '<unknown>'
  }
}

function balancerAddresses(service: CoreV1Service): string[] {
  const found = new Set<string>()
  for (const { ip, hostname } of service.status?.loadBalancer?.ingress ?? []) {
    const address = ip || hostname
    if (address) found.add(address)
  }
  return [...found].sort()
}

export function portList(service: CoreV1Service): string {
  const ports = (service.spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  )
  return ports.join(',') || '<none>'
}

export function selectorText(service: CoreV1Service): string {
  const selector = service.spec?.selector ?? {}
  return (
    Object.keys(selector)
      .sort()
      .map((key) => `${key}=${selector[key]}`)
      .join(',') || '<none>'
  )
}

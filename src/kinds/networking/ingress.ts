import type { NetworkingV1Ingress } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { CLASS_ANNOTATION, validateIngress, validateIngressCreate, validateIngressStatus } from './ingress-validation.ts'

const MAX_SHOWN = 3

export const ingress = defineKind<NetworkingV1Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  resource: 'ingresses',
  shortNames: ['ing'],
  storagePrefix: 'ingress',
  scope: 'Namespaced',
  schema: 'io.k8s.api.networking.v1.Ingress',
  generation: 'spec',
  validate: validateIngressCreate,
  validateUpdate: validateIngress,
  warnings(ingress, old) {
    const annotated = ingress.metadata?.annotations?.[CLASS_ANNOTATION] !== undefined
    return annotated && !old ? [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`] : []
  },
  status: { validate: validateIngressStatus },
  columns: [
    column(
      'Class',
      'The name of the IngressClass resource that should be used for additional configuration',
      (ingress) => ingress.spec?.ingressClassName ?? '<none>',
    ),
    column('Hosts', 'Hosts that incoming requests are matched against before the ingress rule', hosts),
    column('Address', 'Address is a list containing ingress points for the load-balancer', addresses),
    column('Ports', 'Ports of TLS configurations that open', (ingress) => (ingress.spec?.tls?.length ? '80, 443' : '80')),
    age,
  ],
})

function hosts(ingress: NetworkingV1Ingress): string {
  const rules = ingress.spec?.rules ?? []
  const shown: string[] = []
  let more = false
  for (const { host } of rules) {
    if (shown.length === MAX_SHOWN) more = true
    else if (host) shown.push(host)
  }
  if (!shown.length) return '*'
  return more ? `${shown.join(',')} + ${rules.length - MAX_SHOWN} more...` : shown.join(',')
}

function addresses(ingress: NetworkingV1Ingress): string {
  const found = new Set<string>()
  for (const { ip, hostname } of ingress.status?.loadBalancer?.ingress ?? []) {
    const address = ip || hostname
    if (address) found.add(address)
  }
  return [...found].sort().join(',')
}

import type { NetworkingV1NetworkPolicy } from '../../generated/types.ts'
import { type LabelSelectorObject, labelSelectorFromObject } from '../../machinery/label-selector.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateNetworkPolicy } from './network-policy-validation.ts'

export const networkPolicy = defineKind<NetworkingV1NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
  shortNames: ['netpol'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.networking.v1.NetworkPolicy',
  defaults(policy) {
    policy.spec ??= {}
    const { spec } = policy
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP'
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  generation: 'spec',
  validate: (policy) => validateNetworkPolicy(policy),
  validateUpdate: (policy, old) => validateNetworkPolicy(policy, old),
  columns: [
    column('Pod-Selector', '@io.k8s.api.networking.v1.NetworkPolicySpec.podSelector', (policy) => {
      const selector = labelSelectorFromObject((policy.spec?.podSelector ?? {}) as LabelSelectorObject)
      return selector.toString() || '<none>'
    }),
    age,
  ],
})

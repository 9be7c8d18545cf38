import type { NetworkingV1IngressClass } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'

export const ingressClass = defineKind<NetworkingV1IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  resource: 'ingressclasses',
  scope: 'Cluster',
  schema: 'io.k8s.api.networking.v1.IngressClass',
  defaults(ingressClass) {
    const parameters = ingressClass.spec?.parameters
    if (parameters) parameters.scope ??= 'Cluster'
  },
  generation: 'spec',
  columns: [
    column(
      'Controller',
      'Controller that is responsible for handling this class',
      (ingressClass) => ingressClass.spec?.controller ?? '',
    ),
    column('Parameters', 'A reference to a resource with additional parameters', (ingressClass) => {
      const parameters = ingressClass.spec?.parameters
      if (!parameters) return '<none>'
      const group = parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`
      return `${parameters.kind}${group}/${parameters.name}`
    }),
    age,
  ],
})

import type { CoreV1Service } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { proxySubresource } from './proxy.ts'
import { allocateForCreate, allocateForUpdate, releaseAll, releaseUnused } from './service-allocation.ts'
import { externalAddresses, portList, selectorText } from './service-columns.ts'
import { isExternal, isLoadBalancer, needsClusterIp, specOf } from './service-type.ts'
import { dropTypeDependentFields } from './service-update.ts'
import { validateService, validateServiceStatus, validateServiceUpdate } from './service-validation.ts'
import { serviceWarnings } from './service-warnings.ts'

const SPEC = '@io.k8s.api.core.v1.ServiceSpec'

/** How long a client sticks to an endpoint, in seconds. */
const AFFINITY_TIMEOUT = 10_800

export const service = defineKind<CoreV1Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  resource: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  storagePrefix: 'services/specs',
  updateSkipsMetadata: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.Service',
  names: 'label',
  createOnUpdate: true,
  returnsDeleted: true,
  defaults: defaultService,
  beforeCreate: allocateForCreate,
  beforeUpdate: allocateForUpdate,
  afterUpdate: releaseUnused,
  afterDelete: releaseAll,
  prepareForUpdate: dropTypeDependentFields,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  warnings: serviceWarnings,
  status: { validate: validateServiceStatus },
  subresources: [proxySubresource('ServiceProxyOptions')],
  columns: [
    column('Type', `${SPEC}.type`, (service) => service.spec?.type ?? ''),
    column('Cluster-IP', `${SPEC}.clusterIP`, (service) => service.spec?.clusterIPs?.[0] ?? '<none>'),
    column('External-IP', `${SPEC}.externalIPs`, externalAddresses),
    column('Port(s)', `${SPEC}.ports`, portList),
    age,
    column('Selector', `${SPEC}.selector`, selectorText, { wide: true }),
  ],
  fields: {
    'spec.clusterIP': (service) => service.spec?.clusterIP ?? '',
    'spec.type': (service) => service.spec?.type ?? '',
  },
})

function defaultService(service: CoreV1Service): void {
  const spec = specOf(service)
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') spec.sessionAffinityConfig = undefined
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_TIMEOUT } }
  }
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    port.targetPort ||= port.port
  }
  if (isExternal(service)) spec.externalTrafficPolicy ||= 'Cluster'
  if (['ClusterIP', 'LoadBalancer', 'NodePort'].includes(spec.type)) spec.internalTrafficPolicy ??= 'Cluster'
  // Earlier releases stored it for this type, too.
  if (!needsClusterIp(service)) spec.internalTrafficPolicy = undefined
  if (isLoadBalancer(service)) {
    spec.allocateLoadBalancerNodePorts ??= true
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
  }
}

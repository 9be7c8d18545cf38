import type { CoreV1Service } from '../../generated/types.ts'
import type { ObjectAccess } from '../context.ts'
import type { NodePorts } from './port-allocator.ts'

/** Marks the ports that stored services hold, when the server starts. */
export async function restoreNodePorts(nodePorts: NodePorts, services: ObjectAccess): Promise<void> {
  for (const { spec } of (await services.list('')) as CoreV1Service[]) {
    if (spec?.type !== 'NodePort' && spec?.type !== 'LoadBalancer') continue
    nodePorts.restore((spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])))
    if (spec.healthCheckNodePort) nodePorts.restore([spec.healthCheckNodePort])
  }
}

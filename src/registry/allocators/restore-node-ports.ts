import type { CoreV1Service } from '../../generated/types.ts'
import type { ObjectAccess, PortAllocator } from '../context.ts'
import { AllocationError } from './errors.ts'

/** Marks the ports that stored services hold, when the server starts. Ports outside of the range aren't the allocator's. */
export async function restoreNodePorts(nodePorts: PortAllocator, services: ObjectAccess): Promise<void> {
  for (const { spec } of (await services.list('')) as CoreV1Service[]) {
    if (spec?.type !== 'NodePort' && spec?.type !== 'LoadBalancer') continue
    for (const { nodePort } of spec.ports ?? []) take(nodePorts, nodePort)
    take(nodePorts, spec.healthCheckNodePort)
  }
}

function take(nodePorts: PortAllocator, port: number | undefined): void {
  if (!port) return
  try {
    nodePorts.allocate(port)
  } catch (error) {
    // Ports of one service may share a number.
    if (!(error instanceof AllocationError)) throw error
  }
}

import type { CoreV1Service } from '../../generated/types.ts'
import { invalid, invalidObject } from '../../machinery/field-errors.ts'
import { internalError, StatusError } from '../../machinery/status.ts'
import { AllocationError } from '../../registry/allocators/errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { Undo } from '../../registry/kind.ts'
import { PortOperation } from './port-operation.ts'
import { needsHealthCheckPort, needsNodePort, specOf } from './service-type.ts'
import { nodePortsOf } from './service-update.ts'

/** All ports that a service holds on every node. */
export function holdsPorts(service: CoreV1Service): number[] {
  const health = needsHealthCheckPort(service) ? (service.spec?.healthCheckNodePort ?? 0) : 0
  return [...(needsNodePort(service) ? nodePortsOf(service) : []), ...(health ? [health] : [])]
}

const choosesPorts = (service: CoreV1Service): boolean =>
  service.spec?.type === 'NodePort' || Boolean(service.spec?.allocateLoadBalancerNodePorts)

/** The node ports of a new service. Ports of the same number share one, whatever their protocols. */
export async function chooseNodePorts(service: CoreV1Service, context: WriteContext, undos: Undo[]): Promise<void> {
  const operation = startOperation(context, undos)
  if (needsNodePort(service)) {
    const ports = specOf(service).ports ?? []
    const chosen = new Map<number, number>()
    for (const [i, port] of ports.entries()) {
      if (!port.nodePort && !choosesPorts(service)) continue
      const number = port.port ?? 0
      const shared = chosen.get(number)
      if (shared === undefined) {
        const wanted = ports.find((other) => other.port === number && other.nodePort)?.nodePort
        if (wanted) takePort(service, operation, i, wanted)
        port.nodePort = wanted ?? nextPort(operation)
        chosen.set(number, port.nodePort)
      } else if (!port.nodePort) port.nodePort = shared
      else if (port.nodePort !== shared) takePort(service, operation, i, port.nodePort)
    }
  }
  if (needsHealthCheckPort(service)) chooseHealthCheckPort(service, operation)
}

/** The node ports that a changed service lacks. */
export async function updateNodePorts(
  service: CoreV1Service,
  old: CoreV1Service,
  context: WriteContext,
  undos: Undo[],
): Promise<void> {
  const operation = startOperation(context, undos)
  if (needsNodePort(service)) {
    const known = new Set(nodePortsOf(old))
    const taken = new Set<number>()
    const seen = new Set<string>()
    for (const [i, port] of (specOf(service).ports ?? []).entries()) {
      if (!port.nodePort && !choosesPorts(service)) continue
      if (!port.nodePort) port.nodePort = nextPort(operation)
      else if (!known.has(port.nodePort) && !taken.has(port.nodePort)) {
        takePort(service, operation, i, port.nodePort)
        taken.add(port.nodePort)
      }
      const key = `{${port.protocol} ${port.nodePort}}`
      if (seen.has(key)) throw new StatusError(500, '', `duplicate nodePort: ${key}`)
      seen.add(key)
    }
  }
  if (needsHealthCheckPort(service) && !needsHealthCheckPort(old)) chooseHealthCheckPort(service, operation)
}

function startOperation(context: WriteContext, undos: Undo[]): PortOperation {
  const operation = new PortOperation(context.env.nodePorts, context.dryRun)
  undos.push(async () => operation.undo())
  return operation
}

function takePort(service: CoreV1Service, operation: PortOperation, index: number, port: number): void {
  try {
    operation.allocate(port)
  } catch (error) {
    if (!(error instanceof AllocationError)) throw error
    throw invalidObject({ group: '', kind: 'Service' }, service.metadata?.name ?? '', [
      invalid(`spec.ports[${index}].nodePort`, port, error.message),
    ])
  }
}

function nextPort(operation: PortOperation): number {
  try {
    return operation.allocateNext()
  } catch (error) {
    if (!(error instanceof AllocationError)) throw error
    throw internalError(`failed to allocate a nodePort: ${error.message}`)
  }
}

function chooseHealthCheckPort(service: CoreV1Service, operation: PortOperation): void {
  const spec = specOf(service)
  const wanted = spec.healthCheckNodePort
  try {
    if (wanted) operation.allocate(wanted)
    else spec.healthCheckNodePort = operation.allocateNext()
  } catch (error) {
    if (!(error instanceof AllocationError)) throw error
    throw internalError(
      wanted
        ? `failed to allocate requested HealthCheck NodePort ${wanted}: ${error.message}`
        : `failed to allocate a HealthCheck NodePort 0: ${error.message}`,
    )
  }
}

import type { CoreV1Service } from '../../generated/types.ts'
import { Quantity, ZERO_QUANTITY } from '../../machinery/quantity.ts'
import { countName, type Evaluator, ONE } from './evaluator.ts'

const COUNT = countName({ group: '', resource: 'services' })
const NAMES: ReadonlySet<string> = new Set([COUNT, 'services', 'services.nodeports', 'services.loadbalancers'])

/** Services, their node ports (whether they have been allocated yet or not) and load balancers. */
export const services: Evaluator = {
  handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  counts: (name) => NAMES.has(name),
  usage: ({ spec = {} }: CoreV1Service) =>
    new Map([
      [COUNT, ONE],
      ['services', ONE],
      ['services.nodeports', Quantity.of(nodePorts(spec))],
      ['services.loadbalancers', spec.type === 'LoadBalancer' ? ONE : ZERO_QUANTITY],
    ]),
}

function nodePorts({ type, ports = [], allocateLoadBalancerNodePorts }: NonNullable<CoreV1Service['spec']>): number {
  if (type !== 'NodePort' && type !== 'LoadBalancer') return 0
  if (type === 'LoadBalancer' && allocateLoadBalancerNodePorts === false) return ports.filter((port) => port.nodePort).length
  return ports.length
}

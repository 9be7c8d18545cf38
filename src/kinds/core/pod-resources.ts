import type { CoreV1Container, CoreV1PodSpec, CoreV1ResourceRequirements } from '../../generated/types.ts'
import { type Quantity, quantityFromJson, ZERO_QUANTITY } from '../../machinery/quantity.ts'
import type { ResourceList } from './pod-spec-defaults.ts'
import { isRestartableInit } from './pod-spec-visit.ts'

type Amounts = Map<string, Quantity>

const HUGE_PAGES = 'hugepages-'

export const isHugePages = (name: string): boolean => name.startsWith(HUGE_PAGES)

/** Resources that a pod may ask for as a whole (KEP-2837). */
export const isPodLevelResource = (name: string): boolean => name === 'cpu' || name === 'memory' || isHugePages(name)

/** What all containers together ask for: the sum of those that run side by side, or an init container's if that is more. */
export function aggregate(spec: CoreV1PodSpec, what: 'requests' | 'limits'): Amounts {
  return aggregateBy(spec, ({ resources }) => resources?.[what])
}

/** The same of any list that each container has. */
export function aggregateBy(spec: CoreV1PodSpec, listOf: (container: CoreV1Container) => ResourceList | undefined): Amounts {
  const total: Amounts = new Map()
  for (const container of spec.containers ?? []) add(total, listOf(container))
  const sidecars: Amounts = new Map()
  const initMax: Amounts = new Map()
  for (const container of spec.initContainers ?? []) {
    const own = listOf(container)
    const now: Amounts = new Map(sidecars)
    add(now, own)
    if (isRestartableInit(container)) {
      add(total, own)
      add(sidecars, own)
    }
    raise(initMax, now)
  }
  raise(total, initMax)
  return total
}

/** Adds every quantity of a list. */
export function add(amounts: Amounts, list: ResourceList | undefined): void {
  for (const name in list) amounts.set(name, (amounts.get(name) ?? ZERO_QUANTITY).add(quantityFromJson(list[name])))
}

function raise(amounts: Amounts, others: Amounts): void {
  for (const [name, quantity] of others) {
    const known = amounts.get(name)
    if (!known || quantity.compare(known) > 0) amounts.set(name, quantity)
  }
}

type QosClass = 'BestEffort' | 'Burstable' | 'Guaranteed'

/** What decides the quality of service. */
const QOS_RESOURCES = ['cpu', 'memory'] as const

/** The quality of service that a pod's requests and limits amount to. */
export function podQosClass(spec: CoreV1PodSpec): QosClass {
  const parts = spec.resources ? [spec.resources] : (spec.containers ?? []).map(resourcesOf)
  if (!spec.resources && spec.initContainers) parts.push(...spec.initContainers.map(resourcesOf))
  if (!parts.some(hasAmounts)) return 'BestEffort'
  const isLimited = parts.every((part) => {
    // Of the pod as a whole, limits count only once there are any.
    return (spec.resources && !part?.limits) || QOS_RESOURCES.every((name) => positive(part?.limits, name))
  })
  // Most pods are known by now, without a sum.
  if (!isLimited) return 'Burstable'
  return QOS_RESOURCES.every((name) => sum(parts, 'requests', name).equals(sum(parts, 'limits', name)))
    ? 'Guaranteed'
    : 'Burstable'
}

const resourcesOf = ({ resources }: CoreV1Container): CoreV1ResourceRequirements | undefined => resources

const hasAmounts = (part: CoreV1ResourceRequirements | undefined): boolean =>
  QOS_RESOURCES.some((name) => positive(part?.requests, name) || positive(part?.limits, name))

/** An amount above zero. */
function positive(list: ResourceList | undefined, name: string): Quantity | undefined {
  const text = list?.[name]
  const quantity = text === undefined ? undefined : quantityFromJson(text)
  return quantity && quantity.sign > 0 ? quantity : undefined
}

function sum(parts: readonly (CoreV1ResourceRequirements | undefined)[], what: 'requests' | 'limits', name: string): Quantity {
  return parts.reduce((total, part) => total.add(positive(part?.[what], name) ?? ZERO_QUANTITY), ZERO_QUANTITY)
}

import type { CoreV1PodSpec } from '../../generated/types.ts'
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
  const total: Amounts = new Map()
  for (const container of spec.containers ?? []) add(total, container.resources?.[what])
  const sidecars: Amounts = new Map()
  const initMax: Amounts = new Map()
  for (const container of spec.initContainers ?? []) {
    const own = container.resources?.[what]
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

const isQosResource = (name: string): boolean => name === 'cpu' || name === 'memory'

/** The quality of service that a pod's requests and limits amount to. */
export function podQosClass(spec: CoreV1PodSpec): QosClass {
  const requests: Amounts = new Map()
  const limits: Amounts = new Map()
  const parts = spec.resources
    ? [spec.resources]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.resources)
  let guaranteed = true
  for (const part of parts) {
    addPositive(requests, part?.requests)
    const found = addPositive(limits, part?.limits)
    // Of the pod as a whole, limits count only once there are any.
    if (found < 2 && (!spec.resources || part?.limits)) guaranteed = false
  }
  if (!requests.size && !limits.size) return 'BestEffort'
  for (const [name, quantity] of requests) if (!limits.get(name)?.equals(quantity)) guaranteed = false
  return guaranteed && requests.size === limits.size ? 'Guaranteed' : 'Burstable'
}

/** @returns how many of cpu and memory had a quantity above zero */
function addPositive(amounts: Amounts, list: ResourceList | undefined): number {
  let count = 0
  for (const name in list) {
    if (!isQosResource(name)) continue
    const quantity = quantityFromJson(list[name])
    if (quantity.sign <= 0) continue
    amounts.set(name, (amounts.get(name) ?? ZERO_QUANTITY).add(quantity))
    count++
  }
  return count
}

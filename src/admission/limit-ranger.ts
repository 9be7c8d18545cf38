import type { CoreV1Container, CoreV1LimitRange, CoreV1PersistentVolumeClaim, CoreV1Pod } from '../generated/types.ts'
import type { Quantity } from '../machinery/quantity.ts'
import { aggregatedMessage } from './aggregated-message.ts'
import { type LimitRangeFacts, limitRangeFacts, violations } from './limit-ranges.ts'
import { type Facts, type ObjectReader, then } from './objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'
import { type Amounts, amountsOf, type ResourceList } from './resource-quota/amounts.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

/** Adds up what the containers of a pod have in a list, with init containers counted as far as they run beside others. */
export type TotalOfContainers = (
  spec: NonNullable<CoreV1Pod['spec']>,
  listOf: (container: CoreV1Container) => ResourceList | undefined,
) => Map<string, Quantity>

export interface LimitRangerDeps {
  objects: ObjectReader
  total: TotalOfContainers
  /** Whether pods may ask for resources as a whole (KEP-2837). */
  podLevelResources: boolean
}

/**
 * Gives containers the requests and limits that the LimitRanges of their namespace provide, and keeps containers, pods and claims within
 * the bounds that these set. https://kubernetes.io/docs/concepts/policy/limit-range/
 */
export function limitRanger(deps: LimitRangerDeps): AdmissionPlugin {
  const ranges = deps.objects.facts<LimitRangeFacts>({ group: '', resource: 'limitranges' }, (object) =>
    limitRangeFacts(object as CoreV1LimitRange),
  )
  return {
    name: 'LimitRanger',
    operations: ['CREATE', 'UPDATE'],
    admit(attributes) {
      if (!changesPod(attributes)) return
      return withRanges(attributes, ranges, (found) => {
        for (const range of found) applyDefaults(attributes.object as CoreV1Pod, range)
      })
    },
    validate(attributes) {
      const pod = changesPod(attributes)
      if (!pod && !isFor(attributes, 'persistentvolumeclaims')) return
      return withRanges(attributes, ranges, (found) => {
        for (const range of found) {
          const messages = pod
            ? podViolations(attributes.object as CoreV1Pod, range, deps)
            : claimViolations(attributes.object as CoreV1PersistentVolumeClaim, range)
          if (messages.length) throw refusal(attributes, aggregatedMessage(messages))
        }
      })
    },
  }
}

/** Updates of a pod can't change resources, except those through its `resize`. */
function changesPod({ operation, resource, subresource }: AdmissionAttributes): boolean {
  if (resource.resource !== 'pods' || resource.group !== '') return false
  return operation === 'CREATE' ? subresource === '' : subresource === 'resize'
}

function withRanges(
  { namespace, oldObject }: AdmissionAttributes,
  ranges: Facts<LimitRangeFacts>,
  run: (found: readonly LimitRangeFacts[]) => void,
): void | Promise<void> {
  // Whatever holds up a deletion may be taken away, be the rest within bounds or not.
  if (oldObject?.metadata?.deletionTimestamp) return
  return then(ranges.inNamespace(namespace), (found) => {
    if (found.length) run(found)
  })
}

/** What was set is told in an annotation; that of the last range that set anything stays. */
function applyDefaults(pod: CoreV1Pod, range: LimitRangeFacts): void {
  const told: string[] = []
  for (const container of pod.spec?.containers ?? []) applyToContainer(container, range, 'container', told)
  for (const container of pod.spec?.initContainers ?? []) applyToContainer(container, range, 'init container', told)
  if (!told.length) return
  const metadata = (pod.metadata ??= {})
  metadata.annotations = { ...metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${told.join('; ')}` }
}

function applyToContainer(container: CoreV1Container, range: LimitRangeFacts, called: string, told: string[]): void {
  for (const [list, defaults, what] of [
    ['requests', range.defaultRequests, 'request'],
    ['limits', range.defaultLimits, 'limit'],
  ] as const) {
    const given = container.resources?.[list] ?? {}
    const missing = Object.keys(defaults).filter((name) => !Object.hasOwn(given, name))
    if (!missing.length) continue
    container.resources ??= {}
    container.resources[list] = merged(given, defaults)
    told.push(`${missing.sort().join(', ')} ${what} for ${called} ${container.name}`)
  }
}

/** In the order of names, as maps are written. */
function merged(given: ResourceList, defaults: ResourceList): ResourceList {
  const names = [...new Set([...Object.keys(defaults), ...Object.keys(given)])].sort()
  return Object.fromEntries(names.map((name) => [name, given[name] ?? (defaults[name] as string)]))
}

function podViolations(pod: CoreV1Pod, range: LimitRangeFacts, deps: LimitRangerDeps): string[] {
  const messages: string[] = []
  const { spec = {} } = pod
  for (const bounds of range.bounds) {
    if (bounds.type === 'Container') {
      for (const { resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])])
        messages.push(...violations(bounds, amountsOf(resources?.requests), amountsOf(resources?.limits)))
    } else if (bounds.type === 'Pod') {
      messages.push(...violations(bounds, podTotal(spec, 'requests', deps), podTotal(spec, 'limits', deps)))
    }
  }
  return messages
}

/** What a pod asks for as a whole counts instead of what its containers do, of those resources that bounds know. */
function podTotal(
  spec: NonNullable<CoreV1Pod['spec']>,
  list: 'requests' | 'limits',
  { total, podLevelResources }: LimitRangerDeps,
): Amounts {
  const sum = total(spec, ({ resources }) => resources?.[list])
  if (!podLevelResources) return sum
  const whole = amountsOf(spec.resources?.[list])
  for (const name of ['cpu', 'memory']) {
    const quantity = whole.get(name)
    if (quantity) sum.set(name, quantity)
  }
  return sum
}

/** Claims only ever request. */
function claimViolations({ spec }: CoreV1PersistentVolumeClaim, range: LimitRangeFacts): string[] {
  const requests = amountsOf(spec?.resources?.requests)
  return range.bounds
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((bounds) => violations(bounds, requests, undefined))
}

import type { CoreV1Container, CoreV1ContainerStatus, CoreV1Pod, CoreV1PodAffinityTerm } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Quantity } from '../../machinery/quantity.ts'
import { type Amounts, amountsOf, largest, type ResourceList, sum } from './amounts.ts'
import { countName, type Evaluator, ONE } from './evaluator.ts'
import { type ScopeSelector, selects } from './quota.ts'

type PodSpec = NonNullable<CoreV1Pod['spec']>

export interface PodRules {
  /** Adds up what the containers of a pod have in a list, with init containers counted as far as they run beside others. */
  total(spec: PodSpec, listOf: (container: CoreV1Container) => ResourceList | undefined): Map<string, Quantity>
  qosClass(spec: PodSpec): string
  /** Whether pods may ask for resources as a whole (KEP-2837). */
  readonly podLevelResources: boolean
  /** ms */
  now(): number
}

const COUNT = countName({ group: '', resource: 'pods' })
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage']
const NAMES: ReadonlySet<string> = new Set([
  COUNT,
  'pods',
  ...COMPUTE,
  ...COMPUTE.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
])
/** Where one of these is limited, every container has to say how much it takes. */
const TO_SPECIFY: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
])
/** Extended resources that stand for a device class without its having been given a name for that. */
const OF_DEVICE_CLASS = 'deviceclass.resource.kubernetes.io/'

/** Pods and what they take of a node's resources. */
export function pods(rules: PodRules): Evaluator {
  return {
    handles({ operation, subresource, object, oldObject }) {
      if (subresource === 'resize') return operation === 'UPDATE'
      if (subresource !== '') return false
      return operation === 'CREATE' || (operation === 'UPDATE' && isTerminating(object) !== isTerminating(oldObject))
    },
    counts: (name) => NAMES.has(name) || /^(requests\.)?hugepages-/.test(name) || isExtendedForQuota(name),
    inScope: (selector, object) => inScope(selector, object as CoreV1Pod, rules),
    missing: (names, object) => missing(names, (object as CoreV1Pod).spec ?? {}, rules),
    usage: (object) => podUsage(object as CoreV1Pod, rules),
  }
}

/** What a quota calls `requests.example.com/gpu`. */
export function isExtendedForQuota(name: string): boolean {
  if (!name.startsWith('requests.')) return false
  return (name.includes('/') && !name.includes('kubernetes.io/')) || name.startsWith(`requests.${OF_DEVICE_CLASS}`)
}

const isExtended = (name: string): boolean =>
  (name.includes('/') && !name.includes('kubernetes.io/')) || name.startsWith(OF_DEVICE_CLASS)

const isPodLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

/** A pod that may run for a limited time only. */
function isTerminating(pod: KubeObject | undefined): boolean {
  const seconds = (pod as CoreV1Pod | undefined)?.spec?.activeDeadlineSeconds
  return seconds !== undefined && seconds >= 0
}

function inScope(selector: ScopeSelector, pod: CoreV1Pod, { qosClass }: PodRules): boolean {
  const isBestEffort = () => (pod.status?.qosClass || qosClass(pod.spec ?? {})) === 'BestEffort'
  switch (selector.scope) {
    case 'Terminating':
      return isTerminating(pod)
    case 'NotTerminating':
      return !isTerminating(pod)
    case 'BestEffort':
      return isBestEffort()
    case 'NotBestEffort':
      return !isBestEffort()
    case 'PriorityClass':
      return selects(selector, pod.spec?.priorityClassName || undefined)
    case 'CrossNamespacePodAffinity':
      return hasCrossNamespaceAffinity(pod)
    default:
      return false
  }
}

function hasCrossNamespaceAffinity({ spec }: CoreV1Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {}
  const isCross = (term: CoreV1PodAffinityTerm | undefined) =>
    Boolean(term?.namespaces?.length || term?.namespaceSelector !== undefined)
  return [podAffinity, podAntiAffinity].some(
    (affinity) =>
      affinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(isCross) ||
      affinity?.preferredDuringSchedulingIgnoredDuringExecution?.some(({ podAffinityTerm }) => isCross(podAffinityTerm)),
  )
}

function missing(names: readonly string[], spec: PodSpec, { podLevelResources }: PodRules): string | undefined {
  if (podLevelResources && hasPodLevel(spec.resources?.requests, spec.resources?.limits)) return undefined
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const parts = names
    .filter((name) => TO_SPECIFY.has(name))
    .sort()
    .flatMap((name) => {
      const silent = new Set(containers.filter((container) => !specifies(container, name)).map((container) => container.name))
      return silent.size ? [`${name} for: ${[...silent].sort().join(',')}`] : []
    })
  return parts.length ? `must specify ${parts.join('; ')}` : undefined
}

function specifies({ resources }: CoreV1Container, name: string): boolean {
  if (name.startsWith('limits.')) return resources?.limits?.[name.slice('limits.'.length)] !== undefined
  return resources?.requests?.[name.replace('requests.', '')] !== undefined
}

const hasPodLevel = (...lists: readonly (ResourceList | undefined)[]): boolean =>
  lists.some((list) => Object.keys(list ?? {}).some(isPodLevel))

/** What is over (or should be) counts as an object only. */
export function podUsage(pod: CoreV1Pod, rules: PodRules): Amounts {
  const usage = new Map([[COUNT, ONE]])
  if (isOver(pod, rules.now())) return usage
  usage.set('pods', ONE)
  const { requests, limits } = demands(pod, rules)
  for (const [name, quantity] of requests) {
    if (COMPUTE.includes(name) || name.startsWith('hugepages-')) usage.set(name, quantity).set(`requests.${name}`, quantity)
    else if (isExtended(name)) usage.set(`requests.${name}`, quantity)
  }
  for (const name of COMPUTE) {
    const limit = limits.get(name)
    if (limit) usage.set(`limits.${name}`, limit)
  }
  return usage
}

/** Pods that are stuck in their deletion, as their node is lost, are not to keep others from taking their place. */
function isOver({ metadata, status }: CoreV1Pod, now: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata ?? {}
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false
  return now > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

/** While a pod is being resized, the larger of what it has and what it is to have. */
function demands(pod: CoreV1Pod, rules: PodRules): { requests: Amounts; limits: Amounts } {
  const { spec = {}, status = {} } = pod
  const statuses = new Map<string, CoreV1ContainerStatus>()
  for (const one of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
    statuses.set(one.name ?? '', one)
  // What cannot be done isn't counted.
  const isWanted = status.conditions?.find(({ type }) => type === 'PodResizePending')?.reason !== 'Infeasible'
  const specified = (list: 'requests' | 'limits') => (container: CoreV1Container) =>
    isWanted ? container.resources?.[list] : undefined
  const total = (list: 'requests' | 'limits', had: (container: CoreV1ContainerStatus) => ResourceList | undefined) =>
    rules.total(spec, (container) => {
      const own = statuses.get(container.name ?? '')
      return (own && had(own)) ?? specified(list)(container)
    })
  const sums = { requests: [rules.total(spec, specified('requests'))], limits: [rules.total(spec, specified('limits'))] }
  if (statuses.size) {
    sums.requests.push(total('requests', ({ allocatedResources }) => allocatedResources))
    sums.requests.push(total('requests', ({ resources, allocatedResources }) => resources?.requests ?? allocatedResources))
    sums.limits.push(total('limits', ({ resources }) => resources?.limits))
  }
  const requests = largest(...sums.requests)
  const limits = largest(...sums.limits)
  if (rules.podLevelResources) {
    override(requests, spec.resources?.requests)
    override(limits, spec.resources?.limits)
  }
  const overhead = amountsOf(spec.overhead)
  for (const [name, quantity] of overhead) {
    const limit = limits.get(name)
    if (limit && !limit.isZero) limits.set(name, limit.add(quantity))
  }
  return { requests: sum(requests, overhead), limits }
}

/** What a pod asks for as a whole is what counts. */
function override(amounts: Map<string, Quantity>, whole: ResourceList | undefined): void {
  for (const [name, quantity] of amountsOf(whole)) if (isPodLevel(name)) amounts.set(name, quantity)
}

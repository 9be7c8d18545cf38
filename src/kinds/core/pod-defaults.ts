import type { CoreV1Container, CoreV1ContainerStatus, CoreV1Pod, CoreV1PodSpec, CoreV1PodStatus } from '../../generated/types.ts'
import { aggregate, isHugePages, isPodLevelResource } from './pod-resources.ts'
import { defaultPodSpec, dropInitContainerAnnotations, type ResourceList, roundResources } from './pod-spec-defaults.ts'

/** Fills in a pod: what templates get, and what shows only once a pod is made of one. */
export function defaultPod(pod: CoreV1Pod): void {
  pod.spec ??= {}
  dropInitContainerAnnotations(pod)
  const { spec } = pod
  defaultPodSpec(spec)
  spec.containers?.forEach(requestLimits)
  spec.initContainers?.forEach(requestLimits)
  if (spec.resources) defaultPodLevelResources(spec)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork) {
    spec.containers?.forEach(defaultHostPorts)
    spec.initContainers?.forEach(defaultHostPorts)
  }
  if (pod.status) defaultStatus(pod.status)
}

/** A container asks for what it is limited to, unless it says otherwise. */
function requestLimits({ resources }: CoreV1Container): void {
  if (!resources?.limits) return
  const { limits, requests = {} } = resources
  for (const name in limits) {
    if (name in requests) continue
    resources.requests = sorted({ ...limits, ...requests })
    return
  }
}

/** Maps are encoded with their keys sorted. */
const sorted = (list: ResourceList): ResourceList => Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)))

function defaultHostPorts(container: CoreV1Container): void {
  for (const port of container.ports ?? []) if (!port.hostPort) port.hostPort = port.containerPort
}

/** Completes the resources of a pod as a whole once some are given (KEP-2837). */
function defaultPodLevelResources(spec: CoreV1PodSpec): void {
  const { resources } = spec
  if (!resources) return
  const limits = { ...resources.limits }
  if (hasAny(resources.limits) || hasAny(resources.requests)) {
    for (const [name, quantity] of aggregate(spec, 'limits')) {
      if (isHugePages(name) && !(name in (resources.requests ?? {})) && !(name in limits)) limits[name] = quantity.toString()
    }
    if (hasAny(limits)) resources.limits = sorted(limits)
  }
  if (!hasAny(resources.limits)) return
  const requests = { ...resources.requests }
  for (const [name, quantity] of aggregate(spec, 'requests')) {
    if (isPodLevelResource(name) && !isHugePages(name) && !(name in requests)) requests[name] = quantity.toString()
  }
  for (const name in resources.limits) {
    if (isPodLevelResource(name) && !(name in requests)) requests[name] = resources.limits[name]!
  }
  if (hasAny(requests)) resources.requests = sorted(requests)
}

const hasAny = (list: object | undefined): boolean => list !== undefined && Object.keys(list).length > 0

/** The one address is the first of the list; when they differ it is right (older kubelets write only that). */
function defaultStatus(status: CoreV1PodStatus): void {
  const first = status.podIPs?.[0]?.ip
  if (status.podIP && status.podIP !== first) status.podIPs = [{ ip: status.podIP }]
  else if (first) status.podIP = first
  status.initContainerStatuses?.forEach(roundStatus)
  status.containerStatuses?.forEach(roundStatus)
  status.ephemeralContainerStatuses?.forEach(roundStatus)
  roundResources(status.allocatedResources)
  roundResources(status.resources?.limits)
  roundResources(status.resources?.requests)
}

function roundStatus(status: CoreV1ContainerStatus): void {
  roundResources(status.allocatedResources)
  roundResources(status.resources?.limits)
  roundResources(status.resources?.requests)
}

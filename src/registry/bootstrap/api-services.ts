import type { ApiregistrationV1APIService } from '../../generated/types.ts'
import { formatTime } from '../../machinery/time.ts'
import type { ObjectAccess } from '../context.ts'
import { ensureObject } from './ensure.ts'

/** How groups are ordered for clients: the higher the earlier. */
const GROUP_PRIORITY: Readonly<Record<string, number>> = {
  '': 18000,
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: 17500,
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'admissionregistration.k8s.io': 16700,
  'apiextensions.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'resource.k8s.io': 16200,
  'flowcontrol.apiserver.k8s.io': 16100,
}

const VERSION_PRIORITY: Readonly<Record<string, number>> = {
  v1: 1,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'resource.k8s.io/v1': 21,
  'autoscaling/v2': 30,
}

const DEFAULT_VERSION_PRIORITY = 15
const LEAST_GROUP_PRIORITY = 1000
const CUSTOM_PRIORITIES: Priorities = { groupPriorityMinimum: LEAST_GROUP_PRIORITY, versionPriority: 100 }

interface Priorities {
  readonly groupPriorityMinimum: number
  readonly versionPriority: number
}
const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged'

/** One APIService for every group version that this server serves itself, so that clients of the aggregation layer see them all. */
export async function ensureApiServices(deps: {
  apiServices: ObjectAccess
  groupVersions: readonly { group: string; version: string }[]
  clock: () => number
}): Promise<void> {
  const now = formatTime(deps.clock())
  await Promise.all(
    deps.groupVersions
      // The aggregator's own group isn't registered with itself.
      .filter(({ group }) => group !== 'apiregistration.k8s.io')
      .map(({ group, version }) => ensureObject(deps.apiServices, apiService(group, version, now))),
  )
}

function apiService(group: string, version: string, now: string): ApiregistrationV1APIService {
  return localService({ group, version }, 'onstart', now, builtInPriorities(group, version))
}

function builtInPriorities(group: string, version: string): Priorities {
  return {
    groupPriorityMinimum: GROUP_PRIORITY[group] ?? LEAST_GROUP_PRIORITY,
    versionPriority: VERSION_PRIORITY[group ? `${group}/${version}` : version] ?? DEFAULT_VERSION_PRIORITY,
  }
}

/** How a group version that this server serves itself is ordered among those of others. */
export function localPriorities(group: string, version: string): Priorities {
  return Object.hasOwn(GROUP_PRIORITY, group) ? builtInPriorities(group, version) : CUSTOM_PRIORITIES
}

/** The APIService of a group version of custom resources, which goes with them. @param now ms since the epoch */
export function customApiService(group: string, version: string, now: number): ApiregistrationV1APIService {
  return localService({ group, version }, 'true', formatTime(now), CUSTOM_PRIORITIES)
}

/** Whether it is one that was made for custom resources. */
export function isCustomApiService({ metadata }: ApiregistrationV1APIService): boolean {
  return metadata?.labels?.[AUTOMANAGED] === 'true'
}

function localService(
  { group, version }: { group: string; version: string },
  automanaged: string,
  now: string,
  priorities: Priorities,
): ApiregistrationV1APIService {
  return {
    kind: 'APIService',
    apiVersion: 'apiregistration.k8s.io/v1',
    metadata: { name: `${version}.${group}`, labels: { [AUTOMANAGED]: automanaged } },
    spec: { ...(group ? { group } : {}), version, ...priorities },
    status: {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: now,
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    },
  }
}

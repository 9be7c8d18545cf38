import type { CoreV1Pod } from '../../generated/types.ts'
import { only } from '../../machinery/managed-fields/views.ts'
import { isDns1123Label } from '../../machinery/validation.ts'
import { defineKind } from '../../registry/kind.ts'
import { podBinding } from './pod-binding.ts'
import { podEphemeralContainers, podResize } from './pod-changes.ts'
import { podColumns, podRowConditions } from './pod-columns.ts'
import { podConnections } from './pod-connect.ts'
import { defaultPod } from './pod-defaults.ts'
import { podEviction } from './pod-eviction.ts'
import { preparePodForCreate, preparePodStatus } from './pod-prepare.ts'
import { dropDisabledSpecFields } from './pod-spec-features.ts'
import { podWarnings } from './pod-spec-warnings.ts'
import { validatePodStatus, validatePodUpdate } from './pod-update-rules.ts'
import { validatePod } from './pod-validation.ts'

const nodeName = (pod: CoreV1Pod): string => pod.spec?.nodeName ?? ''

export const pod = defineKind<CoreV1Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  resource: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.Pod',
  defaults: defaultPod,
  generation: 'spec',
  prepareForCreate: preparePodForCreate,
  prepareForUpdate: (pod, old, context) => dropDisabledSpecFields(pod.spec, old.spec, context),
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  // Updates are frequent and rarely a human's.
  warnings: (pod, old) => (old ? [] : newPodWarnings(pod)),
  returnsDeleted: true,
  gracePeriod,
  status: { prepare: preparePodStatus, validate: validatePodStatus },
  resetFields: {
    '': ['status'],
    status: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
    ephemeralcontainers: only('f:spec f:ephemeralContainers'),
    resize: only(
      ...['containers', 'initContainers'].flatMap((list) => [
        `f:spec f:${list} * f:resources`,
        `f:spec f:${list} * f:resizePolicy`,
      ]),
    ),
  },
  subresources: [podBinding, podEviction, podEphemeralContainers, podResize, ...podConnections],
  columns: podColumns,
  rowConditions: podRowConditions,
  fields: {
    'spec.nodeName': nodeName,
    // The name of long ago.
    'spec.host': nodeName,
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? '',
    // Accepted, but nothing is filed under it.
    'status.podIPs': () => '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
})

/** Nothing runs of a pod that has no node or has ended: it goes at once. */
function gracePeriod({ spec, status }: CoreV1Pod, requested: number | undefined): number {
  if (!spec?.nodeName || status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0
  const seconds = requested ?? spec.terminationGracePeriodSeconds ?? 0
  return seconds < 0 ? 1 : seconds
}

function newPodWarnings(pod: CoreV1Pod): string[] {
  const warnings = podWarnings(pod)
  const problems = isDns1123Label(pod.metadata?.name ?? '')
  if (problems.length) {
    warnings.unshift(
      `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
    )
  }
  return warnings
}

import type { CoreV1Container, CoreV1Pod, CoreV1PodSpec } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { isQualifiedName } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { validatePodSpec } from './pod-spec-validation.ts'

const UNCHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** What an update may change of a pod. */
export function validatePodUpdate(pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): FieldError[] {
  const errors = validatePodSpec(pod.spec ?? {}, 'spec', context)
  const spec = pod.spec ?? {}
  const before = old.spec ?? {}
  if (spec.containers?.length !== before.containers?.length) {
    return [...errors, forbiddenField('spec.containers', 'pod updates may not add or remove containers')]
  }
  if (spec.initContainers?.length !== before.initContainers?.length) {
    return [...errors, forbiddenField('spec.initContainers', 'pod updates may not add or remove containers')]
  }
  if (!equal(changeable(spec, before), before)) errors.push(forbiddenField('spec', UNCHANGEABLE))
  return errors
}

/** The new spec with everything that may change put back as it was. */
function changeable(spec: CoreV1PodSpec, before: CoreV1PodSpec): CoreV1PodSpec {
  const withImages = (containers: CoreV1Container[] | undefined, old: CoreV1Container[] | undefined) =>
    containers?.map((container, i) => ({ ...container, image: old?.[i]?.image }))
  const restored: CoreV1PodSpec = {
    ...spec,
    containers: withImages(spec.containers, before.containers),
    initContainers: withImages(spec.initContainers, before.initContainers),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
  }
  if (before.tolerations?.every((toleration, i) => equal(toleration, spec.tolerations?.[i])) ?? true) {
    restored.tolerations = before.tolerations
  }
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    restored.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds
  }
  // Gates may go, and while there are any, so may the pod's node constraints get narrower.
  if (before.schedulingGates?.length) {
    restored.schedulingGates = before.schedulingGates
    restored.nodeSelector = before.nodeSelector
    if (restored.affinity || before.affinity) restored.affinity = before.affinity
  }
  return restored
}

/** What a node may report of a pod. */
export function validatePodStatus(pod: CoreV1Pod, old: CoreV1Pod): FieldError[] {
  const errors: FieldError[] = []
  const status = pod.status ?? {}
  const before = old.status ?? {}
  if (status.qosClass !== before.qosClass) errors.push(invalid('status.qosClass', status.qosClass, 'field is immutable'))
  status.conditions?.forEach((condition, i) => {
    for (const message of isQualifiedName(condition.type ?? '')) {
      errors.push(invalid(`status.conditions[${i}].Type`, condition.type, message))
    }
  })
  if (pod.spec?.nodeName && status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName) {
    errors.push(forbiddenField('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'))
  }
  return errors
}

/** Ephemeral containers may be added, never changed or removed. */
export function validateEphemeralContainers(pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): FieldError[] {
  const path = 'spec.ephemeralContainers'
  const errors = validatePodSpec(pod.spec ?? {}, 'spec', context)
  const now = new Map((pod.spec?.ephemeralContainers ?? []).map((c) => [c.name, c]))
  old.spec?.ephemeralContainers?.forEach((before, i) => {
    const after = now.get(before.name)
    if (!after) {
      errors.push(
        forbiddenField(`${path}[${i}]`, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`),
      )
    } else if (!equal(after, before)) {
      errors.push(
        forbiddenField(`${path}[${i}]`, `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`),
      )
    }
  })
  return errors
}

/** A resize leaves the containers themselves as they are. */
export function validateResize(pod: CoreV1Pod, old: CoreV1Pod, context: WriteContext): FieldError[] {
  const errors = validatePodSpec(pod.spec ?? {}, 'spec', context)
  for (const kind of ['containers', 'initContainers'] as const) {
    if (pod.spec?.[kind]?.length !== old.spec?.[kind]?.length) {
      return [...errors, forbiddenField(`spec.${kind}`, 'containers may not be added or removed on resize')]
    }
  }
  const withoutResources = (spec: CoreV1PodSpec | undefined) => ({
    ...spec,
    resources: undefined,
    containers: spec?.containers?.map((c) => ({ ...c, resources: undefined, resizePolicy: undefined })),
    initContainers: spec?.initContainers?.map((c) => ({ ...c, resources: undefined, resizePolicy: undefined })),
  })
  if (!equal(withoutResources(pod.spec), withoutResources(old.spec))) {
    errors.push(forbiddenField('spec', 'only cpu and memory resources are mutable'))
  }
  return errors
}
